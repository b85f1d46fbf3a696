// The wall of cameras: pictures of now with the zones drawn over them.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Camera, get } from "./api";
import { Empty, Icon } from "./parts";
import { pretty, useWords } from "./words";

/** How often a still is asked for. */
const EVERY_MS = 2000;
/** The cameras are asked anew so often, for those that went or came. */
const LIST_EVERY_MS = 10_000;

export function Cameras() {
  const say = useWords();
  const [cameras, setCameras] = useState<Camera[] | null>(null);
  const [showZones, setShowZones] = useState(true);
  const [large, setLarge] = useState<string | null>(null);
  useEffect(() => {
    const read = () => void get<{ cameras: Camera[] }>("/cameras").then((told) => setCameras(told.cameras), () => {});
    read();
    const timer = setInterval(read, LIST_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const shown = cameras?.filter((camera) => !large || camera.id === large) ?? [];
  return (
    <section class="view wide" aria-labelledby="cameras-title">
      <header>
        <h1 id="cameras-title">{say("cameras")}</h1>
        {large && (
          <button onClick={() => setLarge(null)}>
            <Icon name="back" />
            {say("all")}
          </button>
        )}
        <button aria-pressed={showZones} onClick={() => setShowZones(!showZones)}>
          {say("zones")}
        </button>
      </header>
      {cameras?.length === 0 && <Empty icon="cameras">{say("noCameras")}</Empty>}
      <div class={`wall ${large ? "is-large" : ""}`}>
        {shown.map((camera) => (
          <Tile key={camera.id} camera={camera} showZones={showZones} onLarge={() => setLarge(large ? null : camera.id)} />
        ))}
      </div>
    </section>
  );
}

interface Still {
  address: string;
  width: number;
  height: number;
}

function Tile({ camera, showZones, onLarge }: { camera: Camera; showZones: boolean; onLarge: () => void }) {
  const say = useWords();
  const tile = useRef<HTMLButtonElement>(null);
  const [still, setStill] = useState<Still | null>(null);
  useEffect(() => {
    let isShown = true;
    let isInView = true;
    let timer = 0;
    let latest = "";
    const observer = new IntersectionObserver((entries) => {
      isInView = entries.some((entry) => entry.isIntersecting);
    });
    if (tile.current) observer.observe(tile.current);
    const turn = async () => {
      if (isInView && document.visibilityState === "visible") {
        const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera.id)}/still`).catch(() => null);
        if (!isShown) return;
        if (answer?.ok) {
          const address = URL.createObjectURL(await answer.blob());
          const pixels = (side: string) => Number(answer.headers.get(`x-forewarn-${side}`) ?? 1);
          setStill({ address, width: pixels("width"), height: pixels("height") });
          if (latest) URL.revokeObjectURL(latest);
          latest = address;
        } else {
          setStill(null);
        }
      }
      timer = window.setTimeout(() => void turn(), EVERY_MS);
    };
    void turn();
    return () => {
      isShown = false;
      clearTimeout(timer);
      observer.disconnect();
      if (latest) URL.revokeObjectURL(latest);
    };
  }, [camera.id]);

  const isDown = camera.trouble !== null || !still;
  return (
    <figure class={`tile ${isDown ? "is-down" : ""}`}>
      <button ref={tile} onClick={onLarge} aria-label={camera.id}>
        {still && <img src={still.address} alt="" width={still.width} height={still.height} />}
        {still && showZones && <Zones camera={camera} still={still} />}
        {isDown && (
          <span class="none">
            <Icon name="cameras" />
            {camera.trouble ?? say("noPicture")}
          </span>
        )}
      </button>
      <figcaption>
        <i class={isDown ? "" : "on"} />
        <strong>{camera.id}</strong>
        <small>{[...new Set(camera.rules.map((rule) => (say.language === "zh" ? rule.title.zh ?? rule.title.en : rule.title.en ?? rule.title.zh) ?? pretty(rule.violation)))].join(" · ")}</small>
      </figcaption>
    </figure>
  );
}

function Zones({ camera, still }: { camera: Camera; still: Still }) {
  const { width, height } = still;
  const em = Math.max(width, height) / 55;
  const shapes = camera.zones.map((zone) => {
    const scale = zone.unit === "normalised" ? [width, height] : [1, 1];
    return { ...zone, points: zone.points.map(([x, y]) => [x * scale[0]!, y * scale[1]!] as const) };
  });
  return (
    <svg class="zones" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {shapes.map((zone) => {
        const points = zone.points.map((point) => point.join(",")).join(" ");
        const [x, y] = zone.points[0] ?? [0, 0];
        return (
          <g key={zone.id}>
            {zone.is_area ? <polygon points={points} /> : <polyline points={points} />}
            <text x={x + em * 0.3} y={y + em * 1.2} font-size={em}>
              {pretty(zone.id)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
