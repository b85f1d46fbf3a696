// Shapes that are drawn over a picture: points in parts of it, snapping, and what became of them since they were read.

export type Kind = "area" | "line" | "mask" | "exclusion";
export type Point = [number, number];

/** A shape as the server tells it. */
export interface Told {
  id: string;
  shape: Kind;
  unit: "normalised" | "pixel";
  points: Point[];
  /** Of an exclusion: what is not detected there; all if absent. */
  classes?: string[];
}

/** A shape while it is drawn; its points are parts of the picture. */
export interface Drawn {
  id: string;
  shape: Kind;
  unit: "normalised" | "pixel";
  points: Point[];
  classes?: string[];
  isThere: boolean;
}

export interface Change {
  shape: Kind;
  id: string;
  points?: Point[];
  /** Of an exclusion, where they change; none is for everything. */
  classes?: string[];
  is_there: boolean;
}

/** Points so near, in parts of the picture's width, are taken for the same. */
const NEAR = 0.012;

/** Names are unique among the shapes of a list of the site file. */
export const list = (shape: Kind) => (shape === "mask" || shape === "exclusion" ? shape : "zone");

export const least = (shape: Kind) => (shape === "line" ? 2 : 3);

const apart = (a: Point, b: Point, aspect: number) => Math.hypot(a[0] - b[0], (a[1] - b[1]) / aspect);

export const clamp = (x: number) => Math.min(1, Math.max(0, x));

export function begin(told: Told[], size: Point): Drawn[] {
  return told.map((one) => {
    const [w, h] = one.unit === "pixel" ? size : [1, 1];
    return { ...one, points: one.points.map(([x, y]) => [x / w, y / h] as Point), isThere: true };
  });
}

/** A point drawn to the border, or to a corner of another shape, where it is near; and level with its neighbours. */
export function snap(point: Point, others: Point[], neighbours: Point[], aspect: number): Point {
  const nearest = others.find((other) => apart(point, other, aspect) < NEAR);
  if (nearest) return [...nearest];
  const axis = (i: 0 | 1) => {
    const near = i ? NEAR * aspect : NEAR;
    const at = clamp(point[i]);
    if (at < near) return 0;
    if (at > 1 - near) return 1;
    return neighbours.find((other) => Math.abs(other[i] - at) < near / 2)?.[i] ?? at;
  };
  return [axis(0), axis(1)];
}

const same = (a: Point[], b: Point[]) =>
  a.length === b.length && a.every((point, i) => apart(point, b[i]!, 1) < 1e-5);

const sameWords = (a: string[] = [], b: string[] = []) => a.length === b.length && a.every((word) => b.includes(word));

/** What is to be said to the server to make `now` of `former`. */
export function changes(former: Drawn[], now: Drawn[], size: Point): Change[] {
  const key = (one: Drawn) => `${list(one.shape)}/${one.id}`;
  const gone = former.filter((one) => !now.some((other) => other.isThere && key(other) === key(one)));
  const out = gone.map((one): Change => ({ shape: one.shape, id: one.id, is_there: true }));
  for (const one of now) {
    const before = one.isThere ? former.find((other) => key(other) === key(one)) : undefined;
    const classes: { classes?: string[] } = sameWords(before?.classes, one.classes) ? {} : { classes: one.classes ?? [] };
    if (before && same(before.points, one.points) && !classes.classes) continue;
    const [w, h] = one.unit === "pixel" ? size : [1, 1];
    const points = one.points.map(([x, y]) => [x * w, y * h] as Point);
    out.push({ shape: one.shape, id: one.id, points, ...classes, is_there: one.isThere });
  }
  return out;
}

/** A name that no shape has yet. */
export function newName(shape: Kind, shapes: Drawn[]): string {
  const stem = shape === "area" ? "zone" : shape;
  for (let n = 1; ; n++) if (!shapes.some((one) => one.id === `${stem}-${n}`)) return `${stem}-${n}`;
}

export const isName = (name: string) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name);

/** The former states of a drawing. */
export interface History {
  past: Drawn[][];
  now: Drawn[];
  future: Drawn[][];
}

/** Steps that can be taken back. */
const STEPS = 200;

export const did = (history: History, now: Drawn[]): History => ({
  past: [...history.past, history.now].slice(-STEPS),
  now,
  future: [],
});

export function back({ past, now, future }: History): History {
  const former = past[past.length - 1];
  return former ? { past: past.slice(0, -1), now: former, future: [now, ...future] } : { past, now, future };
}

export function again({ past, now, future }: History): History {
  const [next, ...rest] = future;
  return next ? { past: [...past, now], now: next, future: rest } : { past, now, future };
}
