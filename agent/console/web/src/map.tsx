// The site's places on its plan or its tiles, coloured by how orderly they were; its cameras, and the ways of those that fly.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Cell, type SiteMap, get } from "./api";
import { go } from "./app";
import { type Box, type Spot, around, moved, projection, tilesOf, zoomed } from "./ground";
import { Table } from "./table";
import { pretty, useWords } from "./words";

/** How orderly a place was, as the index grades it. */
const grades = ["green", "blue", "yellow", "red", "grey"] as const;
const points = (score: number | null) => (score === null ? "–" : String(Math.floor(score)));
const path = (ring: Spot[]) => `M${ring.map((spot) => spot.join(",")).join("L")}Z`;
/** A day as one word: browsers end lines behind a hyphen. */
const unbroken = (day: string) => day.replaceAll("-", "\u2011");
const middle = (ring: Spot[]): Spot => {
  const corners = ring.slice(0, -1);
  return [0, 1].map((axis) => corners.reduce((sum, spot) => sum + spot[axis as 0 | 1], 0) / corners.length) as Spot;
};

export function PlaceMap({ from, to }: { from: string; to: string }) {
  const say = useWords();
  const [map, setMap] = useState<SiteMap | null>(null);
  const [why, setWhy] = useState("");
  const [plan, setPlan] = useState<[number, number] | null>(null);
  useEffect(() => {
    let isLatest = true;
    const asked = new URLSearchParams(Object.entries({ from, to }).filter(([, day]) => day));
    get<SiteMap>(`/stats/map?${asked}`).then(
      (told) => isLatest && (setMap(told), setWhy("")),
      (error: unknown) => isLatest && setWhy(say.why(error)),
    );
    return () => void (isLatest = false);
  }, [from, to]);
  useEffect(() => {
    if (!map?.ground.has_picture || plan) return;
    const picture = new Image();
    picture.onload = () => setPlan([picture.naturalWidth, picture.naturalHeight]);
    picture.onerror = () => setWhy(say("noPlan"));
    picture.src = "/api/v1/stats/map/picture";
  }, [map]);
  if (why) return <p class="problem" role="alert">{why}</p>;
  if (!map || (map.ground.has_picture && !plan)) return null;
  const isEmpty = !map.cells.length && !map.ground.has_picture && !map.ground.zooms;
  return (
    <>
      <h2>{say("placesOf", `${unbroken(map.from)} – ${unbroken(map.to)}`)}</h2>
      {isEmpty ? <p class="muted">{say("noPlaces")}</p> : <Ground map={map} plan={plan} />}
      <Cells cells={map.cells} />
    </>
  );
}

