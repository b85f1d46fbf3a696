// One camera as it is now: live where the browser can, else by a still every other second, with what the agent sees over it.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Both, Camera } from "./api";
import { Call, canCall } from "./call";
import { Sights, draw } from "./overlay";
import { Icon } from "./parts";
import { Player } from "./player";
import { type Watched, agentNowUs, watch } from "./watch";
import { pretty, useWords } from "./words";

/** How often a still is asked for, and how often where a camera is shown alone, as a preview of what the browser cannot play. */
const STILL_MS = 2000;
const PREVIEW_MS = 180;
/** The delay is told so often, as the median of what was measured since. */
const DELAY_MS = 1000;
/** So many pictures of a preview are one second. */
const STILL_DELAYS = 5;
/** A tile that is out of view for so long is left. */
const LEAVE_MS = 3000;

/** Where nothing else plays, what was refused is asked for again after so long. */
const REFUSED_MS = 30_000;

const canPlay = () => "MediaSource" in globalThis && "requestVideoFrameCallback" in HTMLVideoElement.prototype;

/** Cameras that somebody wants to see by WebRTC, until the page is left. */
const byChoice = new Set<string>();

export const titleIn = (camera: Camera, language: string) => (violation: string) => {
  const rule = camera.rules.find((one) => one.violation === violation);
  const [first, second] = language === "zh" ? (["zh", "en"] as const) : (["en", "zh"] as const);
  return rule?.title[first] ?? rule?.title[second] ?? pretty(violation);
};

interface Size {
  width: number;
  height: number;
}

