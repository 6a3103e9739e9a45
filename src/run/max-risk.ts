/**
 * `up --max-risk`: the plan is rehearsed first, and nothing is done where a step is riskier than that. What the run then plans
 * under its lock must be what was rehearsed: another run or a new file may have come in between.
 */
import type { Plan } from "../core/step.ts";
import { PlanRefused, type Problem } from "../errors.ts";
import { excessOf } from "../prediction/excess.ts";
import type { MaxRisk } from "../prediction/max-risk.ts";
import { DriftWatch } from "./catalog/drift-watch.ts";
import type { Forecast } from "./forecast.ts";
import type { MigrateOptions } from "./plan.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

/** Rehearses what these options would do. Throws `PlanRefused` (`RISK_TOO_HIGH`) before anything is done. */
export type Approval = (options: MigrateOptions, context: RunContext) => Promise<MigrateOptions>;

/** The same options for a run that carries out what was rehearsed, and nothing else. */
export function approved(
  options: MigrateOptions,
  { decided, report }: { readonly decided: Plan; readonly report: Forecast },
): MigrateOptions {
  const { maxRisk: most, projectFlags } = options;
  if (most === undefined) return options;
  // The windows of a backfill are short by construction, whatever the number of rows.
  const backfills = new Set(decided.backfills?.map(({ revision }) => revision));
  const problems = report.steps.flatMap((step) => {
    const because = backfills.has(step.revision) ? null : excessOf(step, most);
    return because === null ? [] : [problemOf({ most, projectFlags }, step.revision, because)];
  });
  const [first, ...others] = problems;
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  const rehearsed = new Set(report.steps.map(({ revision }) => revision));
  // The plan was made before the rehearsal, so a text that has changed during either has another checksum.
  const known = new Map(decided.steps.map(({ revision, checksum }) => [revision, checksum]));
  const approve = ({ steps }: Plan) => {
    const later = steps.find(
      ({ revision, checksum }) => !rehearsed.has(revision) || known.get(revision) !== checksum,
    );
    if (later === undefined) return;
    const why = rehearsed.has(later.revision) ? "its text has changed since" : "it came after the rehearsal";
    throw new PlanRefused([problemOf({ most, projectFlags }, later.revision, `was not rehearsed: ${why}`)]);
  };
  const predicted = new Map(
    report.steps.flatMap(({ revision, predictedMs }) =>
      predictedMs === null ? [] : [[revision, predictedMs] as const],
    ),
  );
  return { ...options, approve, predicted };
}

/**
 * The refusal of a risk, with what `requireNoDrift` would refuse after it: whoever lets the risk pass would meet that in the
 * next call. Drift comes first, because the rehearsal was of the schema that it has changed.
 */
export async function withDrift(
  refused: PlanRefused,
  { target, options, context }: Refusing,
): Promise<PlanRefused> {
  if (options.requireNoDrift !== true) return refused;
  try {
    await withConnection(target, context, async (connection) => {
      const { created } = await target.ledger.read(connection);
      if (created) await new DriftWatch().refuse({ target, connection, context });
    });
  } catch (error) {
    if (context.signal.aborted) throw error;
    // What is known stays said where the look fails.
    if (!(error instanceof PlanRefused)) return refused;
    const [first = error.toProblem(), ...others] = error.problems;
    return new PlanRefused([first, ...others, ...refused.problems]);
  }
  return refused;
}

interface Refusing {
  readonly target: Target;
  readonly options: MigrateOptions;
  readonly context: RunContext;
}

interface Judging {
  readonly most: MaxRisk;
  readonly projectFlags: string | undefined;
}

function problemOf(
  { most, projectFlags = "" }: Judging,
  ...[revision, because]: [string, string]
): Problem & { code: "RISK_TOO_HIGH" } {
  return {
    code: "RISK_TOO_HIGH",
    message: `The most that this run may do is ${most}, and ${revision} ${because}.`,
    hint: `\`godwit plan --rehearse${projectFlags}\` shows every statement and the safer way. If it may be so: \`godwit up --max-risk any${projectFlags}\`.`,
    details: { revision, maxRisk: most },
  };
}
