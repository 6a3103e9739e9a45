/**
 * How much of each hue a picture shows, and where: 4 x 4 blocks, and 24 hues in each.
 *
 * A sample has as much of its hue as it has chroma, in the plane of red, green and blue across their diagonal. There a mix
 * with any grey keeps its hue and loses chroma in step, and alpha does the same. So an edge that was smoothed, a line that
 * became thinner and another ground leave the sum as it was.
 *
 * A byte is the square root of the share, because a thousandth of the picture is worth telling and all of it is too.
 */
import { turnedPlace } from "./turn.ts";

export const BLOCKS = 4;
export const HUES = 24;
export const HUE_BYTES = BLOCKS * BLOCKS * HUES;

/** Of 0 to 255. What has less is grey with the noise of a lossy format. */
const LEAST_CHROMA = 24;

export interface HueGrid {
  /** Red, green and blue of 0 to 255, times alpha, of a sample in a block. Tens of thousands of them: no objects. */
  add(block: number, red: number, green: number, blue: number): void;
  /** `HUE_BYTES`, turned as EXIF says. */
  finish(orientation: number): Uint8Array;
}

/** Of a picture that is looked at in `samples` x `samples` places. */
export function startHues(samples: number): HueGrid {
  const sums = new Float64Array(HUE_BYTES);
  return {
    add(block, red, green, blue) {
      const along = red - (green + blue) / 2;
      const across = (Math.sqrt(3) / 2) * (green - blue);
      const chroma = Math.sqrt(along * along + across * across) - LEAST_CHROMA;
      if (chroma <= 0) return;
      const angle = (Math.atan2(across, along) / (2 * Math.PI)) * HUES + HUES;
      const hue = Math.floor(angle);
      const rest = angle - hue;
      const [own, next] = [block * HUES + (hue % HUES), block * HUES + ((hue + 1) % HUES)];
      sums[own] = (sums[own] as number) + chroma * (1 - rest);
      sums[next] = (sums[next] as number) + chroma * rest;
    },
    finish(orientation) {
      const most = (samples / BLOCKS) ** 2 * (255 - LEAST_CHROMA);
      return Uint8Array.from({ length: HUE_BYTES }, (_, i) => {
        const block = turnedPlace(Math.floor(i / HUES), { side: BLOCKS, orientation });
        return Math.round(255 * Math.sqrt(Math.min(1, (sums[block * HUES + (i % HUES)] as number) / most)));
      });
    },
  };
}
