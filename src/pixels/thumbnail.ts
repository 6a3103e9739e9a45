/** A small picture for people to look at. */
import type { Sharp } from "sharp";
import { type Limits, openPicture } from "./decode.ts";
import type { PixelKind } from "./kernel.ts";
import type { Picture } from "./picture.ts";
import { explain, loadSharp, openOptions } from "./sharp.ts";

export interface ThumbnailOptions {
  /** The side of the square that the picture fits into. Smaller pictures keep their size. */
  readonly sizePx: number;
  readonly maxPixels: number;
}

/** How many stored pixels there are for each shown one, along each side. It is enough to hide the loss of the others. */
const OVERSAMPLING = 4;
const QUALITY = 80;

/** A WebP image with its transparency, upright. Throws the same errors as `describeImage`. */
export async function thumbnail(bytes: Buffer, { sizePx, maxPixels }: ThumbnailOptions): Promise<Buffer> {
  const limits: Limits = { maxPixels, maxDecodedBytes: Number.MAX_SAFE_INTEGER };
  const picture = await openPicture(bytes, limits);
  const { format } = picture;
  const sharp = await loadSharp();
  try {
    const image: Sharp =
      format === "psd" || format === "psb"
        ? await fromRows(picture, sizePx)
        : sharp(bytes, { ...openOptions(maxPixels), ignoreIcc: false }).autoOrient();
    return await image
      .resize({ width: sizePx, height: sizePx, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .webp({ quality: QUALITY })
      .toBuffer();
  } catch (error) {
    throw explain(error, format);
  }
}

/** Takes every nth pixel of every nth row. */
async function fromRows(picture: Picture, sizePx: number): Promise<Sharp> {
  const step = Math.max(1, Math.floor(Math.max(picture.width, picture.height) / (sizePx * OVERSAMPLING)));
  const [width, height] = [Math.ceil(picture.width / step), Math.ceil(picture.height / step)];
  let pixels = Buffer.alloc(0);
  let channels = 3;
  let y = 0;
  await picture.eachPart(({ kind, rows }) => {
    const stored = kind === 5 ? 4 : kind;
    channels = kind === 5 ? 3 : kind;
    if (y === 0) pixels = Buffer.alloc(width * height * channels);
    const rowBytes = picture.width * stored;
    for (let at = 0; at < rows.length; at += rowBytes, y++) {
      if (y % step !== 0) continue;
      let to = (y / step) * width * channels;
      for (let x = 0; x < picture.width; x += step, to += channels)
        putPixel(pixels, to, rows.subarray(at + x * stored, at + (x + 1) * stored), kind);
    }
  });
  const sharp = await loadSharp();
  return sharp(pixels, { raw: { width, height, channels: channels as 1 | 2 | 3 | 4 } });
}

function putPixel(pixels: Buffer, to: number, pixel: Uint8Array, kind: PixelKind): void {
  if (kind !== 5) return void pixels.set(pixel, to);
  const paper = 255 - (pixel[3] as number);
  for (let part = 0; part < 3; part++)
    pixels[to + part] = Math.round((paper * (255 - (pixel[part] as number))) / 255);
}
