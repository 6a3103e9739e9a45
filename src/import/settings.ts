/** The settings of an import. `assemble/imports.ts` makes them from the configuration. */
import type { TableSettings } from "../images/table.ts";
import type { OriginSettings } from "../origin/origin.ts";

export interface ImportSettings {
  readonly name: string;
  readonly origin: OriginSettings;
  /** The origin for people, without secrets. */
  readonly description: string;
  /** `<shop>/<template>/<file>` */
  readonly pattern: string;
  /** Globs of files to leave out, in addition to what NAS systems leave behind. */
  readonly exclude: readonly string[];
  readonly table: TableSettings;
  /** `false`: one worker reads one file at a time, in the order of paths. */
  readonly batched: boolean;
  readonly batchBytes: number;
  readonly workers: number;
  /** The hash size of `phash`: 8 gives 64 bits. */
  readonly hashSize: number;
  readonly maxPixels: number;
  /** About how many bytes all processes together may hold. */
  readonly memoryBytes: number;
  /** A file that changed less than this ago rests before it is read. */
  readonly settleMs: number;
  /** How long an origin may be away before the run gives up. */
  readonly patienceMs: number;
  /** How long hashing one file may take. */
  readonly fileTimeoutMs: number;
  /** What a person would correct to change the origin, such as `imports.nas.from`. */
  readonly originFrom: string;
  /** The flags that a command needs to be about the same project and target, each with a space before it. */
  readonly projectFlags?: string | undefined;
  /** The words that run this import alone, without these. `null`: a password is among them. */
  readonly command: readonly string[] | null;
  /** Another name for the origin, if the command line gave it and named no import. */
  readonly otherName?: string | undefined;
  /** `true`: the import may be bound to another origin than before. */
  readonly newOrigin?: boolean | undefined;
  /** `true`: files may be gone in any number. */
  readonly allowMissing?: boolean | undefined;
  /** `true`: links that lead out of the base are followed. */
  readonly followLinks?: boolean | undefined;
  /** `true`: stored files whose colours are not known are read once more. */
  readonly rereadsForColours?: boolean | undefined;
}

/** The most files in a batch. A batch is reported as a whole, and one of tiny files would never end. */
export const FILES_PER_BATCH = 5_000;
