/**
 * Finds near pairs among very many hashes, in memory. A hash of 64 bits has four bands of 16 bits. Two hashes that
 * differ in at most 7 bits have a band that differs in at most 1 bit. So for each band the hashes go into 65,536 buckets. Each
 * bucket is compared with itself and with the 16 buckets whose number differs in one bit. The hashes of a bucket lie
 * side by side, which is several times faster than looking up each hash. A pair counts in the first band that shows
 * it.
 */
import { setImmediate as otherWork } from "node:timers/promises";
import { BAND_SHIFTS } from "../images/sql.ts";
import { type Buckets, bucketsOf } from "./buckets.ts";
import { STORED_256, STORED_RADIUS } from "./limits.ts";
import { Neighbours, type Pairs } from "./neighbours.ts";

/** The hashes of all classes as columns, in the order of their ids. */
export interface Hashes {
  readonly count: number;
  readonly ids: Float64Array;
  /** The upper and the lower 32 bits. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Eight words for each class. */
  readonly words256: Uint32Array;
  /** 1: the class was not compared yet. Pairs of two classes that were compared are known. */
  readonly isNew: Uint8Array;
}

export interface JoinOptions {
  readonly radius?: number;
  readonly limit256?: number;
  readonly neighbours?: number;
  readonly signal?: AbortSignal | undefined;
  /** Receives how much of the work is done, from 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

const BUCKETS = 65_536;
/** The event loop gets a turn after this many comparisons, which is some tens of milliseconds. */
const TURN = 8_000_000;

/** All pairs within the radius with at least one new class. They hold positions, not ids. */
export async function joinNear(hashes: Hashes, options: JoinOptions = {}): Promise<Pairs> {
  const { radius = STORED_RADIUS, limit256 = STORED_256, signal } = options;
  const found = new Neighbours(hashes.count, options.neighbours);
  const high = new Uint32Array(hashes.count);
  const low = new Uint32Array(hashes.count);
  const isNew = new Uint8Array(hashes.count);
  let members: Uint32Array = new Uint32Array(0);
  let compared = 0;

  for (const [band, shift] of BAND_SHIFTS.entries()) {
    const { starts, order } = arrange(hashes, shift, { high, low, isNew });
    members = order;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const from = starts[bucket] as number;
      const to = starts[bucket + 1] as number;
      if (from === to) continue;
      for (let bit = -1; bit < (radius > 3 ? 16 : 0); bit++) {
        const other = bit < 0 ? bucket : bucket ^ (1 << bit);
        if (other < bucket) continue;
        const end = starts[other + 1] as number;
        for (let one = from; one < to; one++) {
          const begin = other === bucket ? one + 1 : (starts[other] as number);
          compare(one, begin, end, band);
          compared += end - begin;
        }
      }
      if (compared > TURN) {
        compared = 0;
        options.onProgress?.((band + bucket / BUCKETS) / BAND_SHIFTS.length);
        await otherWork();
        signal?.throwIfAborted();
      }
    }
  }
  options.onProgress?.(1);
  return found.finish();

  function compare(one: number, begin: number, end: number, band: number): void {
    const ownHigh = high[one] as number;
    const ownLow = low[one] as number;
    const ownNew = isNew[one] as number;
    for (let at = begin; at < end; at++) {
      const differHigh = ownHigh ^ (high[at] as number);
      const differLow = ownLow ^ (low[at] as number);
      // The half without this band is compared first, because it tells strangers apart.
      let distance = ones(band < 2 ? differLow : differHigh);
      if (distance > radius) continue;
      distance += ones(band < 2 ? differHigh : differLow);
      if (distance > radius || (ownNew | (isNew[at] as number)) === 0) continue;
      if (band > 0 && shownBefore(band, differHigh, differLow)) continue;
      const left = Math.min(members[one] as number, members[at] as number);
      const right = Math.max(members[one] as number, members[at] as number);
      const distance256 = distanceOf256(hashes.words256, left, right);
      if (distance256 <= limit256) found.add(left, right, distance, distance256);
    }
  }

  function shownBefore(band: number, differHigh: number, differLow: number): boolean {
    const allowed = radius > 3 ? 1 : 0;
    return (
      ones(differHigh >>> 16) <= allowed ||
      (band > 1 && ones(differHigh & 0xffff) <= allowed) ||
      (band > 2 && ones(differLow >>> 16) <= allowed)
    );
  }
}

interface Columns {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly isNew: Uint8Array;
}

/** Copies the hashes into `into` in the order of the buckets of one band. */
function arrange(hashes: Hashes, shift: number, into: Columns): Buckets {
  const half = shift >= 32 ? hashes.high : hashes.low;
  const down = shift & 31;
  const buckets = bucketsOf(
    Uint16Array.from(half, (word) => (word >>> down) & 0xffff),
    BUCKETS,
  );
  for (let at = 0; at < hashes.count; at++) {
    const one = buckets.order[at] as number;
    into.high[at] = hashes.high[one] as number;
    into.low[at] = hashes.low[one] as number;
    into.isNew[at] = hashes.isNew[one] as number;
  }
  return buckets;
}

function distanceOf256(words: Uint32Array, left: number, right: number): number {
  let distance = 0;
  for (let word = 0; word < 8; word++)
    distance += ones((words[left * 8 + word] as number) ^ (words[right * 8 + word] as number));
  return distance;
}

function ones(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