function Ground({ map, plan }: { map: SiteMap; plan: [number, number] | null }) {
  const say = useWords();
  const drawing = useRef<SVGSVGElement>(null);
  const { spot, picture } = useMemo(() => projection(map.ground, plan), [map, plan]);
  const cells = useMemo(() => map.cells.map((cell) => ({ cell, rings: (cell.rings ?? []).map((ring) => ring.map(spot)) })).filter(({ rings }) => rings.length), [map, spot]);
  const ways = useMemo(() => (map.ground.is_plan ? [] : map.ways.map((way) => ({ ...way, points: way.points.map(spot) }))), [map, spot]);
  const cameras = useMemo(() => map.cameras.flatMap((camera) => (camera.at ? [{ ...camera, at: spot(camera.at) }] : [])), [map, spot]);
  const whole = useMemo(() => around([...(picture ? [picture.slice(0, 2), [picture[0] + picture[2], picture[1] + picture[3]]] : []), ...cells.flatMap(({ rings }) => rings.flat()), ...ways.flatMap((way) => way.points), ...cameras.map((camera) => camera.at)] as Spot[]), [picture, cells, ways, cameras]);
  const [view, setView] = useState<Box | null>(null);
  const [wide, setWide] = useState(800);
  const held = useRef<{ x: number; y: number; view: Box } | null>(null);
  useEffect(() => {
    const measure = () => drawing.current && setWide(drawing.current.clientWidth);
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  if (!whole) return <p class="muted">{say("nothingPlaced")}</p>;
  const shown = view ?? whole;
  const px = shown[2] / wide;
  const keys: Record<string, () => Box> = {
    "+": () => zoomed(shown, 0.7), "=": () => zoomed(shown, 0.7), "-": () => zoomed(shown, 1 / 0.7), "0": () => whole,
    ArrowLeft: () => moved(shown, -0.15, 0), ArrowRight: () => moved(shown, 0.15, 0), ArrowUp: () => moved(shown, 0, -0.15), ArrowDown: () => moved(shown, 0, 0.15),
  };
  const tiles = map.ground.zooms && !map.ground.is_plan ? tilesOf(shown, wide, map.ground.zooms) : [];
  return (
    <figure class="panel ground">
      <div class="zoom" role="toolbar" aria-label={say("map")}>
        <button aria-label={say("closer")} onClick={() => setView(zoomed(shown, 0.7))}>+</button>
        <button aria-label={say("farther")} onClick={() => setView(zoomed(shown, 1 / 0.7))}>−</button>
        <button onClick={() => setView(null)}>{say("all")}</button>
      </div>
      <svg
        ref={drawing}
        viewBox={shown.join(" ")}
        style={`aspect-ratio: ${Math.min(3, Math.max(1, whole[2] / whole[3]))}`}
        role="application"
        // In lower case, because names of attributes of SVG are taken as they are written.
        tabindex={0}
        aria-label={say("mapKeys")}
        onKeyDown={(event) => {
          const key = keys[event.key];
          if (!key || event.target !== event.currentTarget) return;
          event.preventDefault();
          setView(key());
        }}
        onPointerDown={(event) => (held.current = { x: event.clientX, y: event.clientY, view: shown })}
        onPointerMove={(event) => {
          const from = held.current;
          if (!from || !event.buttons) return void (held.current = null);
          if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > 4) event.currentTarget.setPointerCapture(event.pointerId);
          setView([from.view[0] - (event.clientX - from.x) * px, from.view[1] - (event.clientY - from.y) * px, from.view[2], from.view[3]]);
        }}
        onPointerUp={() => (held.current = null)}
      >
        {tiles.map(({ key, at }) => <image key={key} href={`/api/v1/stats/map/tiles/${key}`} x={at[0]} y={at[1]} width={at[2] * 1.002} height={at[3] * 1.002} preserveAspectRatio="none" />)}
        {picture && <image href="/api/v1/stats/map/picture" x={picture[0]} y={picture[1]} width={picture[2]} height={picture[3]} preserveAspectRatio="none" />}
        {cells.map(({ cell, rings }) => {
          const [x, y] = middle(rings[0]!);
          return (
            <g key={cell.path} class={`cell is-${cell.colour}`}>
              <title>{`${cell.path}: ${points(cell.score)}`}</title>
              <path d={rings.map(path).join("")} fill-rule="evenodd" />
              <text x={x} y={y} font-size={19 * px}>{points(cell.score)}</text>
              <text x={x} y={y + 16 * px} font-size={12 * px}>{cell.name}</text>
            </g>
          );
        })}
        {ways.map((way, n) => (
          <polyline key={n} class="way" points={way.points.map((at) => at.join(",")).join(" ")}>
            <title>{say("wayOf", way.camera)}</title>
          </polyline>
        ))}
        {cameras.map((camera) => (
          <a key={camera.id} href={`/cameras/${encodeURIComponent(camera.id)}`} aria-label={camera.id} class={camera.trouble ? "camera bad" : "camera"} onClick={(event) => (event.preventDefault(), go(`/cameras/${encodeURIComponent(camera.id)}`))}>
            <title>{camera.trouble ? `${camera.id}: ${say.of({ en: camera.trouble, zh: camera.trouble_zh ?? "" })}` : camera.id}</title>
            <circle cx={camera.at[0]} cy={camera.at[1]} r={9 * px} />
            <text x={camera.at[0]} y={camera.at[1] + 23 * px} font-size={12 * px}>{camera.id}</text>
          </a>
        ))}
      </svg>
      <figcaption>
        {grades.map((grade) => (
          <span key={grade}><i class={`is-${grade}`} /> {say(`grade_${grade}`)}</span>
        ))}
        {ways.length > 0 && <span><i class="is-way" /> {say("ways")}</span>}
      </figcaption>
    </figure>
  );
}

/** The same for who reads rather than looks, and for places that nobody has outlined. */
function Cells({ cells }: { cells: Cell[] }) {
  const say = useWords();
  if (!cells.length) return null;
  return (
    <Table
      label={say("byPlace")}
      class="cells"
      columns={[say("place"), say("civility"), say("confirmedOnes"), say("complied"), say("escalated")]}
      figures={[1, 2, 3, 4]}
      rows={cells.map((cell) => ({
        key: cell.path,
        cells: [
          cell.path.split("/").map(pretty).join(" · "),
          <>
            <i class={`is-${cell.colour}`} /> {points(cell.score)} <small>{say(`grade_${cell.colour}`)}</small>
          </>,
          cell.incidents,
          cell.complied,
          cell.escalated,
        ],
      }))}
    />
  );
}
