// Zones, lines, masks and exclusions are drawn over a camera's picture by mouse, touch or keyboard, seen as a change of the site file, and
// saved.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Camera, type Refused, get } from "./api";
import { go } from "./app";
import { Icon } from "./parts";
import { useSaving } from "./saving";
import { type Drawn, type History, type Kind, type Point, type Told, again, back, begin, changes, clamp, did, isName, least, list, newName, snap } from "./shapes";
import { useStill } from "./tile";
import { useToast } from "./toasts";
import { useWords } from "./words";

interface Chosen {
  shape: number;
  point: number | null;
}

interface Now {
  shapes: Told[];
  used: string[];
  /** What an exclusion may name. */
  classes: string[];
}

const kinds: Kind[] = ["area", "line", "mask", "exclusion"];
const newOf = { area: "newZone", line: "newLine", mask: "newMask", exclusion: "newExclusion" } as const;
const nameOf = { area: "zone", line: "line", mask: "mask", exclusion: "exclusion" } as const;
/** How far a key moves a point, in parts of the picture. */
const STEP = 0.002;

export function Draw({ camera }: { camera: Camera }) {
  const say = useWords();
  const toast = useToast();
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [told, setTold] = useState<Now | null>(null);
  const [former, setFormer] = useState<Drawn[]>([]);
  const [history, setHistory] = useState<History>({ past: [], now: [], future: [] });
  const [tool, setTool] = useState<Kind | null>(null);
  const [open, setOpen] = useState<Point[]>([]);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [moving, setMoving] = useState<Drawn[] | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const still = useStill(camera.id, true, setSize);

  const read = useCallback(
    () => get<Now>(`/cameras/${encodeURIComponent(camera.id)}/drawing`),
    [camera.id],
  );
  useEffect(() => void read().then(setTold, (error: Refused) => toast(say("failed", say.why(error)), true)), [read]);
  const saving = useSaving(read, setTold);
  const look = () =>
    saving.look(`/cameras/${encodeURIComponent(camera.id)}/drawing`, { changes: wanted }, { camera: camera.id, changes: wanted.map((drawn) => ({ draw: { camera: camera.id, drawn } })) });
  const pixels: Point | null = size ? [size.width, size.height] : null;
  const isKnown = told !== null && pixels !== null;
  useEffect(() => {
    if (!told || !pixels) return;
    const shapes = begin(told.shapes, pixels);
    setFormer(shapes);
    setHistory({ past: [], now: shapes, future: [] });
    setChosen(null);
  }, [isKnown, told]);

  const shapes = moving ?? history.now;
  const aspect = pixels ? pixels[0] / pixels[1] : 1;
  const wanted = pixels ? changes(former, history.now, pixels) : [];
  const isRight = history.now.every((one, i) => isName(one.id) && !history.now.some((other, j) => j < i && list(other.shape) === list(one.shape) && other.id === one.id));

  const isUsed = (one: Drawn) => one.isThere && list(one.shape) === "zone" && Boolean(told?.used.includes(one.id));

  const put = (now: Drawn[]) => setHistory(did(history, now));
  const corners = (but: number) => shapes.filter((_, i) => i !== but).flatMap((one) => one.points);
  const place = (event: PointerEvent): Point => {
    const at = svg.current!.getBoundingClientRect();
    return [clamp((event.clientX - at.left) / at.width), clamp((event.clientY - at.top) / at.height)];
  };

  const finish = () => {
    if (tool && open.length >= least(tool)) {
      const drawn: Drawn = { id: newName(tool, history.now), shape: tool, unit: "normalised", points: open, isThere: false };
      put([...history.now, drawn]);
      setChosen({ shape: history.now.length, point: null });
      setTool(null);
    }
    setOpen([]);
  };

  const press = (event: PointerEvent) => {
    if (!tool || event.button > 0) return setChosen(null);
    const raw = place(event);
    const first = open[0];
    const isOnFirst = first && open.length >= least(tool) && Math.hypot(first[0] - raw[0], (first[1] - raw[1]) / aspect) < 0.02;
    if (isOnFirst && tool !== "line") return finish();
    setOpen([...open, event.altKey ? raw : snap(raw, corners(-1), open.slice(-1), aspect)]);
  };

  /** Moves a point, or a whole shape, until the pointer is lifted. */
  const drag = (event: PointerEvent, shape: number, point: number | null) => {
    if (tool) return;
    event.stopPropagation();
    event.preventDefault();
    const target = event.currentTarget as Element;
    target.setPointerCapture(event.pointerId);
    setChosen({ shape, point });
    const from = place(event);
    const before = history.now;
    const one = before[shape]!;
    let latest = before;
    const move = (moved: PointerEvent) => {
      const at = place(moved);
      const points =
        point === null
          ? shifted(one.points, at[0] - from[0], at[1] - from[1])
          : one.points.map((old, i): Point => {
              if (i !== point) return old;
              const n = one.points.length;
              const beside = [one.points[(i + n - 1) % n]!, one.points[(i + 1) % n]!];
              return moved.altKey ? at : snap(at, corners(shape), beside, aspect);
            });
      latest = before.map((other, i) => (i === shape ? { ...one, points } : other));
      setMoving(latest);
    };
    const lift = () => {
      target.removeEventListener("pointermove", move as EventListener);
      target.removeEventListener("pointerup", lift);
      target.removeEventListener("pointercancel", lift);
      setMoving(null);
      if (latest !== before) put(latest);
    };
    target.addEventListener("pointermove", move as EventListener);
    target.addEventListener("pointerup", lift);
    target.addEventListener("pointercancel", lift);
  };

  const change = (shape: number, points: Point[]) =>
    put(history.now.map((one, i) => (i === shape ? { ...one, points } : one)));
  const insert = (event: PointerEvent, shape: number, after: number, at: Point) => {
    if (tool) return;
    event.stopPropagation();
    const points = history.now[shape]!.points;
    change(shape, [...points.slice(0, after + 1), at, ...points.slice(after + 1)]);
    setChosen({ shape, point: after + 1 });
  };
  const remove = ({ shape, point }: Chosen) => {
    const one = history.now[shape];
    if (!one) return;
    if (point !== null && one.points.length > least(one.shape)) {
      change(shape, one.points.filter((_, i) => i !== point));
      return setChosen({ shape, point: null });
    }
    put(history.now.filter((_, i) => i !== shape));
    setChosen(null);
  };

  const key = (event: KeyboardEvent) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const tag = (event.target as Element).tagName;
    // In a list of classes arrows and letters choose among them.
    if (tag === "INPUT" || (tag === "SELECT" && !isCommand) || saving.isAsking) return;
    if (isCommand && event.key.toLowerCase() === "z") {
      event.preventDefault();
      setOpen([]);
      return setHistory(event.shiftKey ? again(history) : back(history));
    }
    if (event.key === "Escape") return open.length ? setOpen([]) : tool ? setTool(null) : setChosen(null);
    if (event.key === "Enter" && tool) return finish();
    if (event.key === "Backspace" && open.length) return setOpen(open.slice(0, -1));
    if (!chosen) return;
    if (event.key === "Delete" || event.key === "Backspace") return remove(chosen);
    const arrows: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    const one = history.now[chosen.shape];
    if (!arrow || !one) return;
    event.preventDefault();
    const far = STEP * (event.shiftKey ? 10 : 1);
    const [dx, dy] = [arrow[0] * far, arrow[1] * far * aspect];
    const moved = (points: Point[]) =>
      chosen.point === null ? shifted(points, dx, dy) : points.map((at, i): Point => (i === chosen.point ? [clamp(at[0] + dx), clamp(at[1] + dy)] : at));
    change(chosen.shape, moved(one.points));
  };
  const latestKey = useRef(key);
  latestKey.current = key;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => latestKey.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);

  const [w, h] = pixels ?? [16, 9];
  const at = ([x, y]: Point) => `${x * w},${y * h}`;
  const r = (w * 6.5) / (svg.current?.clientWidth || 800);
  const one = chosen ? history.now[chosen.shape] : undefined;
  return (
    <section class="view wide draw" aria-labelledby="draw-title">
      <header>
        <h1 id="draw-title">{say("drawOn", camera.id)}</h1>
        <button onClick={() => go(`/cameras/${encodeURIComponent(camera.id)}`)}>
          <Icon name="back" />
          {say("back")}
        </button>
        <button onClick={() => go(`/cameras/${encodeURIComponent(camera.id)}/rules`)}>{say("watch")}</button>
      </header>
      <div class="tools" role="toolbar" aria-label={say("drawing")}>
        {kinds.map((kind) => (
          <button key={kind} aria-pressed={tool === kind} onClick={() => { setOpen([]); setTool(tool === kind ? null : kind); }}>
            {say(newOf[kind])}
          </button>
        ))}
        {tool && open.length >= least(tool) && (
          <button class="primary" onClick={finish}>
            {say("finishShape")}
          </button>
        )}
        <span class="gap" />
        <button disabled={!history.past.length} onClick={() => setHistory(back(history))} title="Ctrl+Z">
          {say("undo")}
        </button>
        <button disabled={!history.future.length} onClick={() => setHistory(again(history))} title="Ctrl+Shift+Z">
          {say("redo")}
        </button>
        <button class="primary" disabled={!wanted.length || !isRight} onClick={look}>
          {say("lookAtChanges")}
        </button>
      </div>
      <p class="hint" role="status">
        {tool === "exclusion" && `${say("exclusionHint")} `}
        {say(tool ? "drawHint" : "editHint")}
      </p>
      <div class="canvas">
        {still && <img src={still} alt="" />}
        <svg
          ref={svg}
          viewBox={`0 0 ${w} ${h}`}
          class={tool ? "is-drawing" : ""}
          role="application"
          aria-label={say("drawOn", camera.id)}
          onPointerDown={press}
          onDblClick={finish}
        >
          <defs>
            <marker id="arrow" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="6" markerHeight="6" orient="auto-start-reverse">
              <path d="M0 0L10 5L0 10z" />
            </marker>
            <pattern id="hatch" class="hatch" width={2 * r} height={2 * r} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width={2 * r} height={2 * r} />
              <line y2={2 * r} stroke-width={0.9 * r} />
            </pattern>
          </defs>
          {shapes.map((shape, i) => (
            <g key={i} class={`shape is-${shape.shape} ${chosen?.shape === i ? "is-chosen" : ""}`}>
              {shape.shape === "line" ? (
                <>
                  <polyline class="reach" points={shape.points.map(at).join(" ")} onPointerDown={(event) => drag(event, i, null)} />
                  <polyline points={shape.points.map(at).join(" ")} marker-end="url(#arrow)" />
                  <Left points={shape.points} size={[w, h]} r={r} word={say("left")} />
                </>
              ) : (
                <polygon
                  points={shape.points.map(at).join(" ")}
                  style={shape.shape === "exclusion" ? { fill: "url(#hatch)" } : undefined}
                  onPointerDown={(event) => drag(event, i, null)}
                />
              )}
              <text x={shape.points[0]![0] * w + r} y={shape.points[0]![1] * h + 2.6 * r} font-size={2 * r}>
                {shape.id}
              </text>
              {chosen?.shape === i &&
                shape.points.map((point, j) => {
                  const next = shape.points[(j + 1) % shape.points.length]!;
                  const middle: Point = [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2];
                  const isEnd = shape.shape === "line" && j === shape.points.length - 1;
                  return (
                    !isEnd && (
                      <g key={`m${j}`} class="middle" onPointerDown={(event) => insert(event as unknown as PointerEvent, i, j, middle)}>
                        <circle class="reach" cx={middle[0] * w} cy={middle[1] * h} r={2.4 * r} />
                        <circle cx={middle[0] * w} cy={middle[1] * h} r={0.7 * r} />
                      </g>
                    )
                  );
                })}
              {chosen?.shape === i &&
                shape.points.map((point, j) => (
                  <g
                    key={j}
                    class={`corner ${chosen.point === j ? "is-chosen" : ""}`}
                    tabIndex={0}
                    role="button"
                    aria-label={say("corner", `${j + 1}`)}
                    onFocus={() => setChosen({ shape: i, point: j })}
                    onPointerDown={(event) => drag(event as unknown as PointerEvent, i, j)}
                  >
                    <circle class="reach" cx={point[0] * w} cy={point[1] * h} r={3.2 * r} />
                    <circle cx={point[0] * w} cy={point[1] * h} r={1.1 * r} />
                  </g>
                ))}
            </g>
          ))}
          {open.length > 0 && (
            <g class="open">
              <polyline points={open.map(at).join(" ")} />
              {open.map((point, i) => (
                <circle key={i} cx={point[0] * w} cy={point[1] * h} r={1.1 * r} />
              ))}
            </g>
          )}
        </svg>
      </div>
      <ul class="shapes">
        {history.now.map((shape, i) => (
          <li key={i} class={chosen?.shape === i ? "is-chosen" : ""}>
            <button aria-pressed={chosen?.shape === i} onClick={() => setChosen({ shape: i, point: null })}>
              <i class={`is-${shape.shape}`} />
              {shape.isThere ? shape.id : say("new")}
              <small>
                {say(nameOf[shape.shape])}
              </small>
            </button>
            {!shape.isThere && (
              <label>
                <span>{say("shapeName")}</span>
                <input
                  value={shape.id}
                  aria-invalid={!isName(shape.id)}
                  onInput={(event) => {
                    const id = event.currentTarget.value;
                    setHistory({ ...history, now: history.now.map((other, j) => (j === i ? { ...other, id } : other)) });
                  }}
                />
              </label>
            )}
            {shape.shape === "exclusion" && (
              <Classes
                of={shape.isThere ? shape.id : say("new")}
                known={told?.classes ?? []}
                chosen={shape.classes ?? []}
                choose={(classes) => put(history.now.map((other, j) => (j === i ? { ...other, classes } : other)))}
              />
            )}
            {shape.shape === "line" && <button onClick={() => change(i, [...shape.points].reverse())}>{say("turnRound")}</button>}
            <button class="no" onClick={() => remove({ shape: i, point: null })} disabled={isUsed(shape)} title={isUsed(shape) ? say("isUsed") : ""}>
              {say("remove")}
            </button>
          </li>
        ))}
      </ul>
      {!isRight && <p class="notice" role="alert">{say("nameHint")}</p>}
      {one && chosen?.point !== null && <p class="hint">{say("cornerHint")}</p>}
      <p>
        <button onClick={saving.undo}>{say("undoSaved")}</button>
      </p>
      {saving.dialog}
    </section>
  );
}

