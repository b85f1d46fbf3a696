// Somebody speaks over a loudspeaker.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api";
import { Microphone } from "./microphone";
import { Asking, Choice } from "./parts";
import { useToast } from "./toasts";
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
      {speaker && <Microphone speaker={speaker} />}
      <label>
        {say("talkText")}
        <input name="text" required maxLength={300} autofocus disabled={!all.length} />
      </label>
      <small class="muted">{say("talkHint")}</small>
    </Asking>
  );
}
