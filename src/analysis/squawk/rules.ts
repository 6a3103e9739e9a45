/** What becomes of each rule of Squawk: a row only where we differ from it. */
import type { Level } from "../finding.ts";

export interface SquawkRule {
  readonly id: string;
  readonly level: Level | "off";
  /** Why it differs from Squawk's own default. */
  readonly because: string;
  /** Squawk applies it only where it is asked to. */
  readonly optIn?: true;
}

const IN_TRANSACTION = "A step runs in one transaction, or goes on behind its last statement that is done.";
const SETS_TIMEOUTS = "Each run sets lock_timeout and statement_timeout itself.";
const DESIGN = "It is about how a table is designed, and harms no release.";

export const SQUAWK_RULES: readonly SquawkRule[] = [
  { id: "prefer-robust-stmts", level: "off", because: IN_TRANSACTION },
  { id: "require-timeout-settings", level: "off", because: SETS_TIMEOUTS },
  { id: "require-lock-timeout", level: "off", because: SETS_TIMEOUTS },
  { id: "require-statement-timeout", level: "off", because: SETS_TIMEOUTS },
  {
    id: "transaction-nesting",
    level: "off",
    because: "`up` refuses BEGIN and COMMIT in its own layout, and keeps them in those of other tools.",
  },
  {
    id: "ban-uncommitted-transaction",
    level: "off",
    because: "`up` refuses BEGIN and COMMIT in its own layout, and keeps them in those of other tools.",
  },
  {
    id: "ban-concurrent-index-creation-in-transaction",
    level: "off",
    because: "outside-in-transaction and mixed-transaction know how the step runs.",
  },
  {
    id: "require-concurrent-index-creation",
    level: "off",
    because: "index-without-concurrently says the same.",
  },
  { id: "adding-not-nullable-field", level: "off", because: "not-null-without-check says the same." },
  { id: "adding-required-field", level: "off", because: "required-column says the same." },
  { id: "changing-column-type", level: "off", because: "column-type-change says the same." },
  { id: "renaming-column", level: "off", because: "rename-in-place knows the phase." },
  { id: "renaming-table", level: "off", because: "rename-in-place knows the phase." },
  { id: "ban-drop-column", level: "off", because: "destructive-outside-contract knows the phase." },
  { id: "ban-drop-table", level: "off", because: "destructive-outside-contract knows the phase." },
  { id: "require-table-schema", level: "off", because: "Squawk itself has it off.", optIn: true },
  { id: "prefer-text-field", level: "hint", because: DESIGN },
  { id: "prefer-bigint-over-int", level: "hint", because: DESIGN },
  { id: "prefer-bigint-over-smallint", level: "hint", because: DESIGN },
  { id: "prefer-identity", level: "hint", because: DESIGN },
  { id: "prefer-timestamptz", level: "hint", because: DESIGN },
  { id: "ban-char-field", level: "hint", because: DESIGN },
  { id: "require-enum-value-ordering", level: "hint", because: DESIGN },
];

/** Rules of Squawk 2.66 that keep the level that Squawk gives them. */
export const SQUAWK_DEFAULTS: readonly string[] = [
  "adding-field-with-default",
  "adding-foreign-key-constraint",
  "adding-serial-primary-key-field",
  "ban-alter-domain-with-add-constraint",
  "ban-create-domain-with-constraint",
  "ban-drop-database",
  "ban-drop-not-null",
  "ban-duplicate-column-assignments",
  "ban-truncate-cascade",
  "constraint-missing-not-valid",
  "disallowed-unique-constraint",
  "identifier-too-long",
  "prefer-repack",
  "require-concurrent-index-deletion",
  "require-concurrent-partition-detach",
  "require-concurrent-reindex",
];
