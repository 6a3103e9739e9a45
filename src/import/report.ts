/** What an import did, as data. */
import type { Problem } from "../errors.ts";

export interface ImportReport {
  readonly import: string;
  /** Where the files came from, without secrets. */
  readonly origin: string;
  readonly runId: string;
  /** `done`: every file of the origin has its row or a reason why it has none. */
  readonly outcome: "done" | "failed" | "interrupted" | "skipped";
  readonly startedAt: string;
  readonly durationMs: number;
  /** What the scan saw. `ignored`: NAS debris and what is excluded. `outside`: files that do not fit the pattern. */
  readonly scanned: {
    readonly folders: number;
    readonly files: number;
    readonly bytes: number;
    readonly ignored: number;
    readonly outside: number;
  };
  /** What this run did. */
  readonly stored: number;
  readonly moved: number;
  /** Rows that somebody had deleted and that were written again. */
  readonly restored: number;
  readonly bytesRead: number;
  /** How all files of this import stand now. */
  readonly files: Readonly<Record<string, number>>;
  /** Files that need a person; at most 20. */
  readonly troubles: readonly FileTrouble[];
  readonly warnings: readonly Problem[];
}

export interface FileTrouble {
  readonly path: string;
  readonly state: string;
  readonly code: string;
  readonly reason: string;
}
