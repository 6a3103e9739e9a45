import type { Format } from "./format.ts";
import type { PixelKind } from "./kernel.ts";
import type { Header } from "./pixels.ts";

/** An image whose header was read, and nothing else yet. */
export interface Picture extends Header {
  readonly format: Format;
  readonly hasAlpha: boolean;
  /** EXIF, 1 to 8; 1 where the rows are upright already. */
  readonly orientation: number;
  /** `kind` is known with the first rows; all pieces have the same. */
  rows(): AsyncIterable<{ readonly kind: PixelKind; readonly rows: Uint8Array }>;
}
