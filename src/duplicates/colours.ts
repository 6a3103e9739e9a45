/**
 * Measures how far apart two pictures are in colour, from what `pixels/colours.ts` saw of them. Pure. It takes the
 * larger of two distances: that of the cells, and that of the hues (`hues.ts`). Hues notice a thin line and a small
 * part, which hardly tint a cell.
 *
 * Cells are compared as people see them: in Lab, on a ground. In a copy that was cut or moved a little, the edge of
 * the ink lies in the next cell. So a cell counts as near if it lies within the range of the nine cells around its
 * place. The furthest cell decides, seen from either picture. One part in another colour makes another design.
 *
 * Thin ink hardly tints its cell. If all that stands out from the ground has one direction (one ink), its sums are
 * compared as well. The distance is the part of the larger sum by which they differ, times `INK`.
 *
 * Opaque pictures have their own ground. Two transparent pictures must be near on white and on black. If only one of
 * the two is opaque, it may have been saved on a ground. Then it is enough to be near on white or on black.
 */
import { CELL_BYTES, GRID } from "../pixels/colours.ts";
import { HUE_BYTES } from "../pixels/hues.ts";
import { type Hues, hueDistance, huesOf } from "./hues.ts";

/** The largest distance that counts as the same. docs/internals/duplicates.md has the measurement. */
export const SAME_COLOURS = 16;

const GROUNDS = [255, 0] as const;
const CELLS = GRID * GRID;

/**
 * A picture, prepared for comparison: Lab values on white and on black, and the range of the cells around each cell.
 */
export interface Colours {
  readonly opaque: boolean;
  readonly on: readonly Ground[];
  readonly hues: Hues;
}

interface Ground {
  /** L, a, b of each cell. */
  readonly lab: Float32Array;
  readonly least: Float32Array;
  readonly most: Float32Array;
  /** The sum of what stands out from the ground. `null`: it has no single direction, or is next to nothing. */
  readonly ink: readonly [number, number, number] | null;
}

/** With this factor, sums that differ by 40 % are as far apart as cells at `SAME_COLOURS`. */
const INK = 40;
/** The part of what stands out that must point in one direction. */
const ONE_DIRECTION = 0.75;
/** The smallest mean of what stands out. The noise of lossy formats is below it. */
const LEAST_INK = 0.4;

/** Prepares a grid. `side` is the longer side of the picture in pixels. `null`: another release made the grid. */
export function coloursOf(grid: Uint8Array, side: number): Colours | null {
  if (grid.length !== CELLS * CELL_BYTES + HUE_BYTES) return null;
  let opaque = true;
  for (let cell = 0; cell < CELLS; cell++) opaque &&= grid[cell * CELL_BYTES + 3] === 255;
  const first = groundOf(grid, GROUNDS[0]);
  const hues = huesOf(grid.subarray(CELLS * CELL_BYTES), side);
  return { opaque, on: opaque ? [first, first] : [first, groundOf(grid, GROUNDS[1])], hues };
}

/**
 * The distance of two pictures. 0 means the same colours. About 2 is visible side by side, and red and blue are 176
 * apart.
 */
export function colourDistance(one: Colours, other: Colours): number {
  const distances = GROUNDS.map((_, at) => {
    const [ours, theirs] = [one.on[at] as Ground, other.on[at] as Ground];
    return Math.max(furthest(ours, theirs), furthest(theirs, ours), inkDistance(ours, theirs));
  });
  const cells = one.opaque === other.opaque ? Math.max(...distances) : Math.min(...distances);
  return Math.max(cells, SAME_COLOURS * hueDistance(one.hues, other.hues));
}

/** The largest distance of a cell of `ours` from the range of `theirs` around its place. */
function furthest(ours: Ground, theirs: Ground): number {
  let most = 0;
  for (let at = 0; at < CELLS * 3; at += 3) {
    let sum = 0;
    for (let channel = at; channel < at + 3; channel++) {
      const value = ours.lab[channel] as number;
      const low = (theirs.least[channel] as number) - value;
      const high = value - (theirs.most[channel] as number);
      const beyond = Math.max(low, high, 0);
      sum += beyond * beyond;
    }
    if (sum > most) most = sum;
  }
  return Math.sqrt(most);
}

function inkDistance({ ink: ours }: Ground, { ink: theirs }: Ground): number {
  if (ours === null || theirs === null) return 0;
  const apart = Math.hypot(ours[0] - theirs[0], ours[1] - theirs[1], ours[2] - theirs[2]);
  return (INK * apart) / Math.max(Math.hypot(...ours), Math.hypot(...theirs));
}

/** The ink of a picture. Its ground is the colour of most of the border. */
function inkOf(lab: Float32Array): Ground["ink"] {
  const border = Array.from({ length: CELLS }, (_, cell) => cell).filter((cell) => {
    const [y, x] = [Math.floor(cell / GRID), cell % GRID];
    return y === 0 || x === 0 || y === GRID - 1 || x === GRID - 1;
  });
  const ground = [0, 1, 2].map(
    (channel) =>
      border.map((cell) => lab[cell * 3 + channel] as number).sort((a, b) => a - b)[border.length >> 1],
  ) as [number, number, number];
  const sum: [number, number, number] = [0, 0, 0];
  let length = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const out = ground.map((value, channel) => (lab[cell * 3 + channel] as number) - value);
    length += Math.hypot(...out);
    for (const channel of [0, 1, 2] as const) sum[channel] += out[channel] as number;
  }
  const total = Math.hypot(...sum);
  return total < LEAST_INK * CELLS || total < ONE_DIRECTION * length ? null : sum;
}

function groundOf(grid: Uint8Array, ground: number): Ground {
  const lab = new Float32Array(CELLS * 3);
  for (let cell = 0; cell < CELLS; cell++) {
    const at = cell * CELL_BYTES;
    const rest = ((255 - (grid[at + 3] as number)) * ground) / 255;
    const [red = 0, green = 0, blue = 0] = [0, 1, 2].map((channel) => (grid[at + channel] as number) + rest);
    lab.set(labOf(red, green, blue), cell * 3);
  }
  const [least, most] = [lab.slice(), lab.slice()];
  for (let y = 0; y < GRID; y++)
    for (let x = 0; x < GRID; x++)
      for (let other = 0; other < 9; other++) {
        const [ny, nx] = [y + Math.floor(other / 3) - 1, x + (other % 3) - 1];
        if (ny < 0 || nx < 0 || ny >= GRID || nx >= GRID) continue;
        for (let channel = 0; channel < 3; channel++) {
          const own = (y * GRID + x) * 3 + channel;
          const value = lab[(ny * GRID + nx) * 3 + channel] as number;
          if (value < (least[own] as number)) least[own] = value;
          if (value > (most[own] as number)) most[own] = value;
        }
      }
  return { lab, least, most, ink: inkOf(lab) };
}

/** CIE Lab of sRGB, D65. */
function labOf(red: number, green: number, blue: number): readonly [number, number, number] {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  const x = curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = curve(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = curve((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function linear(value: number): number {
  const part = Math.min(255, value) / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function curve(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116;
}

/**
 * Whether two images differ so much in colour that they are never the same. Unknown colours do not count as
 * different.
 */
export function isFar(colours: number | null): boolean {
  return colours !== null && colours > SAME_COLOURS;
}
