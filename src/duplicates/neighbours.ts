/**
 * Collects pairs of near classes in little memory. For each class it keeps the `MAX_NEIGHBOURS` nearest older ones,
 * by distance in 256 bits, distance in 64 bits, and age. This rule depends on the classes alone. So the same pairs
 * remain in whatever order and in however many parts the classes are compared.
 */
import { bucketsOf } from "./buckets.ts";
import { MAX_NEIGHBOURS } from "./limits.ts";

export interface Pairs {
  readonly count: number;
  /** Positions of the classes. The older one is in `left`. */
  readonly left: Uint32Array;
  readonly right: Uint32Array;
  readonly distance: Uint8Array;
  readonly distance256: Uint8Array;
}

const FIRST_CAPACITY = 1 << 16;
/** How many pairs are held (10 bytes each) before unneeded ones are dropped. */
const COMPACT_AT = 1 << 21;

export class Neighbours {
  #pairs = allocate(FIRST_CAPACITY);
  #count = 0;
  #compactAt = COMPACT_AT;
  readonly #classes: number;
  readonly #limit: number;

  constructor(classes: number, limit: number = MAX_NEIGHBOURS) {
    this.#classes = classes;
    this.#limit = limit;
  }

  add(left: number, right: number, distance: number, distance256: number): void {
    if (this.#count === this.#pairs.left.length) this.#makeRoom();
    const pairs = this.#pairs;
    const at = this.#count++;
    pairs.left[at] = left;
    pairs.right[at] = right;
    pairs.distance[at] = distance;
    pairs.distance256[at] = distance256;
  }

  /** The remaining pairs, in the order of the right class. */
  finish(): Pairs {
    this.#compact();
    return { ...this.#pairs, count: this.#count };
  }

  #makeRoom(): void {
    if (this.#count >= this.#compactAt) {
      this.#compact();
      // If nearly all pairs stay, the next attempt comes much later.
      this.#compactAt = Math.max(COMPACT_AT, this.#count * 2);
      if (this.#count < this.#pairs.left.length) return;
    }
    const larger = allocate(this.#pairs.left.length * 2);
    copy(this.#pairs, larger);
    this.#pairs = larger;
  }

  #compact(): void {
    const { left, right, distance, distance256 } = this.#pairs;
    const { starts, order } = bucketsOf(right.subarray(0, this.#count), this.#classes);
    const nearest = (one: number, other: number) =>
      (distance256[one] as number) - (distance256[other] as number) ||
      (distance[one] as number) - (distance[other] as number) ||
      (left[one] as number) - (left[other] as number);
    const kept = allocate(this.#pairs.left.length);
    let count = 0;
    for (let one = 0; one < this.#classes; one++) {
      const own = order.subarray(starts[one], starts[one + 1]);
      if (own.length > this.#limit) own.sort(nearest);
      for (const at of own.subarray(0, this.#limit)) {
        kept.left[count] = left[at] as number;
        kept.right[count] = one;
        kept.distance[count] = distance[at] as number;
        kept.distance256[count++] = distance256[at] as number;
      }
    }
    this.#pairs = kept;
    this.#count = count;
  }
}

type Columns = Omit<Pairs, "count">;

function allocate(capacity: number): Columns {
  return {
    left: new Uint32Array(capacity),
    right: new Uint32Array(capacity),
    distance: new Uint8Array(capacity),
    distance256: new Uint8Array(capacity),
  };
}

function copy(from: Columns, to: Columns): void {
  to.left.set(from.left);
  to.right.set(from.right);
  to.distance.set(from.distance);
  to.distance256.set(from.distance256);
}
