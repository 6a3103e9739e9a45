/** The problems that `up` would meet in steps that an earlier run has begun, for commands that only look. */
import type { Migration } from "../../core/migration.ts";
import type { Plan } from "../../core/plan.ts";
import type { Step } from "../../core/step.ts";
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem, SourceError } from "../../errors.ts";
import type { RecordedHistory } from "../../ledger/ledger.ts";
import type { Listing } from "../../source/source.ts";
import { sessionKind, withConnection } from "../session/connect.ts";
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
  const finding = findingSchema(decided.steps, migrations);
  return withConnection(target, context, async (connection) => [
    ...(await resumeRefusals(target, connection, prepared, { context, finding })).values(),
  ]);
}

/** Steps that find the schema as it is now: there are only backfills before them, which change rows. */
export function findingSchema(
  steps: readonly Step[],
  migrations: ReadonlyMap<string, Migration>,
): ReadonlySet<string> {
  const first = steps.findIndex(({ revision }) => migrations.get(revision)?.backfill === undefined);
  const finding = first < 0 ? steps : steps.slice(0, first + 1);
  return new Set(finding.map(({ revision }) => revision));
}

interface ResumeQuestion {
  readonly context: RunContext;
  readonly finding: ReadonlySet<string>;
}

/** By revision: why a step that an earlier run has begun can't go on. */
export async function resumeRefusals(
  target: Target,
  connection: Connection,
  ...[steps, { context, finding }]: readonly [steps: readonly Prepared[], looking: ResumeQuestion]
): Promise<ReadonlyMap<string, Problem>> {
  const refusals = new Map<string, Problem>();
  const kind = sessionKind(connection, context);
  for (const one of steps) {
    const { revision, reason } = one.step;
    if (reason !== "resume" || one.problem !== null) continue;
    try {
      await one.form.refuseResume(target, connection, one, { kind, findsSchema: finding.has(revision) });
    } catch (error) {
      if (!(error instanceof PlanRefused || error instanceof SourceError)) throw error;
      refusals.set(revision, error.toProblem());
    }
  }
  return refusals;
}
