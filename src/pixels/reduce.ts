/**
 * Reduces rows of pixels to small grey squares: to grey, then across, then down, each rounded to bytes. Rows arrive
 * once, from the top, in pieces of any number of rows. Only one sum per pixel of the squares is kept, so memory does not
 * grow with the height.
 *
 * With alpha there are three greys: with alpha ignored, on white ground and on black ground. The last row decides which
 * ground is wanted, and a second pass over an image costs more than a third grey. Two kinds of rows are cheap, and
 * common in designs. A row without transparency is reduced once for all three. A row that equals the one above is not
 * reduced at all.
 */
import type { Kernel, PixelKind } from "./kernel.ts";
import { type Window, windows } from "./lanczos.ts";

export interface Shape {
  readonly width: number;
  readonly height: number;
  readonly kind: PixelKind;
  /** The sides of the squares to make; multiples of 4. */
  readonly sizes: readonly number[];
}

/** Squares of grey bytes, by their side. */
export type Squares = ReadonlyMap<number, Uint8Array>;

export interface Greys {
  /** Alpha dropped. */
  readonly plain: Squares;
  /** Flattened. `null` if nothing is transparent, because all three are then the same. */
  readonly flattened: { readonly white: Squares; readonly black: Squares } | null;
  /** The mean of the grey, weighted by alpha, 0 to 255. It is 0 if nothing is visible. */
  readonly ink: number;
}

export interface Reduction {
  /** Adds whole rows. */
  add(rows: Uint8Array): void;
  /** Throws unless all rows were added. */
  finish(): Greys;
}

const CHANNELS: Readonly<Record<PixelKind, number>> = { 1: 1, 2: 2, 3: 3, 4: 4, 5: 4 };
const STRIP_BYTES = 262_144;
/** The kernel's sums have 32 bits. */
const PIXELS_AT_ONCE = 65_536;
const HALF = 2 ** 21;
/** Loads may read beyond the end of a row. */
const SLACK_BYTES = 64;

export function startReduction(kernel: Kernel, shape: Shape): Reduction {
  const { width, height, kind, sizes } = shape;
  const rowBytes = width * CHANNELS[kind];
  const stripRows = Math.max(1, Math.min(height, Math.floor(STRIP_BYTES / rowBytes)));
  const variants = kind === 2 || kind === 4 ? 3 : 1;

  let end = 0;
  const place = (sizeBytes: number) => {
    const at = end;
    end = Math.ceil((at + sizeBytes + SLACK_BYTES) / 16) * 16;
    return at;
  };
  /** The row above, followed by the strip. */
  const above = place(rowBytes * (stripRows + 1));
  const greyBytes = Math.ceil((width * 2 + SLACK_BYTES) / 16) * 16;
  const grey = place(greyBytes * variants);
  const rowSums = place(16);
  const squares = sizes.map((n) => {
    const { across } = lineOf(width, n);
    const { down } = lineOf(height, n);
    return {
      n,
      across,
      down,
      taps: place(across.reduce((sum, { weights }) => sum + 16 + 32 * blocksOf(weights.length), 0)),
      weights: place(down.weights.length * 4),
      row: place(n * variants),
      sums: Array.from({ length: variants }, () => place(n * n * 4)),
    };
  });
  kernel.reserve(end);
  const bytes = new Uint8Array(kernel.memory, 0, end);
  const longs = new Int32Array(kernel.memory, 0, end / 4);
  const doubles = new Float64Array(kernel.memory, 0, end / 8);
  for (const { n, across, down, taps, weights, sums } of squares) {
    putTaps(new Int16Array(kernel.memory), taps, across);
    longs.set(down.weights, weights / 4);
    for (const at of sums) longs.fill(HALF, at / 4, at / 4 + n * n);
  }

  let y = 0;
  let rowOpaque = true;
  let opaque = true;
  let alpha = 0;
  let ink = 0;

  const reduceRow = (source: number) => {
    doubles.fill(0, rowSums / 8, rowSums / 8 + 2);
    rowOpaque = true;
    for (let x = 0; x < width; x += PIXELS_AT_ONCE) {
      const plain = grey + x * 2;
      const white = plain + greyBytes;
      const black = white + greyBytes;
      const count = Math.min(PIXELS_AT_ONCE, width - x);
      const whole = kernel.grey(kind, source + x * CHANNELS[kind], count, plain, white, black, rowSums);
      rowOpaque = rowOpaque && whole === 1;
    }
    for (const { n, taps, row } of squares)
      if (rowOpaque) kernel.horizontal(grey, taps, n, row);
      else kernel.horizontal3(grey, greyBytes, taps, n, row, n);
  };

  const addRow = (source: number) => {
    if (y === 0 || kernel.same(source - rowBytes, source, rowBytes) === 0) reduceRow(source);
    opaque = opaque && rowOpaque;
    alpha += doubles[rowSums / 8] as number;
    ink += doubles[rowSums / 8 + 1] as number;
    for (const { n, down, weights, row, sums } of squares) {
      const first = down.first[y] as number;
      const offset = down.offset[y] as number;
      const count = (down.offset[y + 1] as number) - offset;
      for (let v = 0; v < variants; v++)
        kernel.vertical(
          rowOpaque ? row : row + v * n,
          n,
          (sums[v] as number) + first * n * 4,
          weights + offset * 4,
          count,
        );
    }
    y++;
  };

  return {
    add(rows) {
      if (rows.length % rowBytes !== 0 || y + rows.length / rowBytes > height)
        throw new RangeError(`${rows.length} bytes are not rows of ${rowBytes} bytes.`);
      for (let at = 0; at < rows.length; at += stripRows * rowBytes) {
        const piece = rows.subarray(at, at + stripRows * rowBytes);
        bytes.set(piece, above + rowBytes);
        for (let done = 0; done < piece.length; done += rowBytes) addRow(above + rowBytes + done);
        bytes.copyWithin(above, above + piece.length, above + piece.length + rowBytes);
      }
    },
    finish() {
      if (y !== height) throw new RangeError(`${y} of ${height} rows.`);
      const variant = (v: number): Squares =>
        new Map(
          squares.map(({ n, sums }) => [n, squareAt(longs.subarray((sums[v] as number) / 4), n)] as const),
        );
      return {
        plain: variant(0),
        flattened: opaque ? null : { white: variant(1), black: variant(2) },
        ink: alpha === 0 ? 0 : ink / alpha,
      };
    },
  };
}

