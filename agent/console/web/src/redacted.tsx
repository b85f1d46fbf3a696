// A copy of an incident's evidence in which faces, bystanders or plates are hidden: it is begun, followed and taken out.
import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api";
import { Choice, Dialog, Icon } from "./parts";
import { useWords } from "./words";

type Hidden = "faces" | "persons_but_subject" | "plates";

interface Progress {
  is: "none" | "running" | "done" | "failed";
  hidden?: Hidden;
  files?: number;
  of?: number;
  why?: string;
}

/** How often it is asked how far the copy has come. */
const EVERY_MS = 1000;

export function Redacted({ path, onClose }: { path: string; onClose: () => void }) {
  const say = useWords();
  const [progress, setProgress] = useState<Progress | null>(null);
  const [problem, setProblem] = useState("");
  const take = (asked: Promise<Progress>) => asked.then(setProgress, (error: unknown) => setProblem(say.why(error)));
  useEffect(() => void take(get<Progress>(`${path}/redacted`)), []);
  const isRunning = progress?.is === "running";
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => void take(get<Progress>(`${path}/redacted`)), EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  const kinds: [Hidden, string][] = [
    ["faces", say("hideFaces")],
    ["persons_but_subject", say("hideOthers")],
    ["plates", say("hidePlates")],
  ];
  const word = kinds.find(([kind]) => kind === progress?.hidden)?.[1] ?? "";
  return (
    <Dialog title={say("redacted")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setProblem("");
          void take(post<Progress>(`${path}/redacted`, { hidden: new FormData(event.currentTarget).get("hidden") }));
        }}
      >
        {isRunning ? (
          <>
            <p role="status">{say("redacting", word)}</p>
            <progress value={progress.files} max={progress.of} aria-label={say("redacting", word)} />
            <small class="muted">{say("redactingHint")}</small>
          </>
        ) : (
          <>
            {progress?.is === "done" && (
              <p>
                <a class="taken" href={`/api/v1${path}/redacted/export`}>
                  <Icon name="down" />
                  {say("takeRedacted", word)}
                </a>
              </p>
            )}
            {progress?.is === "failed" && <p class="problem">{say("failed", progress.why)}</p>}
            <Choice name="hidden" label={say("hide")} of={kinds} />
            <small class="muted">{say("redactedHint")}</small>
          </>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onClose}>
            {say("close")}
          </button>
          {!isRunning && <button class="primary">{say("redactBegin")}</button>}
        </p>
      </form>
    </Dialog>
  );
}
