/** Pictures made from formulas, the same everywhere: the reference vectors, as raw pixels. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Vector {
  readonly name: string;
  readonly mode: "L" | "LA" | "RGB" | "RGBA" | "CMYK";
  readonly w: number;
  readonly h: number;
  readonly raw_sha256: string;
  readonly lanczos8_sha256: string;
  readonly lanczos16_sha256: string;
  readonly phash4: string;
  readonly phash8: string;
  readonly phash12: string;
  readonly phash16: string;
  readonly phash32: string;
}

/** What Python's imagehash says about them. */
export const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "fixtures", "phash.json"), "utf8"),
).vectors;

export const CHANNELS = { L: 1, LA: 2, RGB: 3, RGBA: 4, CMYK: 4 } as const;

type Formula = (x: number, y: number) => readonly number[];

const inked = (x: number, y: number) =>
  (Math.trunc(x / 40) + Math.trunc(y / 60)) % 3 === 0 || (x - 320) ** 2 + (y - 240) ** 2 < 9000;

const FORMULAS: readonly [name: RegExp, formula: Formula][] = [
  [/^wave/, (x, y) => [7 * x + 3 * y, (x * y) / 17, Math.trunc(x / 5) ^ Math.trunc(y / 3)]],
  [/^gradH/, (x) => [(x * 255) / 639]],
  [/^gradDiag/, (x, y) => [((2 * x + 3 * y) * 255) / 2715]],
  [/^solid0/, () => [0]],
  [/^solid255/, () => [255]],
  [/^solid128/, () => [128]],
  [/^checker16/, (x, y) => [((x >> 4) + (y >> 4)) & 1 ? 255 : 0]],
  [/^disc_centered/, (x, y) => [(2 * x - 639) ** 2 + (2 * y - 479) ** 2 < 90_000 ? 0 : 255]],
  [/^disc_offcentre/, (x, y) => ((x - 200) ** 2 + (y - 300) ** 2 < 22_500 ? [30, 60, 200] : [250, 240, 230])],
  [/^ink_black_hidden0/, (x, y) => (inked(x, y) ? [0, 0, 0, 255] : [0, 0, 0, 0])],
  [/^ink_black_hidden255/, (x, y) => (inked(x, y) ? [0, 0, 0, 255] : [255, 255, 255, 0])],
  [/^ink_white_hidden0/, (x, y) => (inked(x, y) ? [255, 255, 255, 255] : [0, 0, 0, 0])],
  [/^soft_alpha/, (x, y) => [x, y, 128, x + y]],
  [/^LA/, (x, y) => [x ^ y, x * y]],
  [/^cmyk/, (x, y) => [x, y, x + y, (x * y) >> 6]],
];

/** The pixels of a vector: row by row, channels interleaved. */
export function pixelsOf({ name, mode, w, h }: Vector): Buffer {
  if (name.startsWith("lcg_blur")) return blocks(w, h);
  if (name.startsWith("lcg")) return Buffer.from(randomBytes(w * h * 3, 1));
  const formula = FORMULAS.find(([pattern]) => pattern.test(name))?.[1];
  if (!formula) throw new Error(`No formula for ${name}.`);
  return paint({ width: w, height: h, channels: CHANNELS[mode] }, formula);
}

export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Numbers are cut to whole ones and to their low 8 bits. */
export function paint({ width, height, channels }: Canvas, formula: Formula): Buffer {
  const pixels = Buffer.alloc(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (const value of formula(x, y)) pixels[at++] = Math.trunc(value) & 255;
  return pixels;
}

/** A linear congruential generator: the high byte of each state. */
export function randomBytes(count: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

function blocks(width: number, height: number): Buffer {
  const bytes = randomBytes(64, 7);
  return paint({ width, height, channels: 1 }, (x, y) => [bytes[(y >> 6) * 8 + (x >> 6)] as number]);
}