interface Line {
  readonly across: readonly Window[];
  readonly down: ReturnType<typeof columnsOf>;
}

/**
 * The sides that were reduced last. Computing their windows takes as long as applying them, and most images have the
 * same sides.
 */
const lines = new Map<string, Line>();
const KEEP = 8;
/** The windows of a longer side would take megabytes. */
const MAX_KEPT_SIDE = 20_000;

function lineOf(side: number, n: number): Line {
  const key = `${side} ${n}`;
  let line = lines.get(key);
  lines.delete(key);
  if (line === undefined) {
    const across = [...windows(side, n)];
    line = { across, down: columnsOf(across, side) };
  }
  if (side <= MAX_KEPT_SIDE) lines.set(key, line);
  for (const [oldest] of lines) {
    if (lines.size <= KEEP) break;
    lines.delete(oldest);
  }
  return line;
}

function squareAt(sums: Int32Array, n: number): Uint8Array {
  return Uint8Array.from({ length: n * n }, (_, i) => Math.max(0, Math.min(255, (sums[i] as number) >> 22)));
}

function blocksOf(pixels: number): number {
  return Math.ceil(pixels / 8);
}

/** Writes the taps in the form that the kernel's `horizontal` needs. */
function putTaps(memory: Int16Array, taps: number, across: Iterable<{ start: number; weights: Int32Array }>) {
  let at = taps / 2;
  for (const { start, weights } of across) {
    const blocks = blocksOf(weights.length);
    memory.fill(0, at, at + 8 + 16 * blocks);
    memory[at] = start & 0xffff;
    memory[at + 1] = start >> 16;
    memory[at + 2] = blocks & 0xffff;
    memory[at + 3] = blocks >> 16;
    at += 8;
    for (const [k, weight] of weights.entries()) {
      const tap = at + (k >> 3) * 16 + (k & 7);
      memory[tap] = weight >> 8;
      memory[tap + 8] = weight & 255;
    }
    at += 16 * blocks;
  }
}

/** The windows as seen from the rows: a row counts for window `first` and the windows after it. */
function columnsOf(down: readonly { start: number; weights: Int32Array }[], height: number) {
  const first = new Int32Array(height).fill(-1);
  const offset = new Int32Array(height + 1);
  for (const [i, { start, weights }] of down.entries())
    for (let y = start; y < start + weights.length; y++) {
      if (first[y] === -1) first[y] = i;
      offset[y + 1] = (offset[y + 1] as number) + 1;
    }
  for (let y = 0; y < height; y++) offset[y + 1] = (offset[y + 1] as number) + (offset[y] as number);
  const weights = new Int32Array(offset[height] as number);
  for (const [i, window] of down.entries())
    for (const [k, weight] of window.weights.entries()) {
      const y = window.start + k;
      weights[(offset[y] as number) + i - (first[y] as number)] = weight;
    }
  return { first, offset, weights };
}
