// Boxes, numbers, timers and incidents over a picture, as the agent saw them in the picture of the same instant.
import type { Seen, Track, GoingOn } from "./watch";
import type { Say } from "./words";

/** Pictures whose boxes are kept. */
const KEPT = 80;
/** Boxes are moved between two pictures that are no further apart, and stay no longer. */
const FAR_US = 1_200_000;

type Box = [number, number, number, number];

const colours: Record<string, string> = {
  suspected: "#ffc24d",
  confirmed: "#ff8a3d",
  warned: "#ff8a3d",
  observing: "#5cb8ff",
  persisted: "#ff5a4f",
  escalated: "#ff5a4f",
  complied: "#4fd38a",
  over: "#c6cdd8",
};
const plain = "#e9f2ff";

/** What the agent saw lately of one camera. */
export class Sights {
  private kept: Seen[] = [];

  take(seen: Seen) {
    this.kept.push(seen);
    if (this.kept.length > KEPT) this.kept.shift();
  }

  clear() {
    this.kept = [];
  }

  latest = () => this.kept[this.kept.length - 1];

  /** What was seen at an instant, boxes between two pictures moved to where they then were. */
  at(us: number): { seen: Seen; offUs: number } | null {
    let after = this.kept.findIndex((seen) => seen.at_us > us);
    if (after < 0) after = this.kept.length;
    const before = this.kept[after - 1];
    const next = this.kept[after];
    if (!before || us - before.at_us > FAR_US) return null;
    const grow = (us - before.at_us) / 1000;
    const part = next && next.at_us - before.at_us < FAR_US ? (us - before.at_us) / (next.at_us - before.at_us) : 0;
    const moved = (box: Box, to: Box | undefined): Box => (to ? (box.map((x, i) => x + (to[i]! - x) * part) as Box) : box);
    const tracks: Track[] = before.tracks.map((track) => ({
      ...track,
      box: moved(track.box, next?.tracks.find((other) => other.id === track.id)?.box),
      seen_ms: track.seen_ms + grow,
    }));
    const incidents: GoingOn[] = before.incidents.map((one) => ({
      ...one,
      box: moved(one.box, next?.incidents.find((other) => other.id === one.id)?.box),
      for_ms: one.for_ms + grow,
    }));
    return { seen: { ...before, tracks, incidents }, offUs: us - before.at_us };
  }
}

const seconds = (ms: number) => {
  const s = Math.max(0, Math.round(ms / 1000));
  return s < 60 ? `${s} s` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
};

/** Draws over a picture that is shown as large as it goes into the canvas. How many boxes there are. */
export function draw(canvas: HTMLCanvasElement, seen: Seen | null, say: Say, title: (violation: string) => string): number {
  const { clientWidth, clientHeight } = canvas;
  const dense = Math.min(devicePixelRatio, 2);
  const [w, h] = [Math.round(clientWidth * dense), Math.round(clientHeight * dense)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const pen = canvas.getContext("2d");
  if (!pen) return 0;
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, clientWidth, clientHeight);
  if (!seen) return 0;
  const scale = Math.min(clientWidth / seen.size_px[0], clientHeight / seen.size_px[1]);
  const left = (clientWidth - seen.size_px[0] * scale) / 2;
  const top = (clientHeight - seen.size_px[1] * scale) / 2;
  const size = clientWidth < 420 ? 10 : 12;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  const put = (box: Box, colour: string, text: string, isBold: boolean, isDashed: boolean) => {
    const [x0, y0, x1, y1] = box;
    const [x, y] = [left + x0 * scale, top + y0 * scale];
    pen.lineWidth = isBold ? 2.5 : 1.25;
    pen.setLineDash(isDashed ? [4, 4] : []);
    pen.strokeStyle = colour;
    pen.strokeRect(x, y, (x1 - x0) * scale, (y1 - y0) * scale);
    pen.setLineDash([]);
    if (!text) return;
    const wide = pen.measureText(text).width + 8;
    const high = size + 5;
    const at = Math.max(0, Math.min(x - pen.lineWidth / 2, clientWidth - wide));
    const above = y - high >= 0 ? y - high : y;
    pen.fillStyle = isBold ? colour : "rgb(10 14 20 / .72)";
    pen.fillRect(at, above, wide, high);
    pen.fillStyle = isBold ? "#10141a" : colour;
    pen.fillText(text, at + 4, above + high / 2 + 0.5);
  };
  const concerned = new Set(seen.incidents.map((one) => one.track));
  const isSmall = clientWidth < 260;
  const isLarge = clientWidth >= 640;
  for (const track of seen.tracks) {
    if (concerned.has(track.id)) continue;
    const text = isSmall ? "" : isLarge ? `${track.class} ${track.id} · ${seconds(track.seen_ms)}` : String(track.id);
    put(track.box, plain, text, false, track.is_lost);
  }
  for (const one of seen.incidents) {
    const number = one.track === null ? "" : ` ${one.track}`;
    const text = isSmall ? say.step(one.state) : `${title(one.violation)}${number} · ${say.step(one.state)} · ${seconds(one.for_ms)}`;
    const track = seen.tracks.find((other) => other.id === one.track);
    put(track?.box ?? one.box, colours[one.state] ?? plain, text, true, track?.is_lost ?? false);
  }
  return seen.tracks.length + seen.incidents.filter((one) => !seen.tracks.some((track) => track.id === one.track)).length;
}
