/** What the ledger says has been applied to a database. */
import type { MigrationKind, Phase } from "./migration.ts";

export interface HistoryEntry {
  readonly revision: string;
  /** Rises with every row the ledger ever held: the order in which things were applied. */
  readonly sequence: number;
  readonly kind: MigrationKind;
  /**
   * `partial`: a non-transactional migration of which some statements are done and some are not.
   * `reverting`: the same on its way back.
   */
  readonly state: "applied" | "partial" | "reverting";
  /** Declared present by a person, without running. */
  readonly baseline: boolean;
  readonly phase: Phase;
  readonly number: string | null;
  /** What it stood on when it was applied: parents and `depends` together. */
  readonly parents: readonly string[];
  readonly file: string;
  readonly checksum: string;
  readonly fingerprint: string | null;
  /** The SQL that takes it back, kept because the file may be gone by then. */
  readonly revertScript: string | null;
  readonly minimumRevision: string | null;
}

/**
 * Whether a file of it has ever been here. What was adopted from a tool whose files are programs has none: its row names the tool
 * in parentheses in the place of a file.
 */
export function hasHadFile({ baseline, file }: Pick<HistoryEntry, "baseline" | "file">): boolean {
  return !(baseline && /^\(.*\)$/.test(file));
}

export interface History {
  readonly entries: readonly HistoryEntry[];
  /** The project that owns the ledger, where the configuration names one. */
  readonly project: string | null;
}

export const EMPTY_HISTORY: History = { entries: [], project: null };
