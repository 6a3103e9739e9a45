/** What can be wrong with an image, in words for people. */
import { ImportFailed } from "../errors.ts";

/** `what` is a noun: `a BMP image`. */
export function unsupported(what: string, hint = "Convert it to PNG, JPEG, WebP or TIFF."): ImportFailed {
  return new ImportFailed({
    code: "IMAGE_UNSUPPORTED",
    message: `It is ${what}, which cannot be read.`,
    hint,
  });
}

/** `how` ends a sentence: `ends in the middle`. */
export function broken(format: string, how: string, cause?: unknown): ImportFailed {
  return new ImportFailed(
    {
      code: "IMAGE_BROKEN",
      message: `The ${nameOf(format)} ${how}.`,
      hint: "Open it in an image editor, or bring the original again.",
    },
    { cause },
  );
}

export const ENDS_EARLY = "ends before the picture does";

export function tooLarge(width: number, height: number, maxPixels: number): ImportFailed {
  return new ImportFailed({
    code: "IMAGE_TOO_LARGE",
    message: `It has ${megapixels(width * height)} megapixels (${width} x ${height}); at most ${megapixels(maxPixels)} are read.`,
    hint: "Raise maxPixels if this size is intended.",
    details: { width, height, maxPixels },
  });
}

/** For an image that must be decoded in one piece: WebP, GIF, AVIF, and anything interlaced or progressive. */
export function tooHeavy(width: number, height: number, need: HeldBytes): ImportFailed {
  const [takes, may] = [need.decodedBytes, need.memoryBytes].map((bytes) => Math.ceil(bytes / 1e6));
  return new ImportFailed({
    code: "IMAGE_TOO_LARGE",
    message: `It has ${megapixels(width * height)} megapixels (${width} x ${height}) that must be decoded in one piece, which takes ${takes} MB; ${may} MB may be used.`,
    hint: "Raise imports.<name>.memory, or save it as PNG or JPEG, not interlaced and not progressive.",
    details: { width, height, ...need },
  });
}

interface HeldBytes {
  readonly decodedBytes: number;
  readonly memoryBytes: number;
}

/** Above this, even the weights of the rows take too much memory. No format of cameras or designers gets there. */
export const MAX_SIDE = 300_000;

export function tooLong(width: number, height: number): ImportFailed {
  return new ImportFailed({
    code: "IMAGE_TOO_LARGE",
    message: `It is ${width} x ${height} pixels; sides of at most ${MAX_SIDE} pixels are read.`,
    hint: "Leave it out: no setting allows more.",
    details: { width, height },
  });
}

export function nameOf(format: string): string {
  return format === "webp" ? "WebP" : format.toUpperCase();
}

function megapixels(pixels: number): string {
  const millions = pixels / 1e6;
  return millions >= 10 ? millions.toFixed(0) : millions.toPrecision(2);
}
