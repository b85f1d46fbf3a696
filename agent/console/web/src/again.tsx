// A clip decided twice, side by side: by the setting of its bundle, and by the site as it is now or another model. Both pictures
// are of one video, so that they are never out of step; what only one of them sees is drawn in another colour.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Clip, fileOf, get, post } from "./api";
import { type Sight, overlap, sightAt, sightsOf } from "./sights";
import { Dialog } from "./parts";
import { Steps } from "./steps";
import { useWords } from "./words";

interface Answer {
  outcome: "same" | "different" | "too_short";
  setting: string[];
  incident: string[];
  agrees: string[];
}

interface Standing {
  is: "running" | "done" | "failed";
  answer?: Answer;
  why?: string;
}

interface Told {
  again: { model: string | null; kept: Standing; now: Standing } | null;
}

const sides = ["kept", "now"] as const;
type Side = (typeof sides)[number];
const EVERY_MS = 1000;
/** Boxes that share so much of their union are of the same thing. */
const SAME = 0.5;

export function Again({ id, clip, onClose }: { id: string; clip: Clip; onClose: () => void }) {
  const say = useWords();
  const path = `/incidents/${encodeURIComponent(id)}/again`;
  const [told, setTold] = useState<Told["again"]>(null);
  const [problem, setProblem] = useState("");
  const [seen, setSeen] = useState<Partial<Record<Side, Sight[]>>>({});
  const take = (asked: Promise<Told>) => asked.then(({ again }) => setTold(again), (error: unknown) => setProblem(say.why(error)));
  useEffect(() => void take(get<Told>(path)), [path]);
  const isRunning = sides.some((side) => told?.[side].is === "running");
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => void take(get<Told>(path)), EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning, path]);
  const states = sides.map((side) => told?.[side].is).join();
  useEffect(() => {
    for (const side of sides)
      if (told?.[side].is === "done") void sightsOf(`${path}/${side}`).then((lines) => setSeen((before) => ({ ...before, [side]: lines })), () => {});
  }, [states]);
  return (
    <Dialog title={say("decideAgain")} onClose={onClose} isWide>
      <form
        class="again-by"
        onSubmit={(event) => {
          event.preventDefault();
          setProblem("");
          setSeen({});
          void take(post<Told>(path, { model: String(new FormData(event.currentTarget).get("model")) || null }));
        }}
      >
        <label>
          {say("anotherModel")}
          <input name="model" maxLength={100} placeholder="yolox-s" />
        </label>
        <button class="primary" disabled={isRunning}>
          {say("decideAgain")}
        </button>
        <button type="button" onClick={onClose}>
          {say("close")}
        </button>
      </form>
      <small class="muted">{say("againHint")}</small>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {told && <Both id={id} clip={clip} told={told} seen={seen} />}
    </Dialog>
  );
}

