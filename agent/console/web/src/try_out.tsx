// Changes that are not saved are tried on the footage of the last hour: what they would have raised stands beside what was.
import { useEffect, useState } from "preact/hooks";
import { ask, get, post } from "./api";
import { clock, pretty, useWords } from "./words";

/** A violation that is watched for in a zone. */
export interface Rule {
  violation: string;
  zone: string;
}

/** What is tried, and on whose footage. */
export interface Trial {
  camera: string;
  changes: object[];
  /** The only rule that the changes are about; what others raise meanwhile is not told as if it came of them. */
  rule?: Rule;
}

interface Row extends Rule {
  at_us: number;
  would: boolean;
  was: string | null;
  box: [number, number, number, number] | null;
  picture: string | null;
}

interface Told {
  is: "none" | "running" | "done" | "stopped" | "out_of_time" | "failed";
  why?: string;
  has_footage: boolean;
  from_us: number | null;
  to_us: number | null;
  until_us: number | null;
  gaps: [number, number][];
  rows: Row[];
}

/** How often it is asked how far it has come. */
const EVERY_MS = 1000;

export function TryOut({ camera, changes, rule }: Trial) {
  const say = useWords();
  const path = `/cameras/${encodeURIComponent(camera)}/rehearsal`;
  const [told, setTold] = useState<Told | null>(null);
  const [isBegun, setIsBegun] = useState(false);
  const [problem, setProblem] = useState("");
  const [titles, setTitles] = useState<Map<string, string>>(new Map());
  const take = (asked: Promise<Told>) => asked.then(setTold, (error: unknown) => setProblem(say.why(error)));
  useEffect(() => {
    void take(get<Told>(path));
    const name = (of: { en?: string; zh?: string }) => (say.language === "zh" ? of.zh ?? of.en : of.en ?? of.zh);
    get<{ violations: { id: string; title: { en?: string; zh?: string } }[] }>("/site/choices").then(
      ({ violations }) => setTitles(new Map(violations.map(({ id, title }) => [id, name(title) ?? pretty(id)]))),
      () => {},
    );
  }, []);
  const isRunning = told?.is === "running";
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => void take(get<Told>(path)), EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  const begin = () => {
    setProblem("");
    void post<Told>(path, { changes }).then(
      (now) => {
        setIsBegun(true);
        setTold(now);
      },
      (error: unknown) => setProblem(say.why(error)),
    );
  };
  const stop = () => void ask("DELETE", path).catch((error: unknown) => setProblem(say.why(error)));
  if (!told) return null;
  if (!told.has_footage) return <p class="muted">{say("tryNoFootage", camera)}</p>;
  const at = (us: number | null) => (us === null ? "…" : clock(us, say.language));
  const all = isBegun ? told.rows : [];
  const isOwn = (row: Row) => !rule || (row.violation === rule.violation && row.zone === rule.zone);
  const [rows, others] = [all.filter(isOwn), all.filter((row) => !isOwn(row))];
  const would = rows.filter((row) => row.would);
  return (
    <section class="try-out" aria-label={say("tryOut")}>
      {isRunning ? (
        <>
          <p role="status">{say("trying", `${at(told.from_us)} – ${at(told.until_us)}`)}</p>
          <progress value={(told.until_us ?? 0) - (told.from_us ?? 0)} max={Math.max(1, (told.to_us ?? 1) - (told.from_us ?? 0))} aria-label={say("tryOut")} />
          <button onClick={stop}>{say("stop")}</button>
        </>
      ) : (
        <button onClick={begin}>{say("tryOut")}</button>
      )}
      {isBegun && told.is === "failed" && <p class="problem">{say("failed", told.why)}</p>}
      {isBegun && told.until_us !== null && !isRunning && (
        <p role="status">
          <strong>{say("tryWould", would.length)}</strong> {say("tryWas", would.filter((row) => row.was).length)} {say("tryNoMore", rows.length - would.length)}{" "}
          <small class="muted">
            {say(told.is === "done" ? "trySpan" : "trySpanCut", `${at(told.from_us)} – ${at(told.until_us)}`)} {told.gaps.length > 0 && say("tryGaps", told.gaps.length)}
          </small>
        </p>
      )}
      {rows.length > 0 && <Rows rows={rows} path={path} titles={titles} />}
      {others.length > 0 && (
        <details>
          <summary>{say("tryOthers", others.length)}</summary>
          <Rows rows={others} path={path} titles={titles} />
        </details>
      )}
      {isBegun && <small class="muted">{say("tryHint")}</small>}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

/** What was raised, or would have been, each with the picture of that moment. */
function Rows({ rows, path, titles }: { rows: Row[]; path: string; titles: Map<string, string> }) {
  const say = useWords();
  return (
    <ul class="try-rows" tabIndex={0}>
      {rows.map((row, n) => (
        <li key={n}>
          {row.picture && (
            <span class="shot">
              <img src={`/api/v1${path}/${row.picture}`} alt="" loading="lazy" />
              {row.box && (
                <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
                  <rect x={row.box[0]} y={row.box[1]} width={row.box[2] - row.box[0]} height={row.box[3] - row.box[1]} />
                </svg>
              )}
            </span>
          )}
          <span>
            <strong>{titles.get(row.violation) ?? pretty(row.violation)}</strong> <small>{row.zone === "whole" ? say("wholePicture") : pretty(row.zone)}</small>
            <br />
            <time>{clock(row.at_us, say.language)}</time> <span class={`badge is-${row.would ? (row.was ? "over" : "escalated") : "complied"}`}>{say(row.would ? (row.was ? "tryBoth" : "tryNew") : "tryGone")}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
