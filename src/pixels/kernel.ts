/** The inner loops of the hash, on one stretch of memory; two siblings do exactly the same. */

/** What the bytes of a pixel are: grey, grey and alpha, RGB, RGBA, CMYK (255 is full ink). */
export type PixelKind = 1 | 2 | 3 | 4 | 5;

/** All arguments are addresses in `memory`, or counts; `kernel.as` says what each function does. */
export interface Kernel {
  readonly name: "wasm" | "js";
  /** Makes `memory` at least so large. Whoever holds views of it makes them anew. */
  reserve(sizeBytes: number): void;
  readonly memory: ArrayBuffer;
  grey(
    kind: PixelKind,
    source: number,
    count: number,
    plain: number,
    white: number,
    black: number,
    sums: number,
  ): number;
  same(a: number, b: number, count: number): number;
  horizontal(row: number, taps: number, n: number, out: number): void;
  horizontal3(row: number, step: number, taps: number, n: number, out: number, outStep: number): void;
  vertical(row: number, n: number, sums: number, weights: number, count: number): void;
}
