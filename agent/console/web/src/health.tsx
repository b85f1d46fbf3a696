// How the agent's parts fare, and what to do about it.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Health, type Part, get } from "./api";
import { useNews } from "./live";
import { Icon } from "./parts";
import { Table } from "./table";
import { clock, useWords } from "./words";

export function HealthView() {
  const say = useWords();
  const [health, setHealth] = useState<Health | null>(null);
  const read = useCallback(() => void get<Health>("/health").then(setHealth, () => {}), []);
  useEffect(read, [read]);
  useNews("health", read);
  useNews("missed", read);
  if (!health) return <section class="view" aria-busy="true" />;
  const of = (state: Part["state"]) => health.parts.filter((part) => part.state === state);
  const [troubles, warnings, well] = [of("trouble"), of("warning"), of("ok")];
  const kind = troubles.length ? "bad" : warnings.length ? "warn" : "good";
  const word = kind === "bad" ? "troubled" : kind === "warn" ? "warned" : "healthy";
  const since = (part: Part) => clock(new Date(part.since).getTime() * 1000, say.language);
  return (
    <section class="view" aria-labelledby="health-title">
      <header>
        <h1 id="health-title">{say("health")}</h1>
      </header>
      <p class={`banner ${kind}`} role="status">
        <Icon name={kind === "good" ? "shield" : "alert"} />
        <strong>{say(word)}</strong>
      </p>
      <Parts title={say("troubles")} parts={troubles} kind="bad" since={since} />
      <Parts title={say("warnings")} parts={warnings} kind="warn" since={since} />
      {well.length > 0 && (
        <>
          <h2>{say("well")}</h2>
          <Table
            label={say("well")}
            columns={[say("part"), say("details"), say("since")]}
            figures={[2]}
            rows={well.map((part) => ({
              key: part.part.en,
              cells: [say.of(part.part), say.of(part.what), <span class="muted">{since(part)}</span>],
            }))}
          />
        </>
      )}
    </section>
  );
}

/** Parts that do not work as they should, each with what to do. */
function Parts(props: { title: string; parts: Part[]; kind: string; since: (part: Part) => string }) {
  const say = useWords();
  if (!props.parts.length) return null;
  return (
    <>
      <h2>{props.title}</h2>
      <ul class="lines">
        {props.parts.map((part) => (
          <li key={part.part.en} class={props.kind}>
            <strong>{say.of(part.part)}</strong>
            <p>{say.of(part.what)}</p>
            {part.to_do.en && <p class="todo">{say.of(part.to_do)}</p>}
            <small class="muted">
              {say("since")} {props.since(part)}
            </small>
          </li>
        ))}
      </ul>
    </>
  );
}
