// How the agent's parts fare, and what to do about it.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Health, get } from "./api";
import { useNews } from "./live";
import { Icon } from "./parts";
import { clock, useWords } from "./words";

export function HealthView() {
  const say = useWords();
  const [health, setHealth] = useState<Health | null>(null);
  const read = useCallback(() => void get<Health>("/health").then(setHealth, () => {}), []);
  useEffect(read, [read]);
  useNews("health", read);
  useNews("missed", read);
  if (!health) return <section class="view" aria-busy="true" />;
  const kind = health.troubles.length ? "bad" : health.warnings.length ? "warn" : "good";
  const word = kind === "bad" ? "troubled" : kind === "warn" ? "warned" : "healthy";
  return (
    <section class="view" aria-labelledby="health-title">
      <header>
        <h1 id="health-title">{say("health")}</h1>
      </header>
      <p class={`banner ${kind}`} role="status">
        <Icon name={kind === "good" ? "shield" : "alert"} />
        <strong>{say(word)}</strong>
      </p>
      <Lines title={say("troubles")} lines={health.troubles} kind="bad" />
      <Lines title={say("warnings")} lines={health.warnings} kind="warn" />
      {(health.well ?? []).length > 0 && (
        <>
          <h2>{say("well")}</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">{say("part")}</th>
                <th scope="col">{say("details")}</th>
                <th scope="col">{say("since")}</th>
              </tr>
            </thead>
            <tbody>
              {health.well?.map((part) => (
                <tr key={part.part}>
                  <th scope="row">{part.part}</th>
                  <td>{part.what}</td>
                  <td class="muted">{clock(new Date(part.since).getTime() * 1000, say.language)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}

/** Each line is `part: what (since when); what to do`. */
function Lines({ title, lines, kind }: { title: string; lines: string[]; kind: string }) {
  const say = useWords();
  if (!lines.length) return null;
  return (
    <>
      <h2>{title}</h2>
      <ul class="lines">
        {lines.map((line) => {
          const [, part = "", what = line, since = "", todo = ""] = /^(.*?): (.*) \(since (\S+)\)(?:; (.*))?$/s.exec(line) ?? [];
          return (
            <li key={line} class={kind}>
              <strong>{part}</strong>
              <p>{what}</p>
              {todo && <p class="todo">{todo}</p>}
              {since && (
                <small class="muted">
                  {say("since")} {clock(new Date(since).getTime() * 1000, say.language)}
                </small>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}
