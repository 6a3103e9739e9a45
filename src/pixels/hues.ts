/**
 * How much of each hue a picture shows, and where: 4 x 4 blocks, and 24 hues in each.
 *
 * A sample counts for its hue as much as it has chroma. Both are measured in the plane perpendicular to the grey
 * diagonal of red, green and blue. Mixing a colour with grey keeps its hue and reduces its chroma in proportion, and so
 * does alpha. A smoothed edge, a thinner line or another ground therefore leaves the sum unchanged.
 *
 * A byte is the square root of the share. A thousandth of the picture is worth showing, and so is the whole of it.
 */
import { turnedPlace } from "./turn.ts";

export const BLOCKS = 4;
export const HUES = 24;
export const HUE_BYTES = BLOCKS * BLOCKS * HUES;

/** From 0 to 255. A sample with less chroma is grey with the noise of a lossy format. */
const LEAST_CHROMA = 24;

export interface HueGrid {
  /**
   * Adds a sample to a block: red, green and blue from 0 to 255, times alpha. There are tens of thousands, so no objects
   * are made.
   */
  add(block: number, red: number, green: number, blue: number): void;
  /** Returns `HUE_BYTES`, rotated as EXIF says. */
  finish(orientation: number): Uint8Array;
}

/** For a picture that is sampled at `samples` x `samples` places. */
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
