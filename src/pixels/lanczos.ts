/** Which pixels make a pixel of the small image, and with which weights. This is Pillow's LANCZOS in whole numbers. */

export interface Window {
  /** The first pixel of the large image that counts. */
  readonly start: number;
  /** The weights of that pixel and those after it. They add up to 2 ** 22, apart from rounding. */
  readonly weights: Int32Array;
}

const LOBES = 3;
const ONE = 2 ** 22;

export function* windows(from: number, to: number): Generator<Window> {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = LOBES * stretch;
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = new Float64Array(end - start);
    let sum = 0;
    for (let k = 0; k < raw.length; k++) {
      const weight = lanczos((k + start - centre + 0.5) * (1 / stretch));
      raw[k] = weight;
      sum += weight;
    }
    yield { start, weights: Int32Array.from(raw, (weight) => fixed(sum === 0 ? weight : weight / sum)) };
  }
}

function lanczos(x: number): number {
  return x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Rounds half away from zero. */
function fixed(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}
