// The queue of incidents, which grows by itself, and the card of the one that is looked at.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Camera, type Found, type Page, type Role, get, post } from "./api";
import { fetchAhead } from "./ahead";
import { go, namedBy } from "./app";
import { NoCamera } from "./cameras";
import { Card, stageKeys } from "./card";
import { useNews } from "./live";
import { Dialog, Empty, Icon, Judgement, Outcome } from "./parts";
import { useToast } from "./toasts";
import { type Word, clock, dayBegins, pretty, siteZone, span, useWords } from "./words";

type Filter = Record<"text" | "violation" | "camera" | "zone" | "state" | "judged" | "from" | "to", string>;

const nothing: Filter = { text: "", violation: "", camera: "", zone: "", state: "", judged: "", from: "", to: "" };
const states: Word[] = ["open", "complied", "escalated", "lost", "over"];
/** So near to the end of what was loaded, the next page of it is asked for. */
const NEAR_END = 10;
/** The next card is fetched so long after one is shown, whose own pictures come first. */
const AHEAD_MS = 40;
/** Of much news at once, the counts are asked for after the last. */
const COUNTED_AFTER_MS = 200;
/** Rows that are kept in the page; what is older is loaded anew. */
const MOST_ROWS = 2000;

/** Days end at the site's midnight, whatever the clocks did meanwhile. */
const dayAfter = (day: string) => new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

function query(filter: Filter, after: string | null): string {
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) {
    if (!value) continue;
    if (key === "from") asked.set("from_us", String(dayBegins(value) * 1000));
    else if (key === "to") asked.set("to_us", String(dayBegins(dayAfter(value)) * 1000));
    else asked.set(key, value);
  }
  if (after) asked.set("after", after);
  return `/incidents?${asked}`;
}

/** Whether an incident that is told as news belongs into the list; where that is not sure, the list is read anew. */
function fits(found: Found, filter: Filter): boolean {
  const is = (wanted: string, has: string) => !wanted || wanted === has;
  const state = filter.state === "open" ? found.is_open : is(filter.state, found.outcome);
  const judged = filter.judged === "no" ? !found.opinion : is(filter.judged, found.opinion ?? "");
  const since = !filter.from || found.opened_us / 1000 >= dayBegins(filter.from);
  const until = !filter.to || found.opened_us / 1000 < dayBegins(dayAfter(filter.to));
  const words = `${found.id} ${found.camera} ${found.zone} ${found.violation} ${found.class}`.toLowerCase();
  const text = filter.text.toLowerCase().split(/\s+/).every((word) => words.includes(word));
  return (
    state && judged && since && until && text &&
    is(filter.camera, found.camera) && is(filter.zone, found.zone) && is(filter.violation, found.violation)
  );
}

/** Rows with others, each incident once and the newest first. */
function joined(rows: Found[], more: Found[]): Found[] {
  const all = new Map([...rows, ...more].map((row) => [row.id, row]));
  return [...all.values()].sort((a, b) => b.opened_us - a.opened_us || (a.id < b.id ? 1 : -1));
}

export function useCameras(): Camera[] | null {
  const [cameras, setCameras] = useState<Camera[] | null>(null);
  useEffect(() => void get<{ cameras: Camera[] }>("/cameras").then((told) => setCameras(told.cameras), () => {}), []);
  return cameras;
}

/** Has answers that an answer to a later question overtook passed over: calls for a turn when it asks, and asks then whether it still counts. */
function useTurns() {
  const order = useRef({ asked: 0, told: 0 });
  return useCallback(() => {
    const own = ++order.current.asked;
    return () => {
      if (own < order.current.told) return false;
      order.current.told = own;
      return true;
    };
  }, []);
}

