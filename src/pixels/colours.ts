/**
 * The colours of a picture, at low resolution. The hashes see only shades of grey; the colours tell a red item from a
 * blue one.
 *
 * First come 8 x 8 cells from the top left, upright. A cell holds the mean of red, green and blue, each weighted by
 * alpha, and the mean of alpha. A cell can later be put on any ground: `colour + (255 - alpha) * ground / 255`. 256
 * samples each way are enough for a mean. Each sample is taken at a scattered place: a regular step would see only one
 * half of a chequered picture.
 *
 * Then come the hues (`hues.ts`), because a thin line hardly changes the mean of its cell.
 */
import { BLOCKS, startHues } from "./hues.ts";
import type { PixelKind } from "./kernel.ts";
import { turnedPlace } from "./turn.ts";

export const GRID = 8;
/** Red, green, blue, alpha. */
export const CELL_BYTES = 4;

const SAMPLES = 256;
const IN_CELL = SAMPLES / GRID;
const CHANNELS: Readonly<Record<PixelKind, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 4 };

export interface ColourGrid {
  /** Adds whole rows, starting at the top. */
  add(rows: Uint8Array): void;
  /** Returns `GRID * GRID * CELL_BYTES` bytes of cells and `HUE_BYTES` of hues, rotated as EXIF says. */
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
  const alphaAt = kind === 2 || kind === 4 ? channels - 1 : -1;
  const sums = new Float64Array(GRID * GRID * CELL_BYTES);
  const hues = startHues(SAMPLES);
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
      const each = IN_CELL ** 2;
      const grid = Uint8Array.from(sums, (sum) => Math.min(255, Math.round(sum / each)));
      return Buffer.concat([turned(grid, orientation), hues.finish(orientation)]);
    },
  };

  function addRow(rows: Uint8Array, from: number, line: number): void {
    // No two rows take the same columns.
    const shift = scatter(next + 2 * SAMPLES);
    const step = width / SAMPLES;
    for (let column = 0; column < GRID; column++) {
      let [red, green, blue, opacity] = [0, 0, 0, 0];
      const block = Math.floor((line * BLOCKS) / GRID) * BLOCKS + Math.floor((column * BLOCKS) / GRID);
      for (let i = column * IN_CELL; i < (column + 1) * IN_CELL; i++) {
        let offset = (offsets[i] as number) + shift;
        if (offset >= 1) offset--;
        const at = from + Math.min(width - 1, Math.floor((i + offset) * step)) * channels;
        const first = rows[at] as number;
        const alpha = alphaAt === -1 ? 255 : (rows[at + alphaAt] as number);
        opacity += alpha;
        if (kind <= 2) {
          red += first * alpha;
          green += first * alpha;
          blue += first * alpha;
        } else {
          // The last channel of CMYK darkens the others.
          const light = kind === 5 ? 255 - (rows[at + 3] as number) : alpha;
          const flip = kind === 5 ? 255 : 0;
          const ownRed = Math.abs(flip - first) * light;
          const ownGreen = Math.abs(flip - (rows[at + 1] as number)) * light;
          const ownBlue = Math.abs(flip - (rows[at + 2] as number)) * light;
          red += ownRed;
          green += ownGreen;
          blue += ownBlue;
          hues.add(block, ownRed / 255, ownGreen / 255, ownBlue / 255);
        }
      }
      const cell = (line * GRID + column) * CELL_BYTES;
      sums[cell] = (sums[cell] as number) + red / 255;
      sums[cell + 1] = (sums[cell + 1] as number) + green / 255;
      sums[cell + 2] = (sums[cell + 2] as number) + blue / 255;
      sums[cell + 3] = (sums[cell + 3] as number) + opacity;
    }
  }
}

/** A number from 0 to 1, always the same for the same input. */
function scatter(number: number): number {
  let mixed = Math.imul(number + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32;
}

function turned(grid: Uint8Array, orientation: number): Uint8Array {
  return Uint8Array.from({ length: grid.length }, (_, i) => {
    const from = turnedPlace(Math.floor(i / CELL_BYTES), { side: GRID, orientation });
    return grid[from * CELL_BYTES + (i % CELL_BYTES)] as number;
  });
}
