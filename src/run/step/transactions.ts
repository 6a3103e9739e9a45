/**
 * Runs steps that are one text in one transaction, several in flight at once. A step whose statement the server
 * refuses inside a transaction is run outside.
 */
import { asciiComments } from "../../core/sql/comments.ts";
import type { StepReport } from "../report/report.ts";
import type { StepContext } from "./context.ts";
import { runPipeline } from "./pipeline.ts";
import type { Prepared, Stretch } from "./prepared.ts";
import { runStatements } from "./statements.ts";

export async function runTransactions(
  context: StepContext,
  steps: readonly Prepared[],
  firstIndex: number,
  onDone: (report: StepReport) => void,
): Promise<Stretch> {
  const { done, stopped } = await runPipeline(context, steps, firstIndex, onDone);
  if (stopped === null) return { done, failed: null };
  const { prepared, outsideNeeded } = stopped;
  if (!outsideNeeded) return { done, failed: stopped };
  const outcome = await runStatements(context, prepared, firstIndex + done);
  if (!outcome.ok) return { done, failed: { prepared, outcome } };
  onDone(outcome.report);
  return { done: done + 1, failed: null };
}

/** Runs the text in the transaction of a dry run. */
export async function tryText({ connection }: StepContext, { load }: Prepared): Promise<undefined> {
  const body = await load();
  if (body.kind !== "sql") throw new Error("Only SQL is one text.");
  await connection.execute(asciiComments(body.text), { rows: "discard" });
}