/** Of what nothing is detected in an exclusion: of everything, or of some classes. */
function Classes({ of, known, chosen, choose }: { of: string; known: string[]; chosen: string[]; choose: (classes: string[]) => void }) {
  const say = useWords();
  return (
    <span class="classes" role="group" aria-label={say("excludedOf", of)}>
      {!chosen.length && <small>{say("excludesAll")}</small>}
      {chosen.map((one) => (
        <button key={one} aria-label={say("excludeNoMore", one)} onClick={() => choose(chosen.filter((other) => other !== one))}>
          {one} ×
        </button>
      ))}
      <select
        aria-label={say("excludeOnly")}
        value=""
        onChange={(event) => {
          const { value } = event.currentTarget;
          event.currentTarget.value = "";
          if (value) choose([...chosen, value]);
        }}
      >
        <option value="">{say(chosen.length ? "excludeMore" : "excludeOnly")}</option>
        {known.filter((one) => !chosen.includes(one)).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </span>
  );
}

/** Moves points together, as far as all of them stay in the picture. */
function shifted(points: Point[], dx: number, dy: number): Point[] {
  const room = (i: 0 | 1, by: number) => {
    const all = points.map((point) => point[i]);
    return Math.min(1 - Math.max(...all), Math.max(-Math.min(...all), by));
  };
  const [mx, my] = [room(0, dx), room(1, dy)];
  return points.map(([x, y]) => [x + mx, y + my]);
}

/** Shows which side of a line is its left. */
function Left({ points, size: [w, h], r, word }: { points: Point[]; size: Point; r: number; word: string }) {
  const [a, b] = [points[0]!, points[points.length - 1]!];
  const [dx, dy] = [(b[0] - a[0]) * w, (b[1] - a[1]) * h];
  const long = Math.hypot(dx, dy) || 1;
  const [x, y] = [((a[0] + b[0]) / 2) * w, ((a[1] + b[1]) / 2) * h];
  const [tx, ty] = [x + (dy / long) * 6 * r, y - (dx / long) * 6 * r];
  return (
    <g class="side-of">
      <line x1={x} y1={y} x2={tx} y2={ty} marker-end="url(#arrow)" />
      <text x={tx} y={ty} font-size={1.8 * r}>
        {word}
      </text>
    </g>
  );
}
