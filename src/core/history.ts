/** What the ledger says has been applied to a database. */
import type { MigrationKind, Phase } from "./migration.ts";

export interface HistoryEntry {
  readonly revision: string;
  /** Rises with every row that the ledger ever held. It gives the order in which things were applied. */
  readonly sequence: number;
  readonly kind: MigrationKind;
  /**
   * `partial`: a non-transactional migration of which some statements are done and some are not.
   * `reverting`: the same, while it is being reverted.
   */
  readonly state: "applied" | "partial" | "reverting";
  /** A person declared it present, and it was not run. */
  readonly baseline: boolean;
  readonly phase: Phase;
  readonly number: string | null;
  /** Its parents and `depends` at the time it was applied. */
  readonly parents: readonly string[];
  readonly file: string;
  readonly checksum: string;
  readonly fingerprint: string | null;
  /** The SQL that reverts it. The ledger stores it because the file may be gone when it is needed. */
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
  /** The project that owns the ledger, if the configuration names one. */
  readonly project: string | null;
  /** Revisions that a baseline has replaced. What they did is in the database. */
  readonly replaced?: ReadonlySet<string> | undefined;
  /** Pending revisions whose text holds that of applied ones without a file, which are named. */
  readonly putTogether?: ReadonlyMap<string, readonly string[]> | undefined;
  /** How far half-done backfills are. Left out: nobody has asked. */
  readonly backfills?: ReadonlyMap<string, BackfillProgress> | undefined;
  /** Backfills that another run is carrying out at the moment, and what its session is called. */
  readonly running?: ReadonlyMap<string, string> | undefined;
  /** How far what is being taken back is. Left out: nobody has asked. */
  readonly waysBack?: ReadonlyMap<string, WayBackProgress> | undefined;
  /** The tables that backfills name in other words: the same value is the same table. Left out: nobody has asked. */
  readonly backfillTables?: ReadonlyMap<string, string> | undefined;
  /** What a person has deleted from the history by hand. It runs again, wherever it is in the order. */
  readonly again?: ReadonlySet<string> | undefined;
}

/** The rows that its windows had. `estimatedRows` is `null` if the table was never analysed. */
export interface BackfillProgress {
  readonly rows: number;
  readonly estimatedRows: number | null;
}

/** `restored`: rows that have their old values again, of about `rows`. Both are `null` where no old values are kept. */
export interface WayBackProgress {
  readonly restored: number | null;
  readonly rows: number | null;
  /** Which run is taking it back at the moment. `null`: none. */
  readonly runBy: string | null;
}

export const EMPTY_HISTORY: History = { entries: [], project: null };
