/** The hash is Python's, bit for bit, and WebAssembly and JavaScript do the same. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderKernel } from "../scripts/kernel.mjs";
import type { Kernel, PixelKind } from "../src/pixels/kernel.ts";
import { openJsKernel } from "../src/pixels/kernel-js.ts";
import { openWasmKernel } from "../src/pixels/kernel-wasm.ts";
import { phash } from "../src/pixels/phash.ts";
import { type Greys, type Shape, startReduction } from "../src/pixels/reduce.ts";
import { pixelsOf, VECTORS } from "./support/pictures.ts";

const KINDS = { L: 1, LA: 2, RGB: 3, RGBA: 4, CMYK: 5 } as const;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function wasm(): Kernel {
  const kernel = openWasmKernel();
  if (!kernel) throw new Error("There is no WebAssembly here.");
  return kernel;
}

function reduce(kernel: Kernel, shape: Shape, pixels: Uint8Array, cuts: readonly number[] = []): Greys {
  const reduction = startReduction(kernel, shape);
  const rowBytes = pixels.length / shape.height;
  let row = 0;
  for (const next of [...cuts, shape.height]) {
    reduction.add(pixels.subarray(row * rowBytes, next * rowBytes));
    row = next;
  }
  return reduction.finish();
}

test("the committed code of the kernel is what its source compiles to: node scripts/kernel.mjs", async () => {
  const { readFileSync } = await import("node:fs");
  const path = new URL("../src/pixels/kernel-code.ts", import.meta.url);
  expect(readFileSync(path, "utf8")).toBe(await renderKernel());
});

describe.each([
  ["WebAssembly", wasm()],
  ["JavaScript", openJsKernel()],
] as const)("in %s", (_, kernel) => {
  test.each(VECTORS.map((vector) => [vector.name, vector] as const))(
    "%s hashes as in Python",
    (_, vector) => {
      const pixels = pixelsOf(vector);
      expect(sha256(pixels)).toBe(vector.raw_sha256);
      const shape = { width: vector.w, height: vector.h, kind: KINDS[vector.mode] };
      const { plain } = reduce(kernel, { ...shape, sizes: [16, 32, 48, 64, 128] }, pixels);
      const square = (n: number) => plain.get(n) as Uint8Array;
      expect({ 8: sha256(square(32)), 16: sha256(square(64)) }).toEqual({
        8: vector.lanczos8_sha256,
        16: vector.lanczos16_sha256,
      });
      expect({
        4: phash(square(16), 4),
        8: phash(square(32), 8),
        12: phash(square(48), 12),
        16: phash(square(64), 16),
        32: phash(square(128), 32),
      }).toEqual({
        4: vector.phash4,
        8: vector.phash8,
        12: vector.phash12,
        16: vector.phash16,
        32: vector.phash32,
      });
    },
  );
});

test("both kernels give the same bytes for any picture, however its rows arrive", () => {
  const [one, other] = [wasm(), openJsKernel()];
  const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 400 }));
  const picture = fc
    .record({
      kind: fc.constantFrom<PixelKind>(1, 2, 3, 4, 5),
      width: side,
      height: side,
      sizes: fc.uniqueArray(fc.constantFrom(8, 32, 36, 64, 128), { minLength: 1 }),
      seed: fc.nat(),
      /** Rows that repeat and rows that are opaque are handled apart. */
      repeats: fc.integer({ min: 1, max: 4 }),
      opaqueEvery: fc.integer({ min: 1, max: 3 }),
      extreme: fc.boolean(),
    })
    .chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        cuts: fc.array(fc.integer({ min: 0, max: shape.height }), { maxLength: 4 }),
      }),
    );
  fc.assert(
    fc.property(picture, ({ shape, cuts }) => {
      const pixels = scribble(shape);
      const whole = reduce(one, shape, pixels);
      expect(reduce(other, shape, pixels)).toEqual(whole);
      expect(
        reduce(
          one,
          shape,
          pixels,
          cuts.toSorted((a, b) => a - b),
        ),
      ).toEqual(whole);
    }),
    { numRuns: 60 },
  );
}, 120_000);

test("a very wide and a very high picture do not pass what the sums hold", () => {
  for (const [width, height] of [
    [300_000, 2],
    [2, 300_000],
  ] as const)
    for (const value of [255, 0]) {
      const pixels = new Uint8Array(width * height * 4).fill(value);
      const shape = { width, height, kind: 4 as const, sizes: [32] };
      const greys = reduce(wasm(), shape, pixels);
      expect(greys).toEqual(reduce(openJsKernel(), shape, pixels));
      expect(new Set(greys.plain.get(32))).toEqual(new Set([value]));
    }
});

test("rows that are missing, too many or cut are refused", () => {
  const start = () => startReduction(wasm(), { width: 4, height: 3, kind: 3, sizes: [32] });
  const row = new Uint8Array(12);
  const reduction = start();
  reduction.add(row);
  expect(() => reduction.finish()).toThrow("1 of 3 rows");
  expect(() => start().add(new Uint8Array(13))).toThrow(RangeError);
  expect(() => start().add(new Uint8Array(48))).toThrow(RangeError);
});

interface Scribble extends Shape {
  readonly seed: number;
  readonly repeats: number;
  readonly opaqueEvery: number;
  readonly extreme: boolean;
}

function scribble({ width, height, kind, seed, repeats, opaqueEvery, extreme }: Scribble): Uint8Array {
  const channels = kind === 5 ? 4 : kind;
  const pixels = new Uint8Array(width * height * channels);
  let state = seed >>> 0;
  for (let y = 0; y < height; y++) {
    const start = y * width * channels;
    if (y % repeats !== 0) {
      pixels.copyWithin(start, start - width * channels, start);
      continue;
    }
    const opaque = Math.floor(y / repeats) % opaqueEvery === 0;
    for (let i = 0; i < width * channels; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const isAlpha = (kind === 2 || kind === 4) && i % channels === channels - 1;
      pixels[start + i] = opaque && isAlpha ? 255 : extreme ? (state >>> 31) * 255 : state >>> 24;
    }
  }
  return pixels;
}
