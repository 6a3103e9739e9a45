/**
 * Computes everything that is stored about an image from its bytes, in one pass over its pixels.
 *
 * `phash` is Python's: alpha dropped, not rotated. `visual` is what people see: dark ink on white ground, light ink on
 * black ground, upright. If the ground is black, the hash on white is stored too: the image looks like that once
 * somebody has saved it as JPEG.
 */
import { createHash } from "node:crypto";
import { type ColourGrid, startColours } from "./colours.ts";
import { openPicture } from "./decode.ts";
import { withKernel } from "./kernels.ts";
import { phash, spread, upright } from "./phash.ts";
import type { DescribeOptions, Description, Header } from "./pixels.ts";
import { type Greys, type Reduction, type Squares, startReduction } from "./reduce.ts";
import { broken } from "./refusal.ts";

/** Ink that is darker than this on average is put on white. From 0 to 255. */
const DARK_INK = 140;
/** A picture whose greys differ by less than this counts as flat. */
const FLAT = 2;
const SMALL = 8;
const LARGE = 16;

/** Throws `ImportFailed`: `FILE_EMPTY`, `IMAGE_UNSUPPORTED`, `IMAGE_BROKEN`, `IMAGE_TOO_LARGE`. */
export async function describeImage(bytes: Buffer, options: DescribeOptions): Promise<Description> {
  const { hashSize } = options;
  if (!Number.isInteger(hashSize) || hashSize < 2 || hashSize > 32)
    throw new RangeError(`A hash has a side of 2 to 32 bits, not ${hashSize}.`);
  const picture = await openPicture(bytes, options);
  const { format, width, height, orientation } = picture;
  const sizes = [...new Set([hashSize, SMALL, LARGE])].map((size) => size * 4);
  let colours: ColourGrid | undefined;
  const greys = await withKernel(async (kernel): Promise<Greys> => {
    let reduction: Reduction | undefined;
    await picture.eachPart(({ kind, rows }) => {
      reduction ??= startReduction(kernel, { width, height, kind, sizes });
      reduction.add(rows);
      colours ??= startColours({ width, height, kind });
      colours.add(rows);
    });
    if (!reduction) throw broken(format, "has no pixels");
    return reduction.finish();
  });

  const seen = seenOf(greys, orientation);
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    format,
    width,
    height,
    hasAlpha: picture.hasAlpha,
    orientation,
    hashSource: format === "psd" || format === "psb" ? "composite" : "full",
    hashSize,
    phash: phash(squareOf(greys.plain, hashSize), hashSize),
    phash256: phash(squareOf(greys.plain, LARGE), LARGE),
    ...seen,
    colours: Buffer.from(colours?.finish(orientation) ?? []).toString("hex"),
    decodedBytes: picture.decodedBytes,
  };
}

/** Reads no pixels. Throws the same errors as `describeImage`. */
export async function readHeader(bytes: Buffer, options: DescribeOptions): Promise<Header> {
  const { format, width, height, decodedBytes } = await openPicture(bytes, options);
  return { format, width, height, decodedBytes };
}

type VisualHashes = Pick<
  Description,
  "visual" | "visual256" | "white" | "white256" | "lowInformation" | "whiteLowInformation"
>;

function seenOf({ plain, flattened, ink }: Greys, orientation: number): VisualHashes {
  const onBlack = flattened !== null && ink >= DARK_INK;
  const ground = flattened === null ? plain : onBlack ? flattened.black : flattened.white;
  const hashOf = (squares: Squares, size: number) =>
    phash(upright(squareOf(squares, size), size * 4, orientation), size);
  const visual = hashOf(ground, SMALL);
  const white = onBlack ? hashOf(flattened.white, SMALL) : null;
  return {
    visual,
    visual256: hashOf(ground, LARGE),
    white,
    white256: onBlack ? hashOf(flattened.white, LARGE) : null,
    lowInformation: isBlank(visual, ground),
    // Light ink may be invisible on white and clear on black.
    whiteLowInformation: white !== null && flattened !== null && isBlank(white, flattened.white),
  };

  function isBlank(hash: string, squares: Squares): boolean {
    return /^[08]0{15}$/.test(hash) || spread(squareOf(squares, LARGE)) < FLAT;
  }
}

function squareOf(squares: Squares, hashSize: number): Uint8Array {
  const square = squares.get(hashSize * 4);
  if (!square) throw new RangeError(`No square for a hash of ${hashSize}.`);
  return square;
}
