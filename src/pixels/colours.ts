/**
 * The colours of a picture, coarse: a grid of 8 x 8 cells from the top left, upright. The hashes see shades of grey alone,
 * and these tell a red piece from a blue one.
 *
 * Of each cell: the mean of red, green and blue, each weighted by alpha, and the mean of alpha. So a cell can be put on
 * any ground later: `colour + (255 - alpha) * ground / 255`. 256 samples each way are enough for a mean; each is taken at a
 * scattered place, because a regular step would see one half of a chequered picture only.
 */
import type { PixelKind } from "./kernel.ts";

export const GRID = 8;
/** Red, green, blue, alpha. */
export const CELL_BYTES = 4;

const SAMPLES = 256;
const CHANNELS: Readonly<Record<PixelKind, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 4 };

export interface ColourGrid {
  /** So many whole rows, from the top. */
  add(rows: Uint8Array): void;
  /** `GRID * GRID * CELL_BYTES` bytes, turned as EXIF says. */
  finish(orientation: number): Uint8Array;
}

export function startColours({
  width,
  height,
  kind,
}: {
  readonly width: number;
  readonly height: number;
  readonly kind: PixelKind;
}): ColourGrid {
  const channels = CHANNELS[kind];
  const sums = new Float64Array(GRID * GRID * CELL_BYTES);
  const offsets = Float64Array.from({ length: SAMPLES }, (_, i) => scatter(i));
  const lines = Int32Array.from({ length: SAMPLES }, (_, i) =>
    Math.min(height - 1, Math.floor(((i + scatter(i + SAMPLES)) * height) / SAMPLES)),
  );
  let top = 0;
  let next = 0;

  return {
    add(rows) {
      const bottom = top + rows.length / (width * channels);
      for (; next < SAMPLES && (lines[next] as number) < bottom; next++) {
        const from = ((lines[next] as number) - top) * width * channels;
        addRow(rows, from, Math.floor((next * GRID) / SAMPLES));
      }
      top = bottom;
    },
    finish(orientation) {
      const each = (SAMPLES / GRID) ** 2;
      const grid = Uint8Array.from(sums, (sum) => Math.min(255, Math.round(sum / each)));
      return turned(grid, orientation);
    },
  };

  function addRow(rows: Uint8Array, from: number, line: number): void {
    // No two rows take the same columns.
    const shift = scatter(next + 2 * SAMPLES);
    for (let i = 0; i < SAMPLES; i++) {
      const offset = ((offsets[i] as number) + shift) % 1;
      const x = Math.min(width - 1, Math.floor(((i + offset) * width) / SAMPLES));
      addPixel(rows, from + x * channels, (line * GRID + Math.floor((i * GRID) / SAMPLES)) * CELL_BYTES);
    }
  }

  function addPixel(rows: Uint8Array, at: number, cell: number): void {
    const grey = kind <= 2;
    const alpha = kind === 2 || kind === 4 ? (rows[at + channels - 1] as number) / 255 : 1;
    for (let c = 0; c < 3; c++) {
      const value =
        kind === 5
          ? ((255 - (rows[at + 3] as number)) * (255 - (rows[at + c] as number))) / 255
          : (rows[at + (grey ? 0 : c)] as number);
      sums[cell + c] = (sums[cell + c] as number) + value * alpha;
    }
    sums[cell + 3] = (sums[cell + 3] as number) + 255 * alpha;
  }
}

/** 0 to 1, the same for the same number. */
function scatter(number: number): number {
  let mixed = Math.imul(number + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

/** An orientation of EXIF, undone. */
function turned(grid: Uint8Array, orientation: number): Uint8Array {
  if (orientation <= 1 || orientation > 8) return grid;
  const last = GRID - 1;
  return Uint8Array.from({ length: grid.length }, (_, i) => {
    const cell = Math.floor(i / CELL_BYTES);
    let [y, x] = [Math.floor(cell / GRID), cell % GRID];
    // 5 to 8 lie on their side.
    if (orientation >= 5) [x, y] = [y, x];
    if ([2, 3, 7, 8].includes(orientation)) x = last - x;
    if ([3, 4, 6, 7].includes(orientation)) y = last - y;
    return grid[(y * GRID + x) * CELL_BYTES + (i % CELL_BYTES)] as number;
  });
}
