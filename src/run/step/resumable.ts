/** The problems that `up` would meet in steps that an earlier run has begun, for commands that only look. */
import type { Plan } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { withConnection } from "../session/connect.ts";
import type { RunContext, Target } from "../session/target.ts";
import { prepareSteps } from "./prepare.ts";
import type { Prepared } from "./prepared.ts";

export async function refusedResumes(
  target: Target,
  { decided, files, history }: { decided: Plan; files: Listing; history: RecordedHistory },
  context: RunContext,
): Promise<readonly Problem[]> {
  const steps = decided.steps.filter(({ reason }) => reason === "resume");
  if (steps.length === 0) return [];
  const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
  const prepared = await prepareSteps({
    steps,
    migrations,
    source: target.source,
    history,
    signal: context.signal,
  });
  return withConnection(target, context, async (connection) => [
    ...(await resumeRefusals(target, connection, prepared)).values(),
  ]);
}

/** By revision: why a step that an earlier run has begun can't go on. */
export async function resumeRefusals(
  target: Target,
  connection: Connection,
  steps: readonly Prepared[],
): Promise<ReadonlyMap<string, Problem>> {
  const refusals = new Map<string, Problem>();
  for (const one of steps) {
    if (one.step.reason !== "resume" || one.problem !== null) continue;
    try {
      await one.form.refuseResume(target, connection, one);
    } catch (error) {
      if (!(error instanceof PlanRefused)) throw error;
      refusals.set(one.step.revision, error.toProblem());
    }
  }
  return refusals;
}
