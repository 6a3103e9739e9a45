/** The rows of the tables of the ledger, as values. */
import type { HistoryEntry } from "../core/history.ts";
import type { Direction } from "../core/migration.ts";

/** A row of the history, as it is written before the migration runs. */
export type Entry = Omit<HistoryEntry, "sequence" | "state" | "baseline"> & {
  /** A repeatable that runs for its new text. Its row replaces the old one. */
  readonly again?: boolean | undefined;
};

/** The run that writes a row. It is the same for all rows of a run. */
export interface Author {
  readonly runId: string;
  readonly host: string;
  readonly gitCommit: string | null;
  readonly version: string;
}

export interface LogEntry {
  readonly event:
    | "applied"
    | "reverted"
    | "failed"
    | "baseline"
    | "accepted"
    | "predicted"
    | "forgotten"
    | "marked-done"
    | "retry"
    | "rebuilt";
  readonly revision: string | null;
  readonly direction: Direction | null;
  readonly durationMs: number | null;
  readonly details: Readonly<Record<string, unknown>> | null;
}

/** A table of another tool, as `schema.name`. */
export interface ToolHistoryKey {
  readonly tool: string;
  readonly history: string;
}

/** What the log, or the statements of an unfinished migration, still say about a lost row. */
export interface Rebuilt {
  readonly state: HistoryEntry["state"];
  readonly baseline: boolean;
  readonly at: string | null;
  readonly executedBy: string | null;
  readonly durationMs: number | null;
}

/** One statement of a non-transactional migration. */
export interface StatementKey {
  readonly revision: string;
  readonly direction: Direction;
  readonly position: number;
  /** `sha256:` of its text. A resumed run compares it with the file. */
  readonly hash: string;
}
