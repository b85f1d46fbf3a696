// The card that comes next for whoever goes through incidents by keys: what it tells and its first picture are there before they
// are asked for. The agent is told that they are fetched ahead, and writes that down as such: whoever has evidence on his screen
// stands in its chain, and so does whoever only might.
import { type Detail, fileOf, getAhead } from "./api";

/** Cards that are kept. */
const MOST = 6;

interface Ahead {
  detail: Detail | null;
  /** Held, so that the browser keeps it decoded. */
  picture: HTMLImageElement | null;
}

const fetched = new Map<string, Ahead>();

/** The picture that a card shows first, if it is no clip. */
export function firstPicture({ evidence }: Detail): string | undefined {
  const shots = evidence?.record?.snapshots ?? [];
  return (shots.find((shot) => shot.moment === "confirmed") ?? shots[0])?.marked_file;
}

export async function fetchAhead(id: string) {
  if (fetched.has(id)) return;
  const ahead: Ahead = { detail: null, picture: null };
  fetched.set(id, ahead);
  for (const old of fetched.keys()) if (fetched.size > MOST) fetched.delete(old);
  try {
    ahead.detail = (await (await getAhead(`/api/v1/incidents/${encodeURIComponent(id)}`)).json()) as Detail;
    const file = firstPicture(ahead.detail);
    if (!file || file.endsWith(".age")) return;
    await (await getAhead(fileOf(id, file))).arrayBuffer();
    ahead.picture = new Image();
    ahead.picture.src = fileOf(id, file);
    await ahead.picture.decode();
  } catch {
    // It is fetched when it is looked at.
    if (!ahead.detail) fetched.delete(id);
  }
}

/** What was fetched of a card; it is read anew all the same. */
export const takeAhead = (id: string): Detail | null => fetched.get(id)?.detail ?? null;