export function Tile(props: { camera: Camera; showZones: boolean; showBoxes: boolean; isLarge: boolean; onLarge: () => void }) {
  const { camera, isLarge } = props;
  const say = useWords();
  const tile = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isInView, setIsInView] = useState(false);
  const [size, setSize] = useState<Size | null>(null);
  const [isLive, setIsLive] = useState(false);
  const [delay, setDelay] = useState<{ halfMs: number; mostMs: number } | null>(null);
  const [why, setWhy] = useState("");
  const [isChosen, setIsChosen] = useState(byChoice.has(camera.id));
  /** Why it does not come by WebRTC; without words where packets do not get through. */
  const [refused, setRefused] = useState<{ why: Both | null } | null>(null);
  const isByCall = canCall() && !refused && (canPlay() ? isLarge && isChosen : true);
  const stillSights = useRef<Sights | null>(null);
  const stillDelays = useRef<number[]>([]);
  const title = titleIn(camera, say.language);
  const latest = useRef({ say, title, showBoxes: props.showBoxes });
  latest.current = { say, title, showBoxes: props.showBoxes };

  useEffect(() => {
    let timer = 0;
    let isSeen = false;
    const look = () => {
      clearTimeout(timer);
      const isShown = isSeen && document.visibilityState === "visible";
      if (isShown) setIsInView(true);
      else timer = window.setTimeout(() => setIsInView(false), LEAVE_MS);
    };
    const observer = new IntersectionObserver((entries) => {
      isSeen = entries[entries.length - 1]?.isIntersecting ?? false;
      look();
    });
    if (tile.current) observer.observe(tile.current);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener("visibilitychange", look);
    };
  }, []);

  useEffect(() => {
    if (!isInView) return;
    if (!isByCall && !canPlay()) return setWhy("browser");
    const sights = new Sights();
    stillSights.current = sights;
    let player: Player | null = null;
    let call: Call | null = null;
    let delays: number[] = [];
    let toldAt = 0;
    let watched: Watched | null = null;
    const clear = () => {
      sights.clear();
      setIsLive(false);
      setDelay(null);
      if (!canvas.current) return;
      draw(canvas.current, null, latest.current.say, latest.current.title);
      Object.assign(canvas.current.dataset, { boxes: "0", off: "0" });
    };
    const end = () => {
      player?.close();
      player = null;
      clear();
    };
    const shown = (atUs: number, displayAtMs: number) => {
      if (!canvas.current || !video.current) return;
      const found = latest.current.showBoxes ? sights.at(atUs) : null;
      const n = draw(canvas.current, found?.seen ?? null, latest.current.say, latest.current.title);
      Object.assign(canvas.current.dataset, { boxes: String(n), off: String(Math.round((found?.offUs ?? 0) / 1000)) });
      const nowUs = agentNowUs();
      if (nowUs !== null) delays.push((nowUs - atUs) / 1000 + Math.max(0, displayAtMs - performance.now()));
      if (performance.now() - toldAt < DELAY_MS || !delays.length) return;
      toldAt = performance.now();
      setIsLive(true);
      const frame = sights.latest()?.size_px;
      const { videoWidth, videoHeight } = video.current;
      setSize(frame ? { width: frame[0], height: frame[1] } : { width: videoWidth, height: videoHeight });
      delays.sort((a, b) => a - b);
      const within = (share: number) => Math.round(delays[Math.floor(delays.length * share)]!);
      setDelay({ halfMs: within(0.5), mostMs: within(0.95) });
      delays = [];
      watched?.shown();
    };
    const broken = () => {
      end();
      watched?.anew();
    };
    if (isByCall && video.current) {
      setWhy("");
      call = new Call(camera.id, !isLarge, video.current, shown, clear, (why) => setRefused({ why }));
    }
    watched = watch(camera.id, !isLarge, isByCall, {
      start(codec, originUs) {
        if (!video.current) return;
        if (player && player.originUs !== originUs) end();
        player ??= new Player(video.current, (mediaS, displayAtMs) => shown(originUs + mediaS * 1e6, displayAtMs), broken);
        if (player.start(codec, originUs)) return setWhy("");
        end();
        setWhy(codec.startsWith("hvc1.") ? "H.265" : codec);
        watched?.unplayed();
      },
      piece: (mp4, atUs, isPicture) => player?.piece(mp4, atUs, isPicture),
      seen: (seen) => sights.take(seen),
      none(told) {
        // What comes by WebRTC goes on without what is told here.
        if (isByCall) return sights.clear();
        end();
        setWhy(["over", "unknown", "lost"].includes(told) ? "" : told);
      },
    });
    return () => {
      watched?.leave();
      call?.close();
      end();
    };
  }, [camera.id, isInView, isLarge, isByCall]);
  useEffect(() => {
    if (!refused || canPlay()) return;
    const timer = window.setTimeout(() => setRefused(null), REFUSED_MS);
    return () => clearTimeout(timer);
  }, [refused]);
  const choose = (isByWebRtc: boolean) => {
    if (isByWebRtc) byChoice.add(camera.id);
    else byChoice.delete(camera.id);
    setRefused(null);
    setIsChosen(isByWebRtc);
  };

  const drawStill = (atUs: number) => {
    const nowUs = agentNowUs();
    if (nowUs !== null && atUs > 0) {
      const delays = (stillDelays.current = [...stillDelays.current.slice(1 - STILL_DELAYS), (nowUs - atUs) / 1000]);
      const sorted = [...delays].sort((a, b) => a - b);
      setDelay({ halfMs: Math.round(sorted[sorted.length >> 1]!), mostMs: Math.round(sorted[sorted.length - 1]!) });
    }
    const found = latest.current.showBoxes ? stillSights.current?.at(atUs) : null;
    if (canvas.current) canvas.current.dataset.boxes = String(draw(canvas.current, found?.seen ?? null, latest.current.say, latest.current.title));
  };
  const isPreview = isLarge && why !== "";
  const still = useStill(camera.id, isInView && !isLive, setSize, isPreview ? drawStill : undefined);
  const isDown = !isLive && (camera.trouble !== null || !still);
  const unplayed = why === "browser" ? say("stillsBrowser") : why ? say(isPreview ? "previewCoding" : "stillsCoding", why) : "";
  const none = camera.trouble === null ? say("noPicture") : say.of({ en: camera.trouble, zh: camera.trouble_zh ?? camera.trouble });
  const notByCall = refused ? say(canPlay() ? "webrtcNotHere" : "webrtcNot", refused.why ? say.of(refused.why) : say("webrtcNothing")) : "";
  const word = [notByCall, unplayed].filter(Boolean).join(" ");
  const told = isDown ? none : word;
  return (
    <figure class={`tile ${isDown ? "is-down" : ""}`} data-state={isLive ? "live" : still ? "still" : "none"} data-by={isByCall ? "webrtc" : "mse"}>
      <div ref={tile} class="pane">
        <video ref={video} class={isLive ? "" : "is-away"} muted playsInline disablePictureInPicture tabIndex={-1} aria-hidden="true" />
        {still && !isLive && <img src={still} alt="" />}
        {size && props.showZones && <Zones camera={camera} size={size} />}
        <canvas ref={canvas} class="boxes" aria-hidden="true" />
        {isDown && (
          <span class="none">
            <Icon name="cameras" />
            {none}
          </span>
        )}
        {word && !isDown && <span class="word">{word}</span>}
      </div>
      {/* Over the picture and not around it: what is written in the picture is no part of the button's name. */}
      <button onClick={props.onLarge} aria-label={told ? `${camera.id}: ${told}` : camera.id} />
      <figcaption>
        <i class={isDown ? "" : "on"} />
        <strong>{camera.id}</strong>
        {(isLive || isPreview) && delay && (
          <span class="delay" title={say("delayHint", delay.mostMs)} data-delay={delay.halfMs} data-most={delay.mostMs}>
            {isLive && `${say("live")} · `}
            {delay.halfMs < 10_000 ? `${delay.halfMs} ms` : `${Math.round(delay.halfMs / 1000)} s`}
          </span>
        )}
        {isLarge && canPlay() && canCall() && (
          <select aria-label={say("transport")} value={isChosen ? "webrtc" : "mse"} onChange={(event) => choose(event.currentTarget.value === "webrtc")}>
            <option value="mse">Media Source</option>
            <option value="webrtc">WebRTC</option>
          </select>
        )}
        <small>{[...new Set(camera.rules.map((rule) => title(rule.violation)))].join(" · ")}</small>
      </figcaption>
    </figure>
  );
}

