/** What an import should do with a file. `outside`: a fine image that is not below `<shop>/<template>/`. */
export type Fate = "stored" | "unsupported" | "quarantined" | "ignored" | "outside";

export interface NasFile {
  /** Relative, with `/`, exactly as the disk spells it. */
  readonly path: string;
  readonly kind: "text" | "badge" | "illustration" | "photo" | "broken" | "debris";
  /** Files that show the same design have the same number. */
  readonly design: number | null;
  readonly ink: "black" | "white" | "coloured" | null;
  /** Of the bytes, whatever the name says. */
  readonly format: "png" | "jpeg" | "webp" | "gif" | "tiff" | "svg" | "avif" | "psd" | null;
  /** The path that it is a copy of. */
  readonly of: string | null;
  /** How it was copied, or what is wrong with it. */
  readonly how:
    | "exact"
    | "jpeg"
    | "webp"
    | "resized50"
    | "resized75"
    | "lossless"
    | "misnamed"
    | "truncated-jpeg"
    | "truncated-png"
    | "empty"
    | "text"
    | "random"
    | "document"
    | "thumbnail"
    | "apple-double"
    | "finder"
    | "explorer"
    | "deleted"
    | null;
  readonly fate: Fate;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly mtimeMs: number;
}

export interface NasManifest {
  readonly seed: number;
  readonly designs: number;
  readonly pixels: number;
  readonly emptyFolders: readonly string[];
  /** By path. */
  readonly files: readonly NasFile[];
}

export interface NasOptions {
  readonly seed?: number;
  /** Different designs at their place; copies and trouble come on top. */
  readonly designs?: number;
  /** Of the longer side, at most; the smallest has two thirds of it. */
  readonly pixels?: number;
  /** `exact`: all are `pixels` x `pixels`. */
  readonly sizes?: "varied" | "exact";
  /** Weights. */
  readonly mix?: Readonly<Partial<Record<"text" | "badge" | "illustration" | "photo", number>>>;
  /** The share of designs that have copies. */
  readonly copies?: number;
  /** `false`: nothing but designs and copies at their place. */
  readonly trouble?: boolean;
  /** Names that differ only by their Unicode form; not every file system can have both. */
  readonly twins?: boolean;
  /** Also writes the manifest, as JSON, to this file. */
  readonly manifest?: string;
}

/** Makes a folder that is missing or empty into a NAS; throws if there is something in it. */
export declare function makeNas(folder: string, options?: NasOptions): Promise<NasManifest>;
