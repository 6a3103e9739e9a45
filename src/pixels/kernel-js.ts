/**
 * The kernel in JavaScript. It is slower, and its results equal those of `kernel.as` byte for byte. That file explains
 * each function.
 */
import type { Kernel } from "./kernel.ts";

export function openJsKernel(): Kernel {
  let memory = new ArrayBuffer(0);
  let bytes = new Uint8Array(memory);
  let words = new Uint16Array(memory);
  let signed = new Int16Array(memory);
  let longs = new Int32Array(memory);
  let doubles = new Float64Array(memory);
  const horizontal: Kernel["horizontal"] = (row, taps, n, out) => {
    let tap = taps >> 1;
    for (let i = 0; i < n; i++) {
      let at = (row >> 1) + (longs[tap >> 1] as number);
      const blocks = longs[(tap >> 1) + 1] as number;
      tap += 8;
      let high = 0;
      // Each sum may exceed 32 bits on its way. Only their total modulo 2 ** 32 counts.
      let low = 0;
      for (let b = 0; b < blocks; b++) {
        for (let k = 0; k < 8; k++) {
          const light = words[at + k] as number;
          high += light * (signed[tap + k] as number);
          low += light * (signed[tap + 8 + k] as number);
        }
        at += 8;
        tap += 16;
      }
      const value = (high * 256 + low + 2 ** 21) >> 22;
      bytes[out + i] = Math.max(0, Math.min(255, value));
    }
  };
  return {
    name: "js",
    get memory() {
      return memory;
    },
    reserve(sizeBytes) {
      if (sizeBytes <= memory.byteLength) return;
      memory = new ArrayBuffer(Math.ceil(sizeBytes / 16) * 16);
      bytes = new Uint8Array(memory);
      words = new Uint16Array(memory);
      signed = new Int16Array(memory);
      longs = new Int32Array(memory);
      doubles = new Float64Array(memory);
    },

    grey(kind, source, count, plain, white, black, sums) {
      const channels = kind === 5 ? 4 : kind;
      const hasAlpha = kind === 2 || kind === 4;
      let opaque = 1;
      let sumAlpha = 0;
      let sumInk = 0;
      let at = source;
      for (let x = 0; x < count; x++) {
        let light = bytes[at] as number;
        if (kind === 3 || kind === 4) light = luma(light, bytes[at + 1] as number, bytes[at + 2] as number);
        else if (kind === 5) {
          const paper = 255 - (bytes[at + 3] as number);
          light = luma(
            paper - over255(light * paper),
            paper - over255((bytes[at + 1] as number) * paper),
            paper - over255((bytes[at + 2] as number) * paper),
          );
        }
        words[(plain >> 1) + x] = light;
        if (hasAlpha) {
          const alpha = bytes[at + channels - 1] as number;
          const ink = light * alpha;
          words[(black >> 1) + x] = over255(ink);
          words[(white >> 1) + x] = over255(ink + 255 * (255 - alpha));
          if (alpha !== 255) opaque = 0;
          sumAlpha += alpha;
          sumInk += ink;
        }
        at += channels;
      }
      doubles[sums >> 3] = (doubles[sums >> 3] as number) + sumAlpha;
      doubles[(sums >> 3) + 1] = (doubles[(sums >> 3) + 1] as number) + sumInk;
      return opaque;
    },

    same(a, b, count) {
      for (let i = 0; i < count; i++) if (bytes[a + i] !== bytes[b + i]) return 0;
      return 1;
    },

    horizontal,
    horizontal3(row, step, taps, n, out, outStep) {
      for (let i = 0; i < 3; i++) horizontal(row + i * step, taps, n, out + i * outStep);
    },

    vertical(row, n, sums, weights, count) {
      let sum = sums >> 2;
      for (let i = 0; i < count; i++) {
        const weight = longs[(weights >> 2) + i] as number;
        for (let x = 0; x < n; x++, sum++)
          longs[sum] = ((longs[sum] as number) + (bytes[row + x] as number) * weight) | 0;
      }
    },
  };
}

function luma(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

/** x / 255, rounded, for x up to 65025. */
function over255(x: number): number {
  const t = x + 128;
  return (t + (t >> 8)) >> 8;
}
