/** What an image looks like, in numbers: from its bytes to everything that is kept of it. */

/** Raised whenever the same bytes would get another hash, size or flag than before. */
export const HASH_VERSION = 1;

export interface Description {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Found in the bytes, whatever the name says: `png`, `jpeg`, `webp`, `gif`, `tiff`, `svg`, `avif`, `psd`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  /** EXIF orientation, 1 to 8; 1 where there is none. */
  readonly orientation: number;
  /** `composite`: the merged picture that a PSD carries. */
  readonly hashSource: "full" | "composite";
  /** Of `phash`: it has `hashSize` x `hashSize` bits. */
  readonly hashSize: number;
  /** What Python's `imagehash.phash(image, hash_size)` prints. */
  readonly phash: string;
  /** The same with `hash_size=16`. */
  readonly phash256: string;
  /** What people see: alpha flattened on the ground that contrasts with the ink, upright. 16 hex digits. */
  readonly visual: string;
  /** The same with 256 bits: 64 hex digits. */
  readonly visual256: string;
  /** Flattened on white instead, where that differs from `visual` (light ink); else `null`. */
  readonly white: string | null;
  readonly white256: string | null;
  /** `visual` says next to nothing (empty or nearly flat): never to be compared with others. */
  readonly lowInformation: boolean;
  /** The same of `white`: light ink on white ground. */
  readonly whiteLowInformation: boolean;
  /** Hex of the coarse grid that `colours.ts` makes. */
  readonly colours: string;
  /** Bytes of the decoded pixels, for the caller's bookkeeping. */
  readonly decodedBytes: number;
}

export interface DescribeOptions {
  /** For `phash`; 2 to 32. */
  readonly hashSize: number;
  /** More than so many pixels are refused (`IMAGE_TOO_LARGE`). */
  readonly maxPixels: number;
  /** What is larger when decoded is decoded strip by strip, slower, with the same result. */
  readonly maxDecodedBytes: number;
  /** Called between two strips: the next one finds the place of the last one free if this lets V8 free it. */
  readonly onStripDone?: () => Promise<void>;
}

/** What is known before anything is decoded. */
export interface Header {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** What decoding will hold in memory at most, given `maxDecodedBytes`. */
  readonly decodedBytes: number;
}
