import type { Format } from "./format.ts";
import type { PixelKind } from "./kernel.ts";
import type { Header } from "./pixels.ts";

/** `kind` is known with the first part; all have the same. */
export interface Part {
  readonly kind: PixelKind;
  readonly rows: Uint8Array;
}

/** An image whose header was read, and nothing else yet. */
export interface Picture extends Header {
  readonly format: Format;
  readonly hasAlpha: boolean;
  /** EXIF, 1 to 8; 1 where the rows are upright already. */
  readonly orientation: number;
  /** From the top, one part after the other. */
  eachPart(use: (part: Part) => void): Promise<void>;
}
