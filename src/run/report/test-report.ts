/** What `godwit test` has found. */
import type { Migration } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";

export interface TestedMigration {
  readonly revision: string;
  readonly file: string;
  /** The file with its rows and expectations. `null`: there is none. */
  readonly test: string | null;
  readonly state: "passed" | "failed" | "not tested";
  /** Why it was not tested. */
  readonly because: string | null;
  /** `false`: it has no way back, so it only went up. */
  readonly reversible: boolean;
  /** `true`: it runs again when it changes, so it went up twice. */
  readonly repeated: boolean;
  /** How many expectations held. */
  readonly expectations: number;
  /** What failed. */
  readonly problems: readonly Problem[];
  /** What is no failure, but should be known. */
  readonly notes: readonly string[];
}

export interface TestReport {
  /** The version of the scratch server. */
  readonly scratch: string;
  readonly migrations: readonly TestedMigration[];
  readonly counts: {
    readonly passed: number;
    readonly failed: number;
    readonly notTested: number;
    readonly irreversible: number;
  };
}

export function isRepeated({ kind, rerun }: Migration): boolean {
  return kind === "repeatable" || rerun === true;
}

/** Before anything is known of it. */
export function nothing(migration: Migration): Omit<TestedMigration, "state"> {
  const { id, file, revertible } = migration;
  const base = { revision: id, file, test: null, because: null, reversible: revertible };
  return { ...base, repeated: isRepeated(migration), expectations: 0, problems: [], notes: [] };
}

export function notTested(migration: Migration, because: string): TestedMigration {
  return { ...nothing(migration), state: "not tested", because };
}

export function countsOf(migrations: readonly TestedMigration[]): TestReport["counts"] {
  const count = (isCounted: (one: TestedMigration) => boolean) => migrations.filter(isCounted).length;
  return {
    passed: count(({ state }) => state === "passed"),
    failed: count(({ state }) => state === "failed"),
    notTested: count(({ state }) => state === "not tested"),
    irreversible: count(({ state, reversible, repeated }) => state === "passed" && !reversible && !repeated),
  };
}
