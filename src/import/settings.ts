/** What an import needs to know; made by `assemble.ts` out of the configuration. */
import type { TableSettings } from "../images/table.ts";
import type { OriginSettings } from "../origin/origin.ts";

export interface ImportSettings {
  readonly name: string;
  readonly origin: OriginSettings;
  /** For people, without secrets. */
  readonly description: string;
  /** `<shop>/<template>/<file>` */
  readonly pattern: string;
  /** Globs, beside what NAS systems leave behind. */
  readonly exclude: readonly string[];
  readonly table: TableSettings;
  /** `false`: one worker, one file at a time, in the order of paths. */
  readonly batched: boolean;
  readonly batchBytes: number;
  readonly workers: number;
  /** Of `phash`: 8 gives 64 bits. */
  readonly hashSize: number;
  readonly maxPixels: number;
  /** What all processes together may hold, about. */
  readonly memoryBytes: number;
  /** A file that was changed less than this ago is looked at once more before it is read. */
  readonly settleMs: number;
  /** How long an origin may be away before the run gives up. */
  readonly patienceMs: number;
  /** How long hashing one file may take. */
  readonly fileTimeoutMs: number;
  /** `true`: stored files whose colours are not known are read once more. */
  readonly rereadsForColours?: boolean | undefined;
}

/** Files that share a batch are reported together; more would make a batch of tiny files endless. */
export const FILES_PER_BATCH = 5_000;
