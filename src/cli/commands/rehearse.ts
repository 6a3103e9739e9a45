/** `godwit rehearse` */
import { migrateOptions } from "../../assemble/options.ts";
import { rehearsalParts } from "../../assemble/rehearsal.ts";
import { shownStatement } from "../../core/sql/shown.ts";
import type { RehearsalReport, RehearsedStatement, RehearsedStep } from "../../rehearsal/report.ts";
import { directionOf } from "../../run/plan.ts";
import { rehearse } from "../../run/rehearse.ts";
import type { Answer, Invocation } from "../command.ts";
import type { Paint } from "../output/problems.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const to = invocation.arguments[0] ?? "heads";
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = migrateOptions(config, directionOf(to), to);
    const report = await rehearse(
      target,
      { ...options, ...rehearsalParts(config, target, invocation.say) },
      context,
    );
    return {
      json: { ...report },
      text: textOf(report, invocation.terminal.paint),
      result: true,
      exitCode: report.counts.failed > 0 ? 1 : 0,
    };
  });
}

function textOf(report: RehearsalReport, paint: Paint): string {
  const { scratch, version, otherVersion, gaps, steps, counts } = report;
  if (steps.length === 0) return "Nothing is pending, so nothing was rehearsed.";
  const { rehearsed, notRehearsed, notUnderstood, failed } = counts;
  return [
    ...(scratch === null
      ? []
      : [
          `Rehearsed on PostgreSQL ${scratch}${otherVersion ? `, which is another version than the target's ${version}` : ""}. The target was not touched.`,
        ]),
    ...gaps.map((gap) => `${paint("yellow", "differs:")} ${gap}`),
    ...steps.flatMap((step) => linesOf(step, paint)),
    `${rehearsed} rehearsed, ${notRehearsed} not rehearsed, ${notUnderstood} not understood${failed === 0 ? "" : `, ${failed} failed`}.`,
  ].join("\n");
}

function linesOf(step: RehearsedStep, paint: Paint): readonly string[] {
  const { revision, file, risk, notRehearsed, statements } = step;
  const verdict = notRehearsed === null ? (risk ?? "not known") : `not rehearsed: ${notRehearsed}`;
  return [
    `${revision}  ${paint("dim", file)}  ${painted(verdict, paint)}`,
    ...statements.flatMap((statement) => statementLines(statement, paint)),
  ];
}

function statementLines(statement: RehearsedStatement, paint: Paint): readonly string[] {
  const { line, text, state, risk, why, safer, locks } = statement;
  const place = line === null ? "" : `line ${line}: `;
  const verdict = state === "rehearsed" ? (risk ?? "not known") : state;
  const shown = locks
    .filter(({ kind }) => kind !== "index")
    .map(({ relation, mode }) => `${mode} on ${relation}`);
  return [
    `  ${place}${shownStatement(text)}  ${painted(verdict, paint)}`,
    `      ${why}`,
    ...(risk === "safe" && shown.length > 0 ? [`      Locks: ${shown.join(", ")}.`] : []),
    ...(safer === null ? [] : [`      Safer: ${safer}`]),
  ];
}

function painted(verdict: string, paint: Paint): string {
  if (verdict === "safe") return paint("green", verdict);
  return paint(verdict === "brief lock" ? "dim" : verdict === "failed" ? "red" : "yellow", verdict);
}
