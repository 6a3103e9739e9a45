/** The inner loops of the hash, over one block of memory. Two implementations do exactly the same. */

/** The bytes of a pixel: grey, grey and alpha, RGB, RGBA, CMYK (255 is full ink). */
export type PixelKind = 1 | 2 | 3 | 4 | 5;

/** All arguments are addresses in `memory`, or counts. `kernel.as` explains each function. */
export interface Kernel {
  readonly name: "wasm" | "js";
  /** Makes `memory` at least this large. Existing views of it become invalid, so make new ones. */
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
