/** A counting sort. Items with the same number lie side by side, in the order of input. */
export interface Buckets {
  /** Where each bucket begins in `order`, and one more entry for the end. */
  readonly starts: Uint32Array;
  /** Positions, bucket by bucket. */
  readonly order: Uint32Array;
}

export function bucketsOf(numbers: Uint16Array | Uint32Array, buckets: number): Buckets {
  const starts = new Uint32Array(buckets + 1);
  for (const number of numbers) starts[number + 1] = (starts[number + 1] as number) + 1;
  for (let bucket = 0; bucket < buckets; bucket++)
    starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number);
  const next = starts.slice();
  const order = new Uint32Array(numbers.length);
  for (let one = 0; one < numbers.length; one++) {
    const number = numbers[one] as number;
    const at = next[number] as number;
    order[at] = one;
    next[number] = at + 1;
  }
  return { starts, order };
}
