/** What `godwit test` has found. */
import type { Migration } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";

/** A migration goes through them in this order. `before`, `after` and `reverted` are the sections of its test file. */
export type TestStep = "before" | "up" | "after" | "down" | "reverted" | "up again";

export interface TestedMigration {
  readonly revision: string;
  readonly file: string;
  /** The file with its rows and expectations. `null`: there is none. */
  readonly test: string | null;
  readonly state: "passed" | "failed" | "not tested";
  /** At which step it failed. `null`: it did not, or not at one of them. */
  readonly failedAt: TestStep | null;
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
  /** Tests that belong to no migration. They fail, because what they expect was not asked. */
  readonly problems: readonly Problem[];
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

/** How many migrations each file holds. */
export function countFiles(migrations: readonly Migration[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { file } of migrations) counts.set(file, (counts.get(file) ?? 0) + 1);
  return counts;
}

/** Before anything is known of it. */
export function nothing(migration: Migration): Omit<TestedMigration, "state"> {
  const { id, file, revertible } = migration;
  const base = { revision: id, file, test: null, failedAt: null, because: null, reversible: revertible };
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
