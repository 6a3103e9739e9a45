/** Describes in numbers what an image looks like: from its bytes to everything that is stored about it. */

/** Raise this whenever the same bytes get another hash, size or flag than before. */
export const HASH_VERSION = 1;

export interface Description {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Found in the bytes, whatever the name says: `png`, `jpeg`, `webp`, `gif`, `tiff`, `svg`, `avif`, `psd`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  /** EXIF orientation, 1 to 8. It is 1 if the file has none. */
  readonly orientation: number;
  /** `composite`: the merged picture that a PSD contains. */
  readonly hashSource: "full" | "composite";
  /** The size of `phash`, which has `hashSize` x `hashSize` bits. */
  readonly hashSize: number;
  /** What Python's `imagehash.phash(image, hash_size)` prints. */
  readonly phash: string;
  /** What it prints with `hash_size=16`. */
  readonly phash256: string;
  /** What people see: alpha flattened on a ground that contrasts with the ink, upright. 16 hex digits. */
  readonly visual: string;
  /** The same with 256 bits: 64 hex digits. */
  readonly visual256: string;
  /** Flattened on white, if that differs from `visual` (light ink). Otherwise `null`. */
  readonly white: string | null;
  readonly white256: string | null;
  /** `visual` says next to nothing (empty or nearly flat). Never compare it with others. */
  readonly lowInformation: boolean;
  /** The same for `white`: light ink on white ground. */
  readonly whiteLowInformation: boolean;
  /** Hex of the coarse grid that `colours.ts` makes. */
  readonly colours: string;
  /** Bytes of the decoded pixels, for the caller's bookkeeping. */
  readonly decodedBytes: number;
}

export interface DescribeOptions {
  /** The side of `phash`, 2 to 32. */
  readonly hashSize: number;
  /** Images with more pixels are refused (`IMAGE_TOO_LARGE`). */
  readonly maxPixels: number;
  /** An image that is larger when decoded is decoded strip by strip. This is slower and gives the same result. */
  readonly maxDecodedBytes: number;
  /** Called between two strips. If it lets V8 free the last strip, the next one uses the same memory. */
  readonly onStripDone?: () => Promise<void>;
}

/** What is known before anything is decoded. */
export interface Header {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** The most that decoding will hold in memory, given `maxDecodedBytes`. */
  readonly decodedBytes: number;
}
