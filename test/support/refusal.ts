/** What a run says when it does not do what was asked. */
import { GodwitError, type Problem, problemsOf } from "../../src/errors.ts";
import type { Report } from "../../src/run/report/report.ts";
import { ledgerSchema, type TestDatabase } from "./database.ts";

export interface Refusal {
  readonly error: GodwitError & { readonly report?: Report };
  /** Everything that was found, the first one first. */
  readonly problems: readonly Problem[];
  readonly codes: readonly string[];
}

/** The error with which it ends; fails when it does not, or when it was a bug. */
export async function refusalOf(run: Promise<unknown>): Promise<Refusal> {
  const error = await run.then(
    () => {
      throw new Error("It was done, although it had to be refused.");
    },
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GodwitError)) throw error;
  const problems = problemsOf(error);
  return { error: error as Refusal["error"], problems, codes: problems.map(({ code }) => code) };
}

/** Revisions in the ledger in the order in which they were applied. */
export async function appliedIn(db: TestDatabase): Promise<string[]> {
  const rows = await db.sql(
    `select revision from "${ledgerSchema}".migration_history where state = 'applied' order by sequence`,
  );
  return rows.map((row) => String(row.revision));
}
