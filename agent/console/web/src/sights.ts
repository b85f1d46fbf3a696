// What was seen in each picture of a clip: by the agent while it was recorded, or when it was decided again.

type Box = [number, number, number, number];

export interface Sight {
  at_ms: number;
  tracks: { id: number; class: string; box: Box; seen_ms?: number }[];
}

/** A picture is shown until the next that was looked at, and for so long behind the last. */
const LASTS_MS = 1500;

export async function sightsOf(path: string): Promise<Sight[]> {
  const answer = await fetch(`/api/v1${path}`);
  if (!answer.ok) throw new Error(answer.statusText);
  const text = await answer.text();
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Sight);
}

/** What was seen at a time of the clip, by the latest look until then. */
export function sightAt(sights: Sight[] | undefined, atMs: number): Sight["tracks"] {
  if (!sights) return [];
  let [low, high] = [0, sights.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sights[middle]!.at_ms <= atMs + 1) low = middle + 1;
    else high = middle;
  }
  const latest = sights[low - 1];
  return latest && atMs - latest.at_ms <= LASTS_MS ? latest.tracks : [];
}

/** Intersection over union. */
export function overlap(a: Box, b: Box): number {
  const shared = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const area = ([x0, y0, x1, y1]: Box) => (x1 - x0) * (y1 - y0);
  return shared ? shared / (area(a) + area(b) - shared) : 0;
}
