/** `up --dry-run` */
import { type DryRunReport, dryRun } from "../../run/dry-run.ts";
import type { Answer, Invocation } from "../command.ts";
import { formatProblem } from "../problems.ts";
import { migrateOptions, withSession } from "../session.ts";

export async function tryOut(invocation: Invocation, to: string): Promise<Answer> {
  return withSession(invocation, async ({ target, config, context }) => {
    const report = await dryRun(target, migrateOptions(config, "up", to), context);
    const problems = report.failed === null ? [] : [report.failed.problem];
    return {
      json: { report, ...(problems.length === 0 ? {} : { problems }) },
      text: textOf(report, invocation),
      result: true,
      exitCode: report.failed === null ? 0 : 1,
    };
  });
}

function textOf({ tried, notTried, failed }: DryRunReport, { terminal }: Invocation): string {
  return [
    `Tried and rolled back: ${tried.length === 0 ? "nothing" : tried.join(", ")}.`,
    ...notTried.map(({ revision, because }) => `Not tried: ${revision} (${because}).`),
    ...(failed === null ? [] : [formatProblem("error", failed.problem, terminal.paint)]),
    ...(failed?.uncertain === true ? ["It may fail only because of what was not tried before it."] : []),
  ].join("\n");
}
