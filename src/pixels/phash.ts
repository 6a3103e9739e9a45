/** Turns a small grey square into bits. This is what `imagehash.phash` does after its resize. */

/** A coefficient below this is noise. Exact arithmetic gives zero there, and so does the transform that Python uses. */
const NOISE = 1e-6;

/** Returns hex of hashSize x hashSize bits. The side of `square` is 4 * hashSize. */
export function phash(square: Uint8Array, hashSize: number): string {
  const low = lowFrequencies(square, hashSize * 4, hashSize);
  const sorted = low.toSorted();
  const half = sorted.length / 2;
  const median = ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
  let bits = "";
  for (const value of low) bits += value > median ? "1" : "0";
  const digits = Math.ceil(bits.length / 4);
  const padded = bits.padStart(digits * 4, "0");
  let hex = "";
  for (let at = 0; at < padded.length; at += 4)
    hex += Number.parseInt(padded.slice(at, at + 4), 2).toString(16);
  return hex;
}

/** The low-frequency corner of the two-dimensional DCT-II, columns first. */
function lowFrequencies(square: Uint8Array, n: number, size: number): Float64Array {
  const cosines = Float64Array.from({ length: size * n }, (_, i) => {
    const [k, x] = [Math.floor(i / n), i % n];
    return 2 * Math.cos((Math.PI * k * (2 * x + 1)) / (2 * n));
  });
  const columns = new Float64Array(size * n);
  for (let k = 0; k < size; k++)
    for (let y = 0; y < n; y++) {
      const cosine = cosines[k * n + y] as number;
      for (let x = 0; x < n; x++)
        columns[k * n + x] = (columns[k * n + x] as number) + cosine * (square[y * n + x] as number);
    }
  const low = new Float64Array(size * size);
  for (let k = 0; k < size; k++)
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let x = 0; x < n; x++) sum += (columns[k * n + x] as number) * (cosines[j * n + x] as number);
      low[k * size + j] = Math.abs(sum) < NOISE ? 0 : sum;
    }
  return low;
}

/** Undoes an EXIF orientation, 1 to 8, on a square. */
export function upright(square: Uint8Array, n: number, orientation: number): Uint8Array {
  if (orientation <= 1 || orientation > 8) return square;
  const last = n - 1;
  return Uint8Array.from({ length: n * n }, (_, i) => {
    let [y, x] = [Math.floor(i / n), i % n];
    // Orientations 5 to 8 lie on their side.
    if (orientation >= 5) [x, y] = [y, x];
    const flipsX = [2, 3, 7, 8].includes(orientation);
    const flipsY = [3, 4, 6, 7].includes(orientation);
    return square[(flipsY ? last - y : y) * n + (flipsX ? last - x : x)] as number;
  });
}

/** Standard deviation. */
export function spread(square: Uint8Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of square) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / square.length - (sum / square.length) ** 2));
}
