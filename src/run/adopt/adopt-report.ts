/** What adopting has come to, as data. */
import type { Problem } from "../../errors.ts";

export interface AdoptReport {
  readonly target: string;
  readonly database: string;
  readonly tool: string;
  readonly table: string;
  /** Nothing was written. */
  readonly dryRun: boolean;
  readonly applied: readonly AdoptedRow[];
  /** Files that will run next. */
  readonly pending: readonly string[];
  /** Of the pending, those that the tool has passed over. */
  readonly skipped: readonly string[];
  /** Applied, from a text that is not the file's. */
  readonly edited: readonly string[];
  /** Rows that speak of no file. */
  readonly missing: readonly string[];
  readonly warnings: readonly Problem[];
  /** Whether its history is kept in step from now on; `null`: it cannot be, or its files are not run here. */
  readonly mirrored: boolean | null;
}

export interface AdoptedRow {
  readonly revision: string;
  /** When, as far as the tool kept that. */
  readonly at: string | null;
  /** Has a file here. */
  readonly file: boolean;
  /** No row says so, only a later one. */
  readonly assumed: boolean;
  /** Was in our ledger already. */
  readonly already: boolean;
}
