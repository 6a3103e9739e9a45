/**
 * Measures how far apart two pictures are in their hues, from what `pixels/hues.ts` counted. Pure.
 *
 * Each hue that one picture shows somewhere must be in the other picture too: in the blocks around that place, and
 * within 15 to 30°. What is missing is summed over all blocks, seen from either picture. Blocks have hard edges, so a
 * surplus of a hue in a block is no difference. The sums over the whole pictures are compared as well.
 *
 * A small picture has smoothed its lines away, because JPEG stores colour at half the size, and thin ink becomes
 * nearly grey. So small pictures are compared more loosely. An eighth of a hue is enough. Hues further away count,
 * because two that touch have mixed. And the smaller the picture is, the more may be missing.
 */
import { BLOCKS, HUE_BYTES, HUES } from "../pixels/hues.ts";

/** How much may always be missing, as a share of a picture that is as colourful as possible. */
const LEAST_LACK = 0.0004;
/** How much of all colour in the picture may be missing, because a palette of 16 colours drops the rarest. */
const LACK_OF_ALL = 0.005;
/** A picture is small if its longer side has at most this many pixels. */
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
  /** The sum over all hues. */
  readonly total: number;
  /** Shares of the picture, first by block and hue, then by hue alone. */
  readonly shares: Float32Array;
  /** How much of each hue counts as found there, in the same order, for comparison with a large or a small picture. */
  readonly found: Readonly<Record<keyof typeof TOLERANCES, Float32Array>>;
}

/** Prepares `HUE_BYTES` bytes. `side` is the longer side of the picture in pixels. */
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

/** The distance of two pictures. Up to 1 they are the same, except for changes that copying makes. */
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

/** The blocks around each block, including itself. The last entry is the whole picture. */
const AROUND: readonly (readonly number[])[] = [
  ...Array.from({ length: PLACES }, (_, place) => {
    const [y, x] = [Math.floor(place / BLOCKS), place % BLOCKS];
    return Array.from({ length: PLACES }, (_, other) => other).filter(
      (other) => Math.abs(Math.floor(other / BLOCKS) - y) <= 1 && Math.abs((other % BLOCKS) - x) <= 1,
    );
  }),
  [PLACES],
];
