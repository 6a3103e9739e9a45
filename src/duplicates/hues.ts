/**
 * How far apart two pictures are in their hues, by what `pixels/hues.ts` counted. Pure.
 *
 * Each hue that one picture shows somewhere has to be in the other, in the blocks around that place and within 15 to 30°.
 * What is lacking is summed up over all blocks, seen from either picture. Blocks have hard edges, so more of a hue than was
 * asked for is no fault there; the sums of the whole picture are compared as well.
 *
 * A small picture has smoothed its lines away: JPEG keeps colour at half its size, so that thin ink is nearly grey. There
 * an eighth of a hue is enough, the neighbouring hues count further, because two that touch have mixed, and more may be
 * lacking the smaller it is.
 */
import { BLOCKS, HUE_BYTES, HUES } from "../pixels/hues.ts";

/** Of the picture, as colourful as can be: what may always be lacking … */
const LEAST_LACK = 0.0004;
/** … and of all colour in the picture, because a palette of 16 drops the rarest. */
const LACK_OF_ALL = 0.005;
/** Pixels of the longer side, up to which a picture is small. */
const SMALL = 200;
const TOLERANCES = {
  large: { reach: 1, times: 1.5 },
  small: { reach: 2, times: 8 },
} as const;
const PLACES = BLOCKS * BLOCKS;
const LENGTH = HUE_BYTES + HUES;

export interface Hues {
  /** The longer side, in pixels. */
  readonly side: number;
  /** Of all hues together. */
  readonly total: number;
  /** Shares of the picture by block and hue, then by hue alone. */
  readonly shares: Float32Array;
  /** In the same order: as how much a hue at that place is found, beside a large or a small picture. */
  readonly found: Readonly<Record<keyof typeof TOLERANCES, Float32Array>>;
}

/** Of `HUE_BYTES`, and the longer side of the picture in pixels. */
export function huesOf(bytes: Uint8Array, side: number): Hues {
  const shares = new Float32Array(LENGTH);
  let total = 0;
  for (let at = 0; at < HUE_BYTES; at++) {
    const share = ((bytes[at] as number) / 255) ** 2 / PLACES;
    const inAll = HUE_BYTES + (at % HUES);
    shares[at] = share;
    shares[inAll] = (shares[inAll] as number) + share;
    total += share;
  }
  const found = { large: foundOf(shares, "large"), small: foundOf(shares, "small") };
  return { side, total, shares, found };
}

/** Up to 1: the same, but for what becomes of a copy. */
export function hueDistance(one: Hues, other: Hues): number {
  const side = Math.min(one.side, other.side);
  const size = side <= SMALL ? "small" : "large";
  const lack = Math.max(lackOf(one.shares, other.found[size]), lackOf(other.shares, one.found[size]));
  const allowed = LEAST_LACK * Math.max(1, SMALL / side) + LACK_OF_ALL * Math.max(one.total, other.total);
  return Math.sqrt(lack / allowed);
}

function lackOf(shares: Float32Array, found: Float32Array): number {
  let [inBlocks, inAll] = [0, 0];
  for (let at = 0; at < LENGTH; at++) {
    const lack = Math.max(0, (shares[at] as number) - (found[at] as number));
    if (at < HUE_BYTES) inBlocks += lack;
    else inAll += lack;
  }
  return Math.max(inBlocks, inAll);
}

function foundOf(shares: Float32Array, size: keyof typeof TOLERANCES): Float32Array {
  const { reach, times } = TOLERANCES[size];
  const found = new Float32Array(LENGTH);
  for (let at = 0; at < LENGTH; at++) {
    const hue = at % HUES;
    for (const place of AROUND[Math.floor(at / HUES)] ?? [])
      for (let by = -reach; by <= reach; by++)
        found[at] =
          (found[at] as number) + times * (shares[place * HUES + ((hue + by + HUES) % HUES)] as number);
  }
  return found;
}

/** The blocks around each, itself among them; the last entry is the whole picture. */
const AROUND: readonly (readonly number[])[] = [
  ...Array.from({ length: PLACES }, (_, place) => {
    const [y, x] = [Math.floor(place / BLOCKS), place % BLOCKS];
    return Array.from({ length: PLACES }, (_, other) => other).filter(
      (other) => Math.abs(Math.floor(other / BLOCKS) - y) <= 1 && Math.abs((other % BLOCKS) - x) <= 1,
    );
  }),
  [PLACES],
];