export function Incidents({ role, path }: { role: Role; path: string }) {
  const say = useWords();
  const toast = useToast();
  const told = useCameras();
  const cameras = useMemo(() => told ?? [], [told]);
  const [filter, setFilter] = useState<Filter>(nothing);
  const [rows, setRows] = useState<Found[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [counts, setCounts] = useState({ open: 0, unjudged: 0 });
  const [isRead, setIsRead] = useState(false);
  const [showFilters, setShowFilters] = useState(false);
  const [showKeys, setShowKeys] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const id = namedBy(path);
  const counting = useRef(0);
  const shown = useRef(id);
  shown.current = id;
  const canAct = role !== "viewer";
  /** Whoever goes on by keys goes on to the next; a click may be the only one. */
  const isByKeys = useRef(false);

  const [askRows, askCounts] = [useTurns(), useTurns()];
  const count = useCallback(async (asked: Promise<Page>) => {
    const isLatest = askCounts();
    const page = await asked.catch(() => null);
    if (page && isLatest()) setCounts({ open: page.open, unjudged: page.unjudged });
  }, []);
  const read = useCallback(
    async (after: string | null) => {
      const isLatest = after ? () => true : askRows();
      const asked = get<Page>(query(filter, after));
      void count(asked);
      const page = await asked.catch(() => null);
      if (!page || !isLatest()) return;
      setRows((before) => (after ? joined(before, page.incidents) : page.incidents));
      setNext(page.next);
      setIsRead(true);
    },
    [filter],
  );
  useEffect(() => {
    const soon = setTimeout(() => void read(null), 120);
    return () => clearTimeout(soon);
  }, [read]);

  useNews<Found>(
    "incident",
    useCallback(
      (found) => {
        setRows((before) => {
          // What is being looked at stays, whatever becomes of it.
          if (fits(found, filter) || found.id === shown.current) return joined(before, [found]).slice(0, MOST_ROWS);
          return before.filter((row) => row.id !== found.id);
        });
        clearTimeout(counting.current);
        counting.current = window.setTimeout(() => void count(get<Page>("/incidents?limit=1")), COUNTED_AFTER_MS);
      },
      [filter],
    ),
  );
  useNews("missed", useCallback(() => void read(null), [read]));

  const titles = useMemo(() => {
    const all = new Map<string, string>();
    for (const rule of cameras.flatMap((camera) => camera.rules)) {
      const { en, zh } = rule.title;
      all.set(rule.violation, (say.language === "zh" ? zh ?? en : en ?? zh) ?? pretty(rule.violation));
    }
    return all;
  }, [cameras, say.language]);
  const title = (violation: string) => titles.get(violation) ?? pretty(violation);

  const show = useCallback((one: Found | undefined) => {
    if (one) go(`/incidents/${encodeURIComponent(one.id)}`);
  }, []);
  const move = useCallback(
    (by: number) => {
      const at = rows.findIndex((row) => row.id === id);
      show(at < 0 ? rows[0] : rows[at + by]);
    },
    [rows, id, show],
  );

  const judge = useCallback(
    async (opinion: "true" | "false_alarm") => {
      const at = rows.findIndex((row) => row.id === id);
      if (!id || !canAct) return;
      // The next one is shown meanwhile: whoever judges many waits for none.
      show(rows.slice(at + 1).find((row) => !row.opinion));
      try {
        await post(`/incidents/${encodeURIComponent(id)}/opinion`, { opinion });
        setRows((before) => before.map((row) => (row.id === id ? { ...row, opinion } : row)));
        toast(say(opinion === "true" ? "markedTrue" : "markedFalse"));
      } catch (error) {
        toast(`${id}: ${say("failed", say.why(error))}`, true);
      }
    },
    [rows, id, say, show, canAct],
  );

  // In the same turn as the card: a key is never of the one that was shown before.
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.closest("input, select, textarea, dialog")) return;
      const deeds: Record<string, () => void> = {
        j: () => move(1),
        ArrowDown: () => move(1),
        k: () => move(-1),
        ArrowUp: () => move(-1),
        t: () => void judge("true"),
        f: () => void judge("false_alarm"),
        "/": () => search.current?.focus(),
        "?": () => setShowKeys(true),
        Escape: () => go("/incidents"),
      };
      // With the shift key or Caps Lock it is the same key.
      const deed = deeds[event.key] ?? deeds[event.key.toLowerCase()];
      if (!deed) return;
      event.preventDefault();
      isByKeys.current = true;
      deed();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [move, judge]);

  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [id, rows.length]);

  const set = (key: keyof Filter, value: string) => setFilter((before) => ({ ...before, [key]: value }));
  const isFiltered = Object.values(filter).some(Boolean);
  const isBare = told?.length === 0 && !isFiltered;
  const zones = [...new Set(cameras.filter((one) => !filter.camera || one.id === filter.camera).flatMap((one) => one.rules.map((rule) => rule.zone)))];
  const at = rows.findIndex((row) => row.id === id);
  const ahead = id && isByKeys.current ? [rows[at + 1], ...rows.slice(at + 1).filter((row) => !row.opinion).slice(0, 2)] : [];
  const aheadIds = [...new Set(ahead.filter((row) => row !== undefined).map((row) => row.id))];
  useEffect(() => {
    // After the card that is looked at now.
    const soon = setTimeout(() => aheadIds.forEach((one) => void fetchAhead(one)), AHEAD_MS);
    return () => clearTimeout(soon);
  }, [aheadIds.join()]);
  const asked = useRef<string | null>(null);
  useEffect(() => {
    // Whoever goes on by keyboard comes to no end of what was loaded.
    if (at < 0 || !next || asked.current === next || rows.length - at > NEAR_END) return;
    asked.current = next;
    void read(next);
  }, [at, next, rows.length]);

  return (
    <div class={`incidents ${id ? "has-card" : ""}`}>
      <section class="queue" aria-label={say("incidents")}>
        <header>
          <div class="title">
            <h1>{say("incidents")}</h1>
            <p class="counts" role="status">
              <span class={counts.open ? "hot" : ""}>{say("openCount", counts.open)}</span>
              <span>{say("unjudgedCount", counts.unjudged)}</span>
            </p>
          </div>
          <div class="searching">
            <label class="search">
              <Icon name="search" />
              <input
                ref={search}
                type="search"
                aria-label={say("search")}
                placeholder={say("search")}
                value={filter.text}
                onInput={(event) => set("text", event.currentTarget.value)}
              />
            </label>
            <button aria-expanded={showFilters} aria-label={say("filters")} title={say("filters")} onClick={() => setShowFilters(!showFilters)}>
              <Icon name="filter" />
            </button>
          </div>
          <div class="chips" role="group" aria-label={say("filters")}>
            <button aria-pressed={!filter.state} onClick={() => set("state", "")}>
              {say("all")}
            </button>
            {states.map((state) => (
              <button key={state} aria-pressed={filter.state === state} onClick={() => set("state", state)}>
                {say(state)}
              </button>
            ))}
            <button aria-pressed={filter.judged === "no"} onClick={() => set("judged", filter.judged === "no" ? "" : "no")}>
              {say("unjudged")}
            </button>
          </div>
          {showFilters && (
            <div class="filters">
              <Pick label={say("violation")} any={say("anyViolation")} value={filter.violation} onPick={(value) => set("violation", value)} options={[...titles]} />
              <Pick label={say("camera")} any={say("anyCamera")} value={filter.camera} onPick={(value) => set("camera", value)} options={cameras.map((one) => [one.id, one.id])} />
              <Pick label={say("zone")} any={say("anyZone")} value={filter.zone} onPick={(value) => set("zone", value)} options={zones.map((zone) => [zone, pretty(zone)])} />
              <Pick
                label={say("judgement")}
                any={say("anyJudgement")}
                value={filter.judged}
                onPick={(value) => set("judged", value)}
                options={[["no", say("unjudged")], ["true", say("judgedTrue")], ["false_alarm", say("judgedFalse")]]}
              />
              <label>
                {say("from")}
                <input type="date" value={filter.from} onInput={(event) => set("from", event.currentTarget.value)} />
              </label>
              <label>
                {say("to")}
                <input type="date" value={filter.to} onInput={(event) => set("to", event.currentTarget.value)} />
              </label>
              <small class="muted">{say("siteTime", siteZone())}</small>
              {isFiltered && <button onClick={() => setFilter(nothing)}>{say("clear")}</button>}
            </div>
          )}
        </header>
        <ol ref={list} class="rows">
          {rows.map((row) => (
            <Row key={row.id} row={row} title={title(row.violation)} isShown={row.id === id} onShow={show} />
          ))}
          {next && (
            <li>
              <button class="more" onClick={() => void read(next)}>
                {say("more")}
              </button>
            </li>
          )}
        </ol>
        {isRead && rows.length === 0 && (isBare ? <NoCamera role={role} /> : <Empty icon="shield">{say(isFiltered ? "nothingFound" : "nothingYet")}</Empty>)}
      </section>
      <section class="detail" aria-live="off">
        {id ? (
          <Card
            key={id}
            id={id}
            title={title}
            canAct={canAct}
            news={rows[at]}
            onJudge={(opinion) => void judge(opinion)}
            onMove={move}
            hasPrevious={at > 0}
            hasNext={at >= 0 && at + 1 < rows.length}
          />
        ) : (
          <Empty icon="incidents">
            {say("choose")}
            <br />
            <small>{say("keysHint")}</small>
          </Empty>
        )}
      </section>
      {showKeys && <Keys onClose={() => setShowKeys(false)} />}
    </div>
  );
}

