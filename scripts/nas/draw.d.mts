import type sharp from "sharp";

export interface Drawn {
  readonly raw: { readonly data: Buffer; readonly info: sharp.Raw & { channels: 3 | 4 } };
}

/** What a design looks like, as pixels. */
export declare function drawDesign(
  lib: typeof sharp,
  wanted: {
    readonly kind: "text" | "badge" | "illustration" | "photo";
    readonly design: number | string;
    readonly words: readonly string[];
    readonly files: readonly { readonly format: string }[];
  },
  settings: { readonly seed: number; readonly pixels: number; readonly sizes: "varied" | "exact" },
): Promise<Drawn>;
