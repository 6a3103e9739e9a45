/** Whether what an earlier run has begun can be gone on with: what `up` would refuse of it, for those who only look. */
import type { Plan } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { judge } from "../catalog/judge.ts";
import type { Before } from "../catalog/snapshot.ts";
import { withConnection } from "../session/connect.ts";
import type { RunContext, Target } from "../session/target.ts";
import { statementsOf } from "./body.ts";
import { interrupted } from "./module.ts";
import { prepareSteps } from "./prepare.ts";
import type { Prepared } from "./prepared.ts";
import { undecided } from "./statement-outside.ts";
import { checkUnchanged } from "./statements.ts";

export async function refusedResumes(
  target: Target,
  { decided, files, history }: { decided: Plan; files: Listing; history: RecordedHistory },
  context: RunContext,
): Promise<readonly Problem[]> {
  const steps = decided.steps.filter(({ reason }) => reason === "resume");
  if (steps.length === 0) return [];
  const migrations = new Map(files.migrations.map((migration) => [migration.id, migration]));
  const prepared = await prepareSteps({ steps, migrations, source: target.source, history });
  return withConnection(target, context, async (connection) => {
    const problems: Problem[] = [];
    for (const one of prepared) {
      try {
        await refuseResume(target, connection, one);
      } catch (error) {
        if (!(error instanceof PlanRefused)) throw error;
        problems.push(...error.problems);
      }
    }
    return problems;
  });
}

/** Throws `PlanRefused`. */
async function refuseResume(target: Target, connection: Connection, prepared: Prepared): Promise<void> {
  const { step, form, settings, problem } = prepared;
  if (problem !== null) return;
  if (form !== "statements") {
    if (form === "module-outside" && settings.idempotent === true) return;
    throw interrupted(prepared);
  }
  const body = await prepared.load();
  if (body.kind !== "sql") return;
  const statements = statementsOf(body);
  const recorded = await target.ledger.statements(connection, step.revision, step.direction);
  checkUnchanged({ prepared, body }, statements, recorded);
  for (const { position, state, before } of recorded) {
    const statement = statements[position - 1];
    if (state === "done" || statement === undefined) continue;
    const verdict = await judge(connection, statement, (before ?? null) as Before | null);
    if (verdict === "unknown") throw undecided({ body }, { revision: step.revision, position }, statement);
  }
}