/** An incident in the queue, which is drawn anew only when something of it is new: of hundreds, most are as they were. */
function Row({ row, title, isShown, onShow }: { row: Found; title: string; isShown: boolean; onShow: (row: Found) => void }) {
  const say = useWords();
  return useMemo(
    () => (
      <li>
        <a
          class="row"
          href={`/incidents/${encodeURIComponent(row.id)}`}
          aria-current={isShown ? "true" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey) return;
            event.preventDefault();
            onShow(row);
          }}
        >
          <span class={`edge is-${row.outcome}`} />
          <span class="what">
            <strong>{title}</strong>
            <small>
              {row.camera} · {pretty(row.zone)}
              {row.count > 1 ? ` · ${say("people", row.count)}` : ""}
            </small>
          </span>
          <span class="when">
            <time dateTime={new Date(row.opened_us / 1000).toISOString()}>{clock(row.opened_us, say.language)}</time>
            <small>{row.is_open ? "" : span(row.updated_us - row.opened_us)}</small>
          </span>
          <span class="marks">
            <Outcome outcome={row.outcome} />
            <Judgement opinion={row.opinion} />
          </span>
        </a>
      </li>
    ),
    [row, title, isShown, onShow, say],
  );
}

function Pick(props: {
  label: string;
  any: string;
  value: string;
  options: (readonly [string, string])[];
  onPick: (value: string) => void;
}) {
  return (
    <label>
      {props.label}
      <select value={props.value} onChange={(event) => props.onPick(event.currentTarget.value)}>
        <option value="">{props.any}</option>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Keys({ onClose }: { onClose: () => void }) {
  const say = useWords();
  const keys: [string, string][] = [
    ["J K", say("keyNext")],
    ["T", say("markTrue")],
    ["F", say("markFalse")],
    ["H", say("hold")],
    ["E", say("export")],
    ["X", say("redacted")],
    ["I", say("suppress")],
    ["R", say("report")],
    ["U", say("escalateNow")],
    ...Object.entries(stageKeys).map(([stage, key]): [string, string] => [key.toUpperCase(), `${say("case")}: ${say.stage(stage)}`]),
    ["/", say("keySearch")],
    ["Esc", say("close")],
  ];
  return (
    <Dialog title={say("keys")} onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="buttons">
        <button class="primary" onClick={onClose}>
          {say("close")}
        </button>
      </p>
    </Dialog>
  );
}
