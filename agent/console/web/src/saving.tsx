// What becomes of the site file is seen before it is saved; then it is waited for until the agent goes by it.
import { useState } from "preact/hooks";
import { post } from "./api";
import { Dialog } from "./parts";
import { useToast } from "./toasts";
import { type Trial, TryOut } from "./try_out";
import { useWords } from "./words";

interface Draft {
  is_saved: boolean;
  base: string;
  doubts: string[];
  lines: { is: "stays" | "out" | "in" | "gap"; text?: string; lines?: number }[];
}

/** The agent reads a saved file anew within so long. */
const TAKEN_UP_MS = 15_000;

/**
 * Changes of the site file. `read` tells what the agent goes by, `key` what of it must change until a change is taken up;
 * `onTakenUp` is then told it. The dialog belongs somewhere into the view; what changes what is looked for can be tried in it.
 */
export function useSaving<Told>(read: () => Promise<Told>, onTakenUp: (told: Told) => void, key: (told: Told) => string = JSON.stringify) {
  const say = useWords();
  const toast = useToast();
  const [asked, setAsked] = useState<{ path: string; body: object; draft: Draft; trial: Trial | undefined } | null>(null);
  const fail = (error: unknown) => toast(say("failed", say.why(error)), true);

  /** Does what changes the file, and waits until the agent tells something else than before. */
  const save = async (path: string, body: object) => {
    setAsked(null);
    try {
      const before = key(await read());
      await post(path, body);
      const until = performance.now() + TAKEN_UP_MS;
      while (performance.now() < until) {
        const now = await read().catch(() => null);
        if (now && key(now) !== before) {
          onTakenUp(now);
          return toast(say("takenUp"));
        }
        await new Promise((done) => setTimeout(done, 400));
      }
      toast(say("notTakenUp"), true);
    } catch (error) {
      fail(error);
    }
  };
  const look = (path: string, body: object, trial?: Trial) => post<Draft>(path, body).then((draft) => setAsked({ path, body, draft, trial }), fail);

  const dialog = asked && (
    <Dialog title={say("changesTitle")} onClose={() => setAsked(null)}>
      <pre class="diff">
        {asked.draft.lines.map((line, i) => (
          <span key={i} class={`is-${line.is}`}>
            {line.is === "gap" ? "…\n" : `${line.is === "out" ? "−" : line.is === "in" ? "+" : " "} ${line.text}\n`}
          </span>
        ))}
      </pre>
      {asked.draft.doubts.map((doubt) => (
        <p key={doubt} class="notice">
          {say.told(doubt)}
        </p>
      ))}
      {asked.trial && <TryOut {...asked.trial} />}
      <div class="buttons">
        <button onClick={() => setAsked(null)}>{say("cancel")}</button>
        <button class="primary" onClick={() => void save(asked.path, { ...asked.body, base: asked.draft.base })}>
          {say("save")}
        </button>
      </div>
    </Dialog>
  );
  return { look: (path: string, body: object, trial?: Trial) => void look(path, body, trial), isAsking: asked !== null, undo: () => void save("/site/undo", {}), dialog };
}
