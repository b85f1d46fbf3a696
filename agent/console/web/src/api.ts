// What the server says, and how it is asked.

export type Role = "viewer" | "operator" | "admin";

export const roles: Role[] = ["viewer", "operator", "admin"];

export interface Session {
  name: string;
  role: Role;
  csrf: string;
  /** Whether the account asks for the code of an authenticator app. */
  has_totp: boolean;
  /** The cameras that are reached; all if null. */
  cameras: string[] | null;
  site: string;
  /** IANA name of the site's time zone. */
  time_zone: string;
  version: string;
}

export interface Found {
  id: string;
  opened_us: number;
  updated_us: number;
  is_open: boolean;
  state: string;
  outcome: string;
  camera: string;
  zone: string;
  violation: string;
  class: string;
  count: number;
  warnings: number;
  opinion: "true" | "false_alarm" | null;
}

export interface Page {
  incidents: Found[];
  next: string | null;
  open: number;
  unjudged: number;
}

export interface Step {
  state: string;
  cause: string;
  at: string;
  at_us: number;
  /** The loudspeakers that were tried since the step before. */
  tried?: Tried[];
}

export interface Tried {
  speaker: string;
  proof?: string;
  lasted_ms?: number;
  receipt?: { kind: string; sent: string; answer?: string };
  failed?: string;
  why?: string;
}

export interface Case {
  stage: string;
  with: string | null;
  due: string | null;
  steps: { stage: string; cause: string; at: string; at_us: number; by: string | null; to: string | null; note?: string }[];
}

export interface Finding {
  attribute: string;
  verdict: string;
  confidence: number;
  text?: string;
  /** Within how many metres a camera that flies would have to come. */
  fly_within_m?: number;
}

export interface Snapshot {
  moment: string;
  file: string;
  marked_file: string;
}

export interface Clip {
  moment: string;
  file: string;
  /** Where in the camera's time it lies, and how many pictures it has. */
  from: { seconds: number };
  to: { seconds: number };
  access_units: number;
  /** The file of what the agent saw in it; none where nobody noted that. */
  sights?: string;
}

/** What a loudspeaker said. */
export interface Said {
  attempt: number;
  speaker: string;
  language: "en" | "zh";
  text: string;
  sound?: string;
}

export interface Detail {
  incident: { history: Step[]; subject: { track: number | null }; warnings_played: number; warning_not_delivered: boolean; findings?: Finding[]; case?: Case };
  found: Found;
  said: Said[];
  evidence: null | {
    bundle: { bytes: number; held: boolean; sealed: boolean; seal: number | null };
    record: null | {
      title: string;
      snapshots: Snapshot[];
      clips: Clip[];
      closeups?: { attribute: string; file: string }[];
      missing: { what: string; why: string }[];
    };
  };
}

export interface Verification {
  verdict: "intact" | "not intact" | "unsealed" | "not checked" | "nothing kept";
  words?: string;
  problems?: string[];
  seal?: { number: number; final: boolean } | null;
}

export interface Camera {
  id: string;
  trouble: string | null;
  trouble_zh: string | null;
  zones: { id: string; is_area: boolean; unit: "normalised" | "pixel"; points: [number, number][] }[];
  rules: { violation: string; zone: string; title: { en?: string; zh?: string } }[];
  speakers: string[];
}

/** A text in both languages. */
export interface Both {
  en: string;
  zh: string;
}

export interface Part {
  part: Both;
  state: "ok" | "warning" | "trouble";
  since: string;
  what: Both;
  to_do: Both;
}

export interface Health {
  is_healthy: boolean;
  parts: Part[];
}

export interface StatsRow {
  name: string;
  incidents: number;
  sent: number;
  heard: number;
  complied: number;
  escalated: number;
  share: number | null;
  between: [number, number] | null;
  median_s: number | null;
  p90_s: number | null;
}

export interface Stats {
  all: StatsRow;
  violations: StatsRow[];
  zones: StatsRow[];
  hours: StatsRow[];
  texts: StatsRow[];
  verdicts: { violation: string; winner: string | null }[];
}