function Both({ id, clip, told, seen }: { id: string; clip: Clip; told: NonNullable<Told["again"]>; seen: Partial<Record<Side, Sight[]>> }) {
  const say = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const canvases = { kept: useRef<HTMLCanvasElement>(null), now: useRef<HTMLCanvasElement>(null) };
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(0);
  const [isPlaying, setIsPlaying] = useState(false);
  const [isPlayable, setIsPlayable] = useState(true);
  const frameS = clip.access_units > 1 ? (clip.to.seconds - clip.from.seconds) / clip.access_units : 0.1;
  const show = () => {
    if (!video.current?.videoWidth) return;
    setAt(video.current.currentTime);
    for (const side of sides) {
      const other = side === "kept" ? "now" : "kept";
      if (canvases[side].current) draw(canvases[side].current!, video.current, seen[side], seen[other]);
    }
  };
  useEffect(show, [seen]);
  useEffect(() => {
    if (!isPlaying) return;
    let turn = 0;
    const next = () => {
      show();
      turn = requestAnimationFrame(next);
    };
    next();
    return () => cancelAnimationFrame(turn);
  }, [isPlaying, seen]);
  const go = (seconds: number) => {
    if (!video.current) return;
    video.current.pause();
    video.current.currentTime = Math.max(0, Math.min(length, seconds));
  };
  if (!isPlayable) return <p class="notice">{say("againUnplayable")}</p>;
  return (
    <>
      <video ref={video} class="is-away" src={fileOf(id, clip.file)} preload="auto" muted playsInline aria-hidden="true" onLoadedData={() => (setLength(video.current?.duration ?? 0), show())} onSeeked={show} onPlay={() => setIsPlaying(true)} onPause={() => setIsPlaying(false)} onError={() => setIsPlayable(false)} />
      <div class="pair">
        {sides.map((side) => (
          <figure key={side} data-side={side}>
            <canvas ref={canvases[side]} role="img" aria-label={say(side === "kept" ? "asKept" : "asNow")} />
            <figcaption>
              <strong>{side === "kept" ? say("asKept") : `${say("asNow")}${told.model ? ` · ${told.model}` : ""}`}</strong> <Verdict of={told[side]} />
            </figcaption>
          </figure>
        ))}
      </div>
      <div class="scrub" role="group" aria-label={say("clip")}>
        <button onClick={() => (isPlaying ? video.current?.pause() : void video.current?.play())}>{say(isPlaying ? "pause" : "play")}</button>
        <Steps video={video} step={(by) => go(at + by * frameS)}>
          <input type="range" min={0} max={length} step={frameS} value={at} aria-label={say("scrub")} onInput={(event) => go(Number(event.currentTarget.value))} />
          <output>{at.toFixed(2)} s</output>
        </Steps>
      </div>
      <p class="legend muted">
        <i class="both" /> {say("bothSee")} <i class="one" /> {say("oneSees")}
      </p>
      <Differences told={told} />
    </>
  );
}

function Verdict({ of }: { of: Standing }) {
  const say = useWords();
  if (of.is === "running") return <small role="status">{say("againRunning")}</small>;
  if (of.is === "failed") return <small class="problem">{of.why}</small>;
  const outcome = of.answer?.outcome ?? "different";
  return <span class={`badge is-${outcome === "same" ? "complied" : "escalated"}`}>{say(`again_${outcome}`)}</span>;
}

/** What each decision says beside what was sealed; what differs is marked. */
function Differences({ told }: { told: NonNullable<Told["again"]> }) {
  const say = useWords();
  const lines = (side: Side, key: "setting" | "incident" | "agrees") => told[side].answer?.[key] ?? [];
  if (!sides.some((side) => told[side].answer)) return null;
  return (
    <div class="pair differences">
      {sides.map((side) => (
        <ul key={side}>
          {lines(side, "setting").map((line) => (
            <li key={line} class="is-other">
              <small>{say("againSetting")}</small> {line}
            </li>
          ))}
          {lines(side, "incident").map((line) => (
            <li key={line} class="is-other">
              <small>{say("againIncident")}</small> {line}
            </li>
          ))}
          {lines(side, "agrees").map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      ))}
    </div>
  );
}

/** The picture of now with what one side sees; what the other does not see is dashed and red. */
function draw(canvas: HTMLCanvasElement, video: HTMLVideoElement, mine: Sight[] | undefined, others: Sight[] | undefined) {
  const { videoWidth: w, videoHeight: h } = video;
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.drawImage(video, 0, 0, w, h);
  const atMs = video.currentTime * 1000;
  const [seen, other] = [sightAt(mine, atMs), sightAt(others, atMs)];
  const em = Math.max(12, w / 60);
  let alone = 0;
  pen.lineWidth = Math.max(2, w / 320);
  pen.font = `600 ${em}px system-ui, sans-serif`;
  for (const track of seen) {
    const isShared = !others || other.some((one) => one.class === track.class && overlap(one.box, track.box) >= SAME);
    if (!isShared) alone += 1;
    const [x0, y0, x1, y1] = track.box;
    pen.strokeStyle = pen.fillStyle = isShared ? "#79d9a2" : "#ff6b5e";
    pen.setLineDash(isShared ? [] : [em / 2, em / 3]);
    pen.strokeRect(x0 * w, y0 * h, (x1 - x0) * w, (y1 - y0) * h);
    const name = [`${track.class} ${track.id}`, x0 * w, Math.max(em, y0 * h - em / 4)] as const;
    pen.setLineDash([]);
    pen.strokeStyle = "#000a";
    pen.strokeText(...name);
    pen.fillText(...name);
  }
  Object.assign(canvas.dataset, { boxes: String(seen.length), alone: String(alone) });
}
