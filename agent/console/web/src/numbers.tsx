// How well warnings work: how many were heard and heeded, how soon, by violation, text, place and hour; and where people stay.
import { useEffect, useState } from "preact/hooks";
import { type Camera, type Stats, type StatsRow, get } from "./api";
import { PlaceMap } from "./map";
import { Choice, Empty } from "./parts";
import { Table } from "./table";
import { pretty, useWords } from "./words";

/** What a case takes an officer who has to go there, where nobody says otherwise. */
const MINUTES = 20;
const percent = (share: number) => `${Math.round(share * 100)} %`;
const seconds = (s: number | null) => (s === null ? "–" : s < 99.5 ? `${s.toFixed(s < 9.95 ? 1 : 0)} s` : `${Math.round(s / 60)} min`);

export function Numbers() {
  const say = useWords();
  const [asked, setAsked] = useState({ camera: "", violation: "", from: "", to: "" });
  const [cameras, setCameras] = useState<Camera[]>([]);
  const [stats, setStats] = useState<Stats | null>(null);
  const [known, setKnown] = useState<string[]>([]);
  const [problem, setProblem] = useState("");
  useEffect(() => void get<{ cameras: Camera[] }>("/cameras").then((told) => setCameras(told.cameras), () => {}), []);
  useEffect(() => {
    let isLatest = true;
    get<Stats>(`/stats?${new URLSearchParams(Object.entries(asked).filter(([, value]) => value))}`).then(
      (told) => {
        if (!isLatest) return;
        setStats(told);
        setProblem("");
        setKnown((before) => [...new Set([...before, ...told.violations.map((row) => row.name)])].sort());
      },
      (error: unknown) => isLatest && setProblem(say.why(error)),
    );
    return () => void (isLatest = false);
  }, [asked]);
  const set = (name: keyof typeof asked, value: string) => setAsked((before) => ({ ...before, [name]: value }));
  const titles = new Map(cameras.flatMap((camera) => camera.rules).map(({ violation, title }) => [violation, (say.language === "zh" ? title.zh ?? title.en : title.en ?? title.zh) ?? pretty(violation)]));
  const titleOf = (id: string) => titles.get(id) ?? pretty(id);
  const day = (name: "from" | "to") => (
    <label>
      {say(name)}
      <input type="date" name={name} value={asked[name]} onInput={(event) => set(name, event.currentTarget.value)} />
    </label>
  );
  return (
    <section class="view numbers" aria-labelledby="numbers-title">
      <header>
        <h1 id="numbers-title">{say("numbers")}</h1>
      </header>
      <div class="panel">
        <Choice name="camera" label={say("camera")} value={asked.camera} of={[["", say("anyCamera")], ...cameras.map((one): [string, string] => [one.id, one.id])]} onPick={(value) => set("camera", value)} />
        <Choice name="violation" label={say("violation")} value={asked.violation} of={[["", say("anyViolation")], ...known.map((id): [string, string] => [id, titleOf(id)])]} onPick={(value) => set("violation", value)} />
        {day("from")}
        {day("to")}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {stats && (stats.all.incidents ? <Figures stats={stats} titleOf={titleOf} /> : <Empty icon="numbers">{say("noNumbers")}</Empty>)}
      <PlaceMap from={asked.from} to={asked.to} />
      <Heat cameras={cameras} asked={asked} />
    </section>
  );
}

function Figures({ stats, titleOf }: { stats: Stats; titleOf: (id: string) => string }) {
  const say = useWords();
  const [minutes, setMinutes] = useState(MINUTES);
  const { all } = stats;
  const hours = ((all.complied * minutes) / 60).toFixed(1);
  const place = (name: string) => name.split("/").map(pretty).join(" · ");
  const text = (name: string) => {
    const [violation = "", id = ""] = name.split("/");
    const wins = stats.verdicts.some((one) => one.violation === violation && one.winner === id);
    return `${titleOf(violation)} · ${pretty(id)}${wins ? ` · ${say("worksBest")}` : ""}`;
  };
  return (
    <>
      <dl class="figures">
        <Figure name={say("confirmedOnes")} value={String(all.incidents)} more={say("warningsHeard", all.heard)} />
        <Figure name={say("compliedAfter")} value={all.share === null ? "–" : percent(all.share)} more={all.between ? say("likelyBetween", `${Math.round(all.between[0] * 100)}–${percent(all.between[1])}`) : say("nothingDecided")} />
        <Figure name={say("timeToComply")} value={seconds(all.median_s)} more={say("nineOfTen", seconds(all.p90_s))} />
        <Figure name={say("hoursSaved")} value={`${hours} h`} more={say("hoursFormula", all.complied)}>
          <label class="minutes">
            <input type="number" min={1} max={600} value={minutes} aria-label={say("minutesEach")} onInput={(event) => setMinutes(Math.max(0, Number(event.currentTarget.value)))} />
            {say("minutesEach")}
          </label>
        </Figure>
      </dl>
      <Rows title={say("byViolation")} rows={stats.violations} nameOf={titleOf} />
      <Rows title={say("byText")} rows={stats.texts} nameOf={text} />
      <Rows title={say("byZone")} rows={stats.zones} nameOf={place} />
      <Hours rows={stats.hours} />
    </>
  );
}