export interface Prepared {
  id: string;
  title: { en: string | null; zh: string | null };
  text: { en: string | null; zh: string | null };
  is_sound: boolean;
}

export interface Cell {
  name: string;
  path: string;
  score: number | null;
  colour: "green" | "blue" | "yellow" | "red" | "grey";
  incidents: number;
  complied: number;
  escalated: number;
  rings: [number, number][][] | null;
}

export interface SiteMap {
  from: string;
  to: string;
  ground: { has_picture: boolean; is_plan: boolean; corners: [[number, number], [number, number]] | null; zooms: [number, number] | null };
  cells: Cell[];
  cameras: { id: string; at: [number, number] | null; trouble: string | null; trouble_zh: string | null }[];
  ways: { camera: string; points: [number, number][] }[];
}

export interface Account {
  name: string;
  role: Role;
  created_at: string;
  has_totp: boolean;
  /** The cameras that it reaches; all if null. */
  cameras: string[] | null;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly why: Both,
    readonly needsCode = false,
  ) {
    super(why.en);
  }
}

let csrf = "";
let onSignedOut = () => {};

/** Is told when the session has ended. */
export function whenSignedOut(tell: () => void) {
  onSignedOut = tell;
}

export function remember(session: Session | null) {
  csrf = session?.csrf ?? "";
}

/** Letters of a body that is let outlive the page. */
const MOST_OUTLIVING = 8000;

async function answered(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = body instanceof Blob ? body.type : "application/json";
  if (method !== "GET" && csrf) headers["x-forewarn-csrf"] = csrf;
  const said = body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body);
  const answer = await fetch(`/api/v1${path}`, {
    method,
    headers,
    body: said,
    credentials: "same-origin",
    // Whoever judges and puts the phone away has judged. Browsers let 64 KiB outlive a page.
    keepalive: typeof said === "string" && said.length < MOST_OUTLIVING,
  });
  if (answer.ok) return answer;
  const nothing: Both = { en: answer.statusText, zh: `服务器返回 ${answer.status}` };
  const told = (await answer.json().catch(() => ({}))) as { error?: string; error_zh?: string; needs_code?: boolean };
  const why: Both = { en: told.error ?? nothing.en, zh: told.error_zh ?? nothing.zh };
  if (answer.status === 401 && path !== "/session" && path !== "/setup") onSignedOut();
  throw new Refused(answer.status, why, told.needs_code);
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await answered(method, path, body);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** A picture that is asked for by telling what of. */
export const picture = async (path: string, body: unknown) => (await answered("POST", path, body)).blob();

export const get = <T,>(path: string) => ask<T>("GET", path);
export const post = <T,>(path: string, body: unknown) => ask<T>("POST", path, body);

/** A session of WebRTC that the agent has answered. */
export interface Answered {
  sdp: string;
  /** What ends it. */
  location: string;
  /** The instant at which the time of its packets is zero. */
  originUs: number;
}

/** Offers a session by which one camera is seen. */
export async function offerCall(camera: string, isSmall: boolean, sdp: string): Promise<Answered> {
  const path = `/cameras/${encodeURIComponent(camera)}/whep${isSmall ? "?is_small=true" : ""}`;
  const answer = await answered("POST", path, new Blob([sdp], { type: "application/sdp" }));
  const header = (name: string) => answer.headers.get(name) ?? "";
  return { sdp: await answer.text(), location: header("location"), originUs: Number(header("x-forewarn-origin-us")) };
}

/** Ends it; where nobody hears that, the agent notices by itself. */
export const hangUp = (location: string) =>
  void fetch(location, { method: "DELETE", headers: { "x-forewarn-csrf": csrf }, credentials: "same-origin", keepalive: true }).catch(() => {});

/** Fetches what perhaps nobody will look at, and says so. */
export async function getAhead(address: string): Promise<Response> {
  const answer = await fetch(address, { headers: { "x-forewarn-ahead": "1" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer;
}

/** Where a file of an incident's evidence is. */
export const fileOf = (id: string, file: string) =>
  `/api/v1/incidents/${encodeURIComponent(id)}/files/${encodeURIComponent(file)}`;
