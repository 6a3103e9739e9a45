/** `up --dry-run` */
import { assembleImports } from "../../assemble/imports.ts";
import { migrateOptions } from "../../assemble/options.ts";
import { dryRun } from "../../run/dry-run.ts";
import type { DryRunFailure, DryRunReport } from "../../run/report/dry-run-report.ts";
import type { Answer, Invocation } from "../command.ts";
import { exitCodeOfProblems } from "../output/exit.ts";
import { formatProblem, type Paint } from "../output/problems.ts";
import { withFiles } from "../session.ts";

export async function tryOut(invocation: Invocation, to: string): Promise<Answer> {
  return withFiles(invocation, async ({ target, config, context }) => {
    const imports = () => assembleImports(config);
    const report = await dryRun(target, { ...migrateOptions(config, "up", to), imports }, context);
    const sure = [...report.failures, ...report.importFailures].filter(({ uncertain }) => !uncertain);
    const problems = sure.map(({ problem }) => problem);
    const most = invocation.flags.verbose === true ? Number.POSITIVE_INFINITY : MOST_NAMED;
    return {
      json: { report, ...(problems.length === 0 ? {} : { problems }) },
      text: textOf(report, { paint: invocation.terminal.paint, most }),
      result: true,
      exitCode: report.outcome === "failed" ? exitCodeOfProblems(problems, invocation.exitCodes) : 0,
    };
  });
}

/** How many items are named. More would hide the rest. `--verbose` and JSON name all. */
const MOST_NAMED = 20;

interface ListStyle {
  readonly paint: Paint;
  readonly most: number;
}

function textOf(
  { tried, notTried, failures, outcome, notImported, importFailures, warnings }: DryRunReport,
  look: ListStyle,
): string {
  const sure = failures.filter(({ uncertain }) => !uncertain);
  const unsure = failures.filter(({ uncertain }) => uncertain);
  return [
    ...shortened(
      warnings.map((problem) => formatProblem("warning", problem, look.paint)),
      look,
    ),
    triedLine(tried, look),
    ...shortened(
      notTried.map(({ revision, because }) => `Not tried: ${revision} (${because}).`),
      look,
    ),
    ...(notImported.length === 0 ? [] : [`Not imported: ${notImported.join(", ")}.`]),
    ...importFailures.map(({ problem, uncertain }) =>
      formatProblem(uncertain ? "warning" : "error", problem, look.paint),
    ),
    ...shortened(
      sure.map(({ problem }) => formatProblem("error", problem, look.paint)),
      look,
    ),
    ...shortened(
      unsure.map((each) => uncertainLine(each)),
      look,
    ),
    ...(outcome === "uncertain"
      ? [
          "Nothing certainly failed, but not everything could be tried. This does not prove that `godwit up` succeeds.",
        ]
      : []),
  ].join("\n");
}

function triedLine(tried: readonly string[], { most }: ListStyle): string {
  if (tried.length === 0) return "Tried and rolled back: nothing.";
  if (tried.length <= most) return `Tried and rolled back: ${tried.join(", ")}.`;
  const named = tried.slice(0, 3).join(", ");
  return `Tried and rolled back: ${tried.length} migrations, ${named}, … ${tried.at(-1)}.`;
}

function uncertainLine({ revision, problem }: DryRunFailure): string {
  return `Uncertain: ${revision} failed, perhaps only because something before it could not be tried or something was in its way: ${problem.message}`;
}

function shortened(lines: readonly string[], { most }: ListStyle): readonly string[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most), `… and ${lines.length - most} more: --verbose lists them all.`];
}
