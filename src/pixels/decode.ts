/** Decodes an image's bytes into rows of pixels as the file stores them: not rotated, without colour profile, 8 bits. */
import type { Metadata, Sharp } from "sharp";
import { endsEarly, type Format, formatOf } from "./format.ts";
import type { PixelKind } from "./kernel.ts";
import type { Picture } from "./picture.ts";
import type { DescribeOptions } from "./pixels.ts";
import { openPsd } from "./psd.ts";
import { broken, ENDS_EARLY, MAX_SIDE, nameOf, tooLarge, tooLong, unsupported } from "./refusal.ts";
import { explain, loadSharp, openOptions } from "./sharp.ts";
import { checkSvg } from "./svg.ts";

export type Limits = Pick<DescribeOptions, "maxPixels" | "maxDecodedBytes" | "onStripDone">;

/** Throws `ImportFailed`. Later errors, from `rows`, are of the same kind. */
export async function openPicture(bytes: Buffer, limits: Limits): Promise<Picture> {
  const format = formatOf(bytes);
  const picture =
    format === "psd" || format === "psb"
      ? openPsd(bytes, format)
      : await openWithSharp(bytes, format, limits);
  const { width, height } = picture;
  if (width * height > limits.maxPixels) throw tooLarge(width, height, limits.maxPixels);
  if (Math.max(width, height) > MAX_SIDE) throw tooLong(width, height);
  return picture;
}

async function openWithSharp(bytes: Buffer, format: Format, limits: Limits): Promise<Picture> {
  if (endsEarly(bytes, format)) throw broken(format, ENDS_EARLY);
  if (format === "svg") checkSvg(bytes);
  const sharp = await loadSharp();
  // The header is read whatever size it states, so that the message can state it too.
  const header = await sharp(bytes, openOptions(2 ** 52))
    .metadata()
    .catch((error: unknown) => {
      throw explain(error, format);
    });
  if (header.format !== (format === "avif" ? "heif" : format))
    throw broken(format, "is damaged: it begins like one and goes on as something else");
  // Pillow rotates a TIFF by itself, and no other format.
  const turned = format === "tiff" && (header.orientation ?? 1) !== 1;
  const { width, height } = turned ? header.autoOrient : header;
  const way = wayOf(header);
  const rowBytes = width * way.channels;
  const decodedBytes = rowBytes * height;
  const held = isWhole(header) || turned ? decodedBytes : 0;
  // If the decoder holds the whole image, it decodes all of it again for each strip. The number of strips is therefore
  // limited.
  const usable = Math.max(limits.maxDecodedBytes - held, limits.maxDecodedBytes / 4);
  const mostRows = decodedBytes <= usable || turned ? height : Math.max(1, Math.floor(usable / rowBytes));
  // All strips have about the same size. A small last one would leave a gap in memory that nothing else can use.
  const rowsAtOnce = Math.ceil(height / Math.ceil(height / mostRows));

  return {
    format,
    width,
    height,
    decodedBytes: rowsAtOnce * rowBytes + held,
    hasAlpha: header.hasAlpha,
    orientation: turned ? 1 : (header.orientation ?? 1),
    async eachPart(use) {
      // This is a separate function because what the current function still refers to is not freed.
      const read = async (top: number) => {
        const opened = sharp(bytes, openOptions(limits.maxPixels));
        const image = turned ? opened.autoOrient() : opened;
        const part = { left: 0, top, width, height: Math.min(rowsAtOnce, height - top) };
        const { data, info } = await way
          .read(rowsAtOnce === height ? image : image.extract(part))
          .raw({ depth: "uchar" })
          .toBuffer({ resolveWithObject: true })
          .catch((error: unknown) => {
            throw explain(error, format);
          });
        const kind = way.kind(info.channels);
        if (kind === undefined || info.width !== width || info.height !== part.height)
          throw unsupported(`a ${nameOf(format)} with ${info.channels} channels`);
        use({ kind, rows: data });
      };
      for (let top = 0; top < height; top += rowsAtOnce) {
        // Only if another strip follows, because freeing at once is expensive.
        if (top > 0) await limits.onStripDone?.();
        await read(top);
      }
    },
  };
}

interface Way {
  readonly channels: number;
  readonly read: (image: Sharp) => Sharp;
  readonly kind: (channels: number) => PixelKind | undefined;
}

/** Chooses the colours to ask for, so that no conversion is made that Python does not make. */
function wayOf(header: Metadata): Way {
  const alpha = header.hasAlpha ? 1 : 0;
  if (header.space === "cmyk")
    return {
      channels: 4,
      read: (image) => image.removeAlpha().pipelineColourspace("cmyk").toColourspace("cmyk"),
      kind: (channels) => (channels === 4 ? 5 : undefined),
    };
  if (header.space === "b-w" || header.space === "grey16")
    return {
      channels: 1 + alpha,
      read: (image) => image.toColourspace("b-w"),
      kind: (channels) => (channels === 1 || channels === 2 ? channels : undefined),
    };
  return {
    channels: 3 + alpha,
    read: (image) => image.toColourspace("srgb"),
    kind: (channels) =>
      channels === 1 || channels === 2 || channels === 3 || channels === 4 ? channels : undefined,
  };
}

/** Whether the decoder holds all pixels at once, whatever part of them is wanted. */
function isWhole({ format, isProgressive }: Metadata): boolean {
  return isProgressive === true || format === "webp" || format === "gif" || format === "heif";
}
