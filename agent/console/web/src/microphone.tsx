// A button that is held while one speaks; what was said is played when it is let go.
import { useEffect, useRef, useState } from "preact/hooks";
import { post } from "./api";
import { Icon } from "./parts";
import { canRecord, longestS, record, type Recording } from "./record";
import { useWords } from "./words";

type Stage = { is: "idle" | "asking" | "hearing" | "playing"; told?: string; isBad?: boolean };

export function Microphone({ speaker }: { speaker: string }) {
  const say = useWords();
  const [stage, setStage] = useState<Stage>({ is: "idle" });
  const [seconds, setSeconds] = useState(0);
  const recording = useRef<Promise<Recording> | null>(null);
  const end = useRef(() => {});

  const begin = () => {
    if (recording.current || stage.is === "playing") return;
    setStage({ is: "asking" });
    setSeconds(0);
    recording.current = record();
    recording.current.then(
      () => recording.current && setStage({ is: "hearing" }),
      () => {
        recording.current = null;
        setStage({ is: "idle", told: say("noMicrophone"), isBad: true });
      },
    );
  };
  end.current = async () => {
    const going = recording.current;
    if (!going) return;
    recording.current = null;
    try {
      const heard = await (await going).stop();
      setStage({ is: "playing", told: say("speaking", speaker) });
      const { played } = await post<{ played: string }>(`/speakers/${encodeURIComponent(speaker)}/talk`, heard);
      setStage({ is: "idle", told: say("wasHeard", say.told(played)) });
    } catch (error) {
      setStage({ is: "idle", told: say("failed", say.why(error)), isBad: true });
    }
  };
  useEffect(() => {
    if (stage.is !== "hearing") return;
    const every = setInterval(() => setSeconds((n) => n + 1), 1000);
    const most = setTimeout(() => end.current(), longestS * 1000);
    return () => (clearInterval(every), clearTimeout(most));
  }, [stage.is]);
  // Who closes the dialog has nothing played.
  useEffect(() => () => void recording.current?.then((one) => one.stop(), () => {}), []);

  if (!canRecord()) return <p class="notice">{say("microphoneNeedsTls")}</p>;
  const isHeld = stage.is === "asking" || stage.is === "hearing";
  const keys = (isDown: boolean) => (event: KeyboardEvent) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (event.repeat) return;
    if (isDown) begin();
    else end.current();
  };
  const told = stage.is === "asking" ? say("microphoneAsked") : stage.is === "hearing" ? say("speakNow", seconds) : stage.told;
  return (
    <div class="talk">
      <button
        type="button"
        class="hold"
        data-stage={stage.is}
        aria-pressed={isHeld}
        disabled={stage.is === "playing"}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          begin();
        }}
        onPointerUp={() => end.current()}
        onPointerCancel={() => end.current()}
        onContextMenu={(event) => event.preventDefault()}
        onKeyDown={keys(true)}
        onKeyUp={keys(false)}
      >
        <Icon name="microphone" />
        {say(isHeld ? "letGo" : "holdToTalk")}
      </button>
      <p role="status" class={stage.isBad ? "bad" : "muted"}>
        {told}
      </p>
    </div>
  );
}
