/** What `adopt` did or would do, as data. */
import type { Problem } from "../../errors.ts";

export interface AdoptReport {
  readonly target: string;
  readonly database: string;
  readonly tool: string;
  readonly table: string;
  /** `true`: nothing was written. */
  readonly dryRun: boolean;
  readonly applied: readonly AdoptedRow[];
  /** Files that will run next. */
  readonly pending: readonly string[];
  /** Pending files that the tool has passed over. */
  readonly skipped: readonly string[];
  /** Applied revisions whose text was not that of the present file. */
  readonly edited: readonly string[];
  /** Rows that have no file here. */
  readonly missing: readonly string[];
  readonly warnings: readonly Problem[];
  /** Whether its history is mirrored from now on. `null`: it cannot be, or its files do not run here. */
  readonly mirrored: boolean | null;
}

export interface AdoptedRow {
  readonly revision: string;
  /** When it was applied (ISO 8601). `null`: the tool did not record it. */
  readonly at: string | null;
  /** Whether it has a file here. */
  readonly file: boolean;
  /** Whether only a later row implies it, and none of its own. */
  readonly assumed: boolean;
  /** Whether our ledger had it already. */
  readonly already: boolean;
}
