/**
 * `up --max-risk`: the plan is rehearsed first, and nothing is done where a step is riskier than that. What the run then plans
 * under its lock must be what was rehearsed: another run or a new file may have come in between.
 */
import type { Plan } from "../core/step.ts";
import { PlanRefused, type Problem } from "../errors.ts";
import { excessOf } from "../prediction/excess.ts";
import type { MaxRisk } from "../prediction/max-risk.ts";
import type { Forecast } from "./forecast.ts";
import type { MigrateOptions } from "./plan.ts";
import type { RunContext } from "./session/target.ts";

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