const Figure = (props: { name: string; value: string; more: string; children?: preact.ComponentChildren }) => (
  <div class="panel figure">
    <dt>{props.name}</dt>
    <dd>
      <strong>{props.value}</strong>
      <small class="muted">{props.more}</small>
      {props.children}
    </dd>
  </div>
);

/** Each row with its share as a bar, and where the true share lies as a whisker over it. */
function Rows({ title, rows, nameOf }: { title: string; rows: StatsRow[]; nameOf: (name: string) => string }) {
  const say = useWords();
  if (!rows.length) return null;
  return (
    <>
      <h2>{title}</h2>
      <Table
        label={title}
        class="shares"
        columns={["", say("confirmedOnes"), say("heardOnes"), say("compliedAfter"), say("timeToComply")]}
        figures={[1, 2, 3, 4]}
        rows={rows.map((row) => ({
          key: row.name,
          cells: [
            nameOf(row.name),
            row.incidents,
            row.heard,
            <span class="share">
              <span>{row.share === null ? "–" : percent(row.share)}</span>
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect class="rail" width="100" height="10" />
                {row.share !== null && <rect class="bar" width={row.share * 100} height="10" />}
                {row.between && <line x1={row.between[0] * 100} x2={row.between[1] * 100} y1="5" y2="5" />}
              </svg>
            </span>,
            seconds(row.median_s),
          ],
        }))}
      />
    </>
  );
}

/** Incidents by the hour of the day: those that complied, and above them the others. */
function Hours({ rows }: { rows: StatsRow[] }) {
  const say = useWords();
  const all = Array.from({ length: 24 }, (_, hour) => rows.find((row) => row.name === `${String(hour).padStart(2, "0")}:00`));
  const most = Math.max(1, ...rows.map((row) => row.incidents));
  const told = rows.map((row) => `${row.name} ${row.incidents}`).join(", ");
  return (
    <>
      <h2>{say("byHour")}</h2>
      <figure class="panel hours">
        <svg viewBox="0 0 240 84" role="img" aria-label={`${say("byHour")}: ${told}`}>
          {all.map((row, hour) => {
            const [whole, good] = [((row?.incidents ?? 0) / most) * 66, ((row?.complied ?? 0) / most) * 66];
            return (
              <g key={hour}>
                <rect x={hour * 10 + 1} y={70 - whole} width="8" height={whole} class="others" />
                <rect x={hour * 10 + 1} y={70 - good} width="8" height={good} class="good" />
                {hour % 6 === 0 && (
                  <text x={hour * 10 + 5} y="81">
                    {hour}
                  </text>
                )}
              </g>
            );
          })}
          <line x1="0" x2="240" y1="70" y2="70" />
        </svg>
        <figcaption>
          <i class="good" /> {say("compliedAfter")} <i class="others" /> {say("othersThen")}
        </figcaption>
      </figure>
    </>
  );
}

/** Where people stay, at all hours or in one. */
function Heat({ cameras, asked }: { cameras: Camera[]; asked: { camera: string; from: string; to: string } }) {
  const say = useWords();
  const [hour, setHour] = useState(-1);
  const [map, setMap] = useState<string | null>(null);
  const [why, setWhy] = useState("");
  const camera = asked.camera || cameras[0]?.id;
  useEffect(() => {
    if (!camera) return;
    const query = new URLSearchParams(Object.entries({ from: asked.from, to: asked.to, hour: hour < 0 ? "" : String(hour) }).filter(([, value]) => value));
    const ending = new AbortController();
    let url: string | null = null;
    fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/heat?${query}`, { signal: ending.signal }).then(async (answer) => {
      if (!answer.ok) {
        const told = (await answer.json()) as { error: string; error_zh: string };
        setMap(null);
        return setWhy(say.language === "zh" ? told.error_zh : told.error);
      }
      url = URL.createObjectURL(await answer.blob());
      setMap(url);
      setWhy("");
    }).catch(() => {});
    return () => {
      ending.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [camera, asked.from, asked.to, hour, say.language]);
  if (!camera) return null;
  return (
    <>
      <h2>{say("heatOf", camera)}</h2>
      <label>
        {hour < 0 ? say("allHours") : say("atHour", `${hour}:00 – ${hour + 1}:00`)}
        <input type="range" min={-1} max={23} value={hour} onInput={(event) => setHour(Number(event.currentTarget.value))} />
      </label>
      {map ? <img class="found" src={map} alt={say("heatOf", camera)} /> : <p class="muted">{why}</p>}
    </>
  );
}
