/** sharp, with the settings that hashing needs, and the meaning of its errors. */
import type { Sharp, SharpOptions } from "sharp";
import { ConfigError, GodwitError, ImportFailed } from "../errors.ts";
import type { Format } from "./format.ts";
import { broken, ENDS_EARLY, nameOf, unsupported } from "./refusal.ts";

export type OpenImage = (bytes: Buffer, options: SharpOptions) => Sharp;

/** Throws `ConfigError` if the package is missing. */
export async function loadSharp(): Promise<OpenImage> {
  try {
    const { default: sharp } = await import("sharp");
    // Its cache would keep pixels of images that are never requested again. Threads serve many images at once, not one.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  } catch (cause) {
    throw new ConfigError(
      {
        code: "CONFIG_INVALID",
        message: "Images cannot be read, because the package sharp cannot be loaded.",
        hint: "npm install sharp",
      },
      { cause },
    );
  }
}

/**
 * Strict enough to refuse an image that is cut off; everything that Pillow decodes is decoded. The colour profile is not
 * applied, because Python's hash does not apply it.
 */
export function openOptions(maxPixels: number): SharpOptions {
  return { limitInputPixels: maxPixels, ignoreIcc: true, failOn: "error", pages: 1, sequentialRead: true };
}

const CUT_OFF =
  /premature end|truncated|(?:unexpected )?end of (?:\w+ )?(?:file|stream|data|image|input)|read error|not enough|unexpected eof|\beof\b|too few/i;
const RARE =
  /not supported|unsupported (?!image format)|unimplemented|unknown compression|no decoding|compression support is not configured/i;

/** What a failed read means for the file. Our own errors pass unchanged. */
export function explain(error: unknown, format: Format): GodwitError {
  if (error instanceof GodwitError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/pixel limit/i.test(text))
    return new ImportFailed(
      {
        code: "IMAGE_TOO_LARGE",
        message: "It has more pixels than are read.",
        hint: "Raise maxPixels if this size is intended.",
      },
      { cause: error },
    );
  if (RARE.test(text) && !CUT_OFF.test(text)) return unsupported(`a ${nameOf(format)} of a rare kind`);
  if (CUT_OFF.test(text)) return broken(format, ENDS_EARLY, error);
  if (/crc|checksum|adler/i.test(text)) return broken(format, "is damaged: a checksum does not fit", error);
  return broken(format, "is damaged: it cannot be decoded", error);
}
