import type { Format } from "./format.ts";
import type { PixelKind } from "./kernel.ts";
import type { Header } from "./pixels.ts";

/** Rows of an image. All parts of an image have the same `kind`. */
export interface Part {
  readonly kind: PixelKind;
  readonly rows: Uint8Array;
}

/** An image of which only the header has been read. */
export interface Picture extends Header {
  readonly format: Format;
  readonly hasAlpha: boolean;
  /** EXIF, 1 to 8. It is 1 if the rows are upright already. */
  readonly orientation: number;
  /** Visits the parts from the top, one after the other. */
  eachPart(use: (part: Part) => void): Promise<void>;
}
