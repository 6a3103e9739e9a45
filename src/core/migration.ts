/** A migration as its author wrote it: identity, place, settings. Never its text (memory stays flat). */
import type { Problem } from "../errors.ts";

/** When a migration runs, in this order. `contract` (destructive) runs only when released. */
export const PHASES = ["startup", "import", "complex", "contract"] as const;
export type Phase = (typeof PHASES)[number];

/** `repeatable` runs again whenever its text changed, after everything else. */
export type MigrationKind = "sql" | "module" | "repeatable";
export type Direction = "up" | "down";

/** Timeouts and switches of one migration; `undefined` means the run's own value. */
export interface MigrationSettings {
  /** `undefined`: found out from the statements. `false`: one statement after the other. */
  readonly transaction?: boolean | undefined;
  readonly lockTimeoutMs?: number | undefined;
  /** 0 means none. */
  readonly statementTimeoutMs?: number | undefined;
  /** `true` lets row-level security filter rows; the default turns that into an error. */
  readonly rowSecurity?: boolean | undefined;
  /** `true`: may run although a later migration is applied already. */
  readonly outOfOrder?: boolean | undefined;
  /** A run that does not know this revision refuses a database in which this migration is applied. */
  readonly minimumRevision?: string | undefined;
  /** `true`: harmless to run again after it was cut off in the middle. Only modules can say so. */
  readonly idempotent?: boolean | undefined;
}

/** What another tool's history table knows a migration by. */
export interface ToolKey {
  /** Version, name or id: as it stands in that table, as text. */
  readonly version: string;
  /** Its checksums, as they stand there, for texts that the tool takes for this one; empty where it keeps none. */
  readonly checksums: readonly string[];
  /** What else its row says, by column. */
  readonly columns?: Readonly<Record<string, string | number | null>> | undefined;
}

export interface Migration {
  /** File name without extensions; what the ledger knows it by. */
  readonly id: string;
  readonly kind: MigrationKind;
  /** The digits in front of the name, without leading zeros; `null` for a file without a number. */
  readonly number: string | null;
  /** Its place in the line, where the source itself knows the order (another tool's); then `number` is `null`. */
  readonly position?: number | undefined;
  /** `true`: runs again whenever its text changed, like a repeatable, but in its place in the line. */
  readonly rerun?: boolean | undefined;
  /** Path below the source's folder, with `/`; what people are shown. */
  readonly file: string;
  /** Parents in a revision graph; `null`: it takes its place in the line of its source. */
  readonly revises: readonly string[] | null;
  /** Migrations that must be applied before this one, without being its parents. */
  readonly depends: readonly string[];
  readonly phase: Phase;
  /** `sha256:<hex>` of the canonical text. For a pair of files: of the up part. */
  readonly checksum: string;
  /** `tokens:<hex>`, equal for texts that differ only in comments and white space; `null` where unknown. */
  readonly fingerprint: string | null;
  /** Whether there is a way back. */
  readonly revertible: boolean;
  readonly settings: MigrationSettings;
  /** Its key in the history of the tool that it was written for. */
  readonly tool?: ToolKey | undefined;
  /** Why it cannot run, when its file is broken. Its name still takes its place in the order. */
  readonly problem?: Problem | undefined;
}