/** A still of now, asked for again and again; several a second where somebody takes the instants at which they were taken. */
export function useStill(camera: string, isWanted: boolean, onSize: (size: Size) => void, onTaken?: (atUs: number) => void): string | null {
  const isPreview = onTaken !== undefined;
  const taken = useRef(onTaken);
  taken.current = onTaken;
  const [still, setStill] = useState<string | null>(null);
  useEffect(() => {
    if (!isWanted) return;
    let isShown = true;
    let timer = 0;
    let latest = "";
    const turn = async () => {
      const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/still${isPreview ? "?is_preview=true" : ""}`).catch(() => null);
      if (!isShown) return;
      if (answer?.ok) {
        const address = URL.createObjectURL(await answer.blob());
        const pixels = (side: string) => Number(answer.headers.get(`x-forewarn-${side}`) ?? 1);
        onSize({ width: pixels("width"), height: pixels("height") });
        setStill(address);
        taken.current?.(Number(answer.headers.get("x-forewarn-at-us")));
        if (latest) URL.revokeObjectURL(latest);
        latest = address;
      } else setStill(null);
      timer = window.setTimeout(() => void turn(), isPreview && answer?.ok ? PREVIEW_MS : STILL_MS);
    };
    void turn();
    return () => {
      isShown = false;
      clearTimeout(timer);
      setStill(null);
      if (latest) URL.revokeObjectURL(latest);
    };
  }, [camera, isWanted, isPreview]);
  return still;
}

function Zones({ camera, size: { width, height } }: { camera: Camera; size: Size }) {
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
