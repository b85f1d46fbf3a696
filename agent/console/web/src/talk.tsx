// Somebody speaks over a loudspeaker.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api";
import { Asking, Choice } from "./parts";
import { useToast } from "./toasts";
import { type Say, useWords } from "./words";

/** Has a text said, and tells what became of it. */
export async function hear(speaker: string, text: string, say: Say, toast: (text: string, isBad?: boolean) => void) {
  toast(say("speaking", speaker));
  try {
    const told = await post<{ played: string }>(`/speakers/${encodeURIComponent(speaker)}/say`, { text, language: say.language });
    toast(say("wasHeard", told.played));
  } catch (error) {
    toast(say("failed", say.why(error)), true);
  }
}

/** A text for a loudspeaker; those of the camera come first. */
export function Talk({ first, onClose }: { first: string[]; onClose: () => void }) {
  const say = useWords();
  const toast = useToast();
  const [speakers, setSpeakers] = useState<string[] | null>(null);
  useEffect(() => void get<{ speakers: string[] }>("/speakers").then((told) => setSpeakers(told.speakers), () => setSpeakers([])), []);
  const all = [...first, ...(speakers ?? []).filter((id) => !first.includes(id))];
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
      <Choice name="speaker" label={say("speakers")} of={all.map((id) => [id, id])} />
      <label>
        {say("talkText")}
        <input name="text" required maxLength={300} autofocus disabled={!all.length} />
      </label>
      <small class="muted">{say("talkHint")}</small>
    </Asking>
  );
}
