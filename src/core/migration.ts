/**
 * A migration as its author wrote it: identity, place in the order, settings. The text is not part of it, so that memory
 * does not grow with the size of the files.
 */
import type { Problem } from "../errors.ts";
import type { Backfill } from "./backfill.ts";
import type { Expectation } from "./expectation.ts";

/** The phases, in the order in which they run. `contract` (destructive) runs only when it is released. */
export const PHASES = ["startup", "import", "complex", "contract"] as const;
export type Phase = (typeof PHASES)[number];

/** A `repeatable` runs again whenever its text changes, after everything else. */
export type MigrationKind = "sql" | "module" | "repeatable";
export type Direction = "up" | "down";

/** Timeouts and switches of one migration. `undefined` means that the run's own value applies. */
export interface MigrationSettings {
  /** `undefined`: the statements decide. `false`: the statements run one after the other, each by itself. */
  readonly transaction?: boolean | undefined;
  readonly lockTimeoutMs?: number | undefined;
  /** 0 means none. */
  readonly statementTimeoutMs?: number | undefined;
  /** `true`: row-level security may filter rows. By default, filtering is an error. */
  readonly rowSecurity?: boolean | undefined;
  /** `true`: it may run even if a later migration is already applied. */
  readonly outOfOrder?: boolean | undefined;
  /** While this migration is applied, a run whose files lack this revision refuses the database. */
  readonly minimumRevision?: string | undefined;
  /** `true`: running it again after an interruption does no harm. Only modules can declare this. */
  readonly idempotent?: boolean | undefined;
  /** What must hold after the way up, before it is committed. */
  readonly expect?: readonly Expectation[] | undefined;
}

/** How the history table of another tool identifies a migration. */
export interface ToolKey {
  /** The version, name or id, as that table stores it, as text. */
  readonly version: string;
  /** The checksums that the tool accepts for this migration, as its table stores them. Empty if it stores none. */
  readonly checksums: readonly string[];
  /** Further values of its row, by column name. */
  readonly columns?: Readonly<Record<string, string | number | null>> | undefined;
}

export interface Migration {
  /** The file name without extensions. The ledger identifies the migration by it. */
  readonly id: string;
  readonly kind: MigrationKind;
  /** The digits at the start of the name, without leading zeros. `null` for a file without a number. */
  readonly number: string | null;
  /** The place in the line, if the source itself gives the order (as other tools do). `number` is then `null`. */
  readonly position?: number | undefined;
  /** `true`: it runs again whenever its text changes, like a repeatable, but it keeps its place in the line. */
  readonly rerun?: boolean | undefined;
  /** The path below the source's folder, with `/`. This is what you see in messages. */
  readonly file: string;
  /** The parents in a revision graph. `null`: it takes its place in the line of its source. */
  readonly revises: readonly string[] | null;
  /** Migrations that must be applied before this one but are not its parents. */
  readonly depends: readonly string[];
  /** Those of `depends` that are backfills and must be finished before this one begins. */
  readonly requires?: readonly string[] | undefined;
  readonly phase: Phase;
  /** `sha256:<hex>` of the canonical text. If up and down are two files, it is that of the up file. */
  readonly checksum: string;
  /** `tokens:<hex>`, equal for texts that differ only in comments and white space. `null` if unknown. */
  readonly fingerprint: string | null;
  /** Whether it can be reverted. */
  readonly revertible: boolean;
  readonly settings: MigrationSettings;
  /** It rewrites rows of a table in windows. `up` alone does; the way down is an ordinary one. */
  readonly backfill?: Backfill | undefined;
  /** Its key in the history of the tool that it was written for. */
  readonly tool?: ToolKey | undefined;
  /** Why it cannot run, if its file is broken. The migration still takes its place in the order. */
  readonly problem?: Problem | undefined;
  /** What is said where it is about to run, and stops nothing. */
  readonly note?: Problem | undefined;
}
