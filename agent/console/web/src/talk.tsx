// Somebody speaks over a loudspeaker.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Found, type Page, type Prepared, get, post } from "./api";
import { useCameras } from "./incidents";
import { useNews } from "./live";
import { Microphone } from "./microphone";
import { Asking, Choice, Outcome } from "./parts";
import { useToast } from "./toasts";
import { titleIn } from "./tile";
import { type Say, useWords } from "./words";

type Tell = (text: string, isBad?: boolean) => void;

/** Has a text said, and tells what became of it. */
export const hear = (speaker: string, text: string, say: Say, toast: Tell) =>
  sound(`/speakers/${encodeURIComponent(speaker)}/say`, { text, language: say.language }, speaker, say, toast);

/** Asks for something that sounds, and tells what became of it. */
export async function sound(path: string, body: object, speaker: string, say: Say, toast: Tell) {
  toast(say("speaking", speaker));
  try {
    const told = await post<{ played: string }>(path, body);
    toast(say("wasHeard", say.told(told.played)));
  } catch (error) {
    toast(say("failed", say.why(error)), true);
  }
}

/** What is ready to be said, each by a button. */
function Ready({ speaker }: { speaker: string }) {
  const say = useWords();
  const toast = useToast();
  const [all, setAll] = useState<Prepared[]>([]);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => void get<{ prepared: Prepared[] }>("/speakers/prepared").then((told) => setAll(told.prepared), () => {}), []);
  if (!all.length) return null;
  const inLanguage = ({ en, zh }: Prepared["text"]) => (say.language === "zh" ? zh ?? en : en ?? zh);
  const play = async (prepared: string) => {
    setIsBusy(true);
    await sound(`/speakers/${encodeURIComponent(speaker)}/play`, { prepared, language: say.language }, speaker, say, toast);
    setIsBusy(false);
  };
  return (
    <fieldset class="ready">
      <legend>{say("prepared")}</legend>
      {all.map((one) => (
        <button type="button" key={one.id} disabled={isBusy} onClick={() => void play(one.id)}>
          <strong>{inLanguage(one.title)}</strong>
          <small>{inLanguage(one.text) ?? say("aSound")}</small>
        </button>
      ))}
    </fieldset>
  );
}

/** How far the agent itself is with those whom this loudspeaker reaches. */
function Loop({ speaker }: { speaker: string }) {
  const say = useWords();
  const cameras = useCameras();
  const [open, setOpen] = useState<Found[] | null>(null);
  const read = useCallback(() => void get<Page>("/incidents?state=open&limit=20").then((page) => setOpen(page.incidents), () => {}), []);
  useEffect(read, [read]);
  useNews("incident", read);
  useNews("missed", read);
  if (!cameras || !open) return null;
  const near = open.flatMap((one) => cameras.filter((camera) => camera.id === one.camera && camera.speakers.includes(speaker)).map((camera) => ({ ...one, title: titleIn(camera, say.language)(one.violation) })));
  return (
    <div class="loop" role="status">
      <small class="muted">{say(near.length ? "loopNow" : "loopIdle")}</small>
      {near.slice(0, 4).map((one) => (
        <p key={one.id}>
          {one.camera} · {one.title} <Outcome outcome={one.outcome} /> <small>{say.step(one.state)}</small>
        </p>
      ))}
    </div>
  );
}

/** A text for a loudspeaker; those of the camera come first. */
export function Talk({ first, onClose }: { first: string[]; onClose: () => void }) {
  const say = useWords();
  const toast = useToast();
  const [picked, setPicked] = useState("");
  const [speakers, setSpeakers] = useState<string[] | null>(null);
  useEffect(() => void get<{ speakers: string[] }>("/speakers").then((told) => setSpeakers(told.speakers), () => setSpeakers([])), []);
  const all = [...first, ...(speakers ?? []).filter((id) => !first.includes(id))];
  const speaker = picked || all[0] || "";
  return (
    <Asking
      title={say("talk")}
      word={say("speak")}
      onClose={onClose}
      onSay={(form) => {
        void hear(String(form.get("speaker")), String(form.get("text")), say, toast);
        onClose();
      }}
    >
      {speakers && !all.length && <p class="notice">{say("noSpeakers")}</p>}
      <Choice name="speaker" label={say("speakers")} of={all.map((id) => [id, id])} value={speaker} onPick={setPicked} />
      {speaker && <Loop speaker={speaker} />}
      {speaker && <Microphone speaker={speaker} />}
      {speaker && <Ready speaker={speaker} />}
      <label>
        {say("talkText")}
        <input name="text" required maxLength={300} autofocus disabled={!all.length} />
      </label>
      <small class="muted">{say("talkHint")}</small>
    </Asking>
  );
}
