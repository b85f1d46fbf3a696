// Where on a map something lies: plans, longitude and latitude as maps of the web draw them, tiles.
import type { SiteMap } from "./api";

export type Spot = [number, number];
/** Left, top, width and height. */
export type Box = [number, number, number, number];

/** The whole earth is so wide, so that the coordinates of a street keep their decimals. */
const EARTH = 1e6;
/** So many tiles are asked for at once. */
const MOST_TILES = 80;
const TILE_PX = 256;

/** Mercator, as tiles are cut. */
function onEarth([lon, lat]: Spot): Spot {
  const sine = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return [((lon + 180) / 360) * EARTH, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * EARTH];
}

/** How places of the site come to lie on the drawing, and where the plan does. */
export function projection(ground: SiteMap["ground"], plan: [number, number] | null): { spot: (at: Spot) => Spot; picture: Box | null } {
  if (ground.is_plan && plan) return { spot: ([x, y]) => [x * plan[0], y * plan[1]], picture: [0, 0, ...plan] };
  if (!ground.corners) return { spot: onEarth, picture: null };
  const [[left, bottom], [right, top]] = ground.corners.map(onEarth) as [Spot, Spot];
  return { spot: onEarth, picture: [left, top, right - left, bottom - top] };
}

/** The box around all of these, with some air; none around nothing. */
export function around(spots: Spot[]): Box | null {
  if (!spots.length) return null;
  const span = (axis: 0 | 1): [number, number] => spots.reduce(([low, high], spot) => [Math.min(low, spot[axis]), Math.max(high, spot[axis])], [Infinity, -Infinity]);
  const [[left, right], [top, bottom]] = [span(0), span(1)];
  // A place alone is shown with some hundred metres around it.
  const air = Math.max((right - left) * 0.03, (bottom - top) * 0.03, right === left && bottom === top ? EARTH / 2e5 : 0);
  return [left - air, top - air, Math.max(right - left + 2 * air, 1e-4), Math.max(bottom - top + 2 * air, 1e-4)];
}

export const zoomed = ([x, y, w, h]: Box, by: number): Box => [x + (w * (1 - by)) / 2, y + (h * (1 - by)) / 2, w * by, h * by];
export const moved = ([x, y, w, h]: Box, right: number, down: number): Box => [x + w * right, y + h * down, w, h];

/** The tiles that fill a view so many pixels wide, each by its path and where it lies. */
export function tilesOf([x, y, w, h]: Box, wide: number, [coarsest, finest]: [number, number]): { key: string; at: Box }[] {
  let zoom = Math.max(coarsest, Math.min(finest, Math.round(Math.log2((wide * EARTH) / (w * TILE_PX)))));
  for (; ; zoom -= 1) {
    const [n, size] = [2 ** zoom, EARTH / 2 ** zoom];
    const within = (from: number, span: number) => [Math.max(0, Math.floor(from / size)), Math.min(n - 1, Math.floor((from + span) / size))] as const;
    const [[left, right], [top, bottom]] = [within(x, w), within(y, h)];
    if ((right - left + 1) * (bottom - top + 1) > MOST_TILES && zoom > coarsest) continue;
    const tiles = [];
    for (let row = top; row <= bottom; row += 1) for (let column = left; column <= right; column += 1) tiles.push({ key: `${zoom}/${column}/${row}`, at: [column * size, row * size, size, size] as Box });
    return tiles.slice(0, MOST_TILES);
  }
}
