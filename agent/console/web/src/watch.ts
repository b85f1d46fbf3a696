// Live video: one web socket for all panes of this tab, which comes back by itself when it is lost.

export interface Track {
  id: number;
  class: string;
  box: [number, number, number, number];
  is_lost: boolean;
  seen_ms: number;
}

export interface GoingOn {
  id: string;
  state: string;
  violation: string;
  zone: string;
  track: number | null;
  box: [number, number, number, number];
  for_ms: number;
}

/** What the agent saw in one picture. */
export interface Seen {
  camera: string;
  at_us: number;
  size_px: [number, number];
  tracks: Track[];
  incidents: GoingOn[];
}

/** What a pane is told. */
export interface Teller {
  start(codec: string, originUs: number): void;
  piece(mp4: Uint8Array, atUs: number, isPicture: boolean): void;
  seen(seen: Seen): void;
  /** There is nothing live: the socket is lost, the stream is over, the camera is unknown, or the coding is this. */
  none(why: string): void;
}

interface Pane {
  camera: string;
  isSmall: boolean;
  playsH265: boolean;
  /** What the agent sees is told, and no pictures: they come otherwise. */
  seesOnly: boolean;
  teller: Teller;
  isAsked: boolean;
  again: number;
}

/** The socket is tried again after so long, and then after longer. */
const FIRST_MS = 500;
const LONGEST_MS = 10_000;
/** A stream that is over is asked for again after so long. */
const OVER_MS = 2000;
/** The agent's time is asked for so often. */
const TIME_MS = 4000;
/** The next pane begins when the one before shows something, or after so long. */
const TURN_MS = 700;
/** The socket is closed when nobody has looked for so long. */
const LINGER_MS = 5000;

/** Whether this browser plays H.265 at all; what it cannot of it shows when it comes. */
const playsH265 = "MediaSource" in globalThis && MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L120.B0"');

const panes = new Map<number, Pane>();
let socket: WebSocket | null = null;
let number = 0;
let waitMs = FIRST_MS;
let retry = 0;
let linger = 0;
let clock = 0;
let turn = 0;
let offsetUs: number | null = null;
let bestTripMs = Infinity;

/** The agent's time now in microseconds; none before it has told it. */
export const agentNowUs = () => (offsetUs === null ? null : performance.now() * 1000 + offsetUs);

const say = (what: unknown) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
};

/** Asks for the next pane that was not asked for. */
function next() {
  clearTimeout(turn);
  if (socket?.readyState !== WebSocket.OPEN) return;
  for (const [of, pane] of panes) {
    if (pane.isAsked || pane.again) continue;
    pane.isAsked = true;
    say({ is: "watch", pane: of, camera: pane.camera, is_small: pane.isSmall, plays_h265: pane.playsH265, sees_only: pane.seesOnly });
    turn = window.setTimeout(next, TURN_MS);
    return;
  }
}

function takeText(text: string) {
  const told = JSON.parse(text) as { is: string; pane: number } & Record<string, unknown>;
  if (told.is === "seen") {
    for (const pane of panes.values()) if (pane.camera === told.camera) pane.teller.seen(told as unknown as Seen);
    return;
  }
  if (told.is === "time") {
    const trip = performance.now() - (told.sent as number);
    // The quickest answer says best what time it is; an old one counts for less and less.
    if (trip <= bestTripMs) {
      bestTripMs = trip;
      offsetUs = (told.now_us as number) + (trip / 2) * 1000 - performance.now() * 1000;
    } else bestTripMs += 0.5;
    return;
  }
  const pane = panes.get(told.pane);
  if (!pane) return;
  if (told.is === "start") pane.teller.start(told.codec as string, told.origin_us as number);
  if (told.is !== "none") return;
  const why = told.why as string;
  pane.teller.none(why);
  if (why === "over" || why === "unknown") askAgain(told.pane, OVER_MS);
  next();
}

function takeBytes(bytes: ArrayBuffer) {
  const view = new DataView(bytes);
  const kind = view.getUint8(2);
  panes.get(view.getUint16(0))?.teller.piece(new Uint8Array(bytes, 12), Number(view.getBigInt64(4)), kind > 0);
}

const askTime = () => say({ is: "time", sent: performance.now() });

function connect() {
  clearTimeout(retry);
  const address = new URL("/api/v1/live", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(address);
  socket = mine;
  mine.binaryType = "arraybuffer";
  mine.onopen = () => {
    waitMs = FIRST_MS;
    bestTripMs = Infinity;
    for (const pane of panes.values()) pane.isAsked = false;
    askTime();
    clock = window.setInterval(askTime, TIME_MS);
    next();
  };
  mine.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
    typeof data === "string" ? takeText(data) : takeBytes(data);
  mine.onclose = () => {
    if (socket !== mine) return;
    socket = null;
    clearInterval(clock);
    for (const pane of panes.values()) pane.teller.none("lost");
    if (!panes.size) return;
    retry = window.setTimeout(connect, waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_MS);
  };
}

function askAgain(of: number, afterMs: number) {
  const pane = panes.get(of);
  if (!pane || pane.again) return;
  pane.again = window.setTimeout(() => {
    pane.again = 0;
    pane.isAsked = false;
    next();
  }, afterMs);
}

export interface Watched {
  /** Something is shown; the next pane has its turn. */
  shown(): void;
  /** Begin anew. */
  anew(): void;
  /** This H.265 is not played, though the browser plays some; the agent goes on with what it sees in it. */
  unplayed(): void;
  leave(): void;
}

export function watch(camera: string, isSmall: boolean, seesOnly: boolean, teller: Teller): Watched {
  const of = (number = (number + 1) & 0xffff);
  panes.set(of, { camera, isSmall, playsH265, seesOnly, teller, isAsked: false, again: 0 });
  clearTimeout(linger);
  if (!socket) connect();
  else if (![...panes.values()].some((pane) => pane.isAsked)) next();
  else if (!turn) next();
  else {
    clearTimeout(turn);
    turn = window.setTimeout(next, 50);
  }
  return {
    shown: next,
    anew: () => {
      say({ is: "leave", pane: of });
      askAgain(of, OVER_MS);
    },
    unplayed: () => {
      const pane = panes.get(of);
      if (!pane?.playsH265) return;
      pane.playsH265 = false;
      pane.isAsked = false;
      say({ is: "leave", pane: of });
      next();
    },
    leave: () => {
      clearTimeout(panes.get(of)?.again);
      panes.delete(of);
      say({ is: "leave", pane: of });
      if (panes.size) return;
      linger = window.setTimeout(() => {
        const mine = socket;
        socket = null;
        clearInterval(clock);
        clearTimeout(retry);
        mine?.close();
      }, LINGER_MS);
    },
  };
}
