/** `godwit adopt` */

import type { Problem } from "../../errors.ts";
import type { AdoptReport } from "../../run/adopt/adopt-report.ts";
import { adopt } from "../../run/adopt.ts";
import type { Answer, Invocation } from "../command.ts";
import { formatProblem, type Paint } from "../output/problems.ts";
import { withSession } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { tool, table, assume, dryRun } = invocation.flags;
  return withSession(invocation, async ({ target, context }) => {
    const report = await adopt(
      target,
      {
        tool: typeof tool === "string" ? tool : undefined,
        table: typeof table === "string" ? table : undefined,
        assume: assume === true,
        dryRun: dryRun === true,
      },
      context,
    );
    return { json: { report }, text: textOf(report, invocation.terminal.paint), result: report.dryRun };
  });
}

/** How many rows of a long history are shown. The middle is left out. */
const SHOWN = 20;

function textOf(report: AdoptReport, paint: Paint): string {
  const { applied, pending, skipped, tool, table, database, dryRun, warnings } = report;
  const fresh = applied.filter((row) => !row.already);
  const width = Math.max(0, ...applied.map((row) => row.revision.length));
  const lines = applied.map(({ revision, at, file, assumed, already }) => {
    const remarks = [
      ...(already ? ["already in our ledger"] : []),
      ...(assumed ? ["assumed"] : []),
      ...(file ? [] : ["without file"]),
    ].join(", ");
    return `  ${revision.padEnd(width)}  ${paint("dim", [at, remarks].filter(Boolean).join("  "))}`.trimEnd();
  });
  return [
    ...warnings.filter(isUntold).map((problem) => formatProblem("warning", problem, paint)),
    `${applied.length} applied by ${tool} (${table}):`,
    ...shortened(lines),
    ...(pending.length === 0 ? ["Nothing is pending."] : [`${pending.length} pending:`]),
    ...shortened(
      pending.map((id) => `  ${id}${skipped.includes(id) ? `  ${paint("dim", PASSED_OVER)}` : ""}`),
    ),
    ...(skipped.length === 0
      ? []
      : [
          `${paint("cyan", "→")} ${tool} treats ${skipped.join(", ")} as applied, although no row says that it ran. Look at the database. If it is missing, run it with \`godwit up --out-of-order\`. If it is there, use \`godwit adopt --assume\`.`,
        ]),
    dryRun
      ? `Nothing was written: ${fresh.length} to adopt.`
      : fresh.length === 0
        ? "Nothing new to adopt."
        : `Adopted ${fresh.length}. Only the ledger of ${database} was changed.`,
    ...(dryRun || report.mirrored !== false ? [] : [notKept(tool)]),
  ].join("\n");
}

/** Whether a warning was not told yet. Warnings of the run were told when they arose. */
function isUntold({ code }: Problem): boolean {
  return code !== "DATABASE_NOT_REPLICATED";
}

function notKept(tool: string): string {
  return `From now on ${tool} does not learn what is applied here. To be able to go back to ${tool}, use --mirror ${tool}, or mirror: "${tool}" in godwit.config.ts.`;
}

const PASSED_OVER = "skipped";

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= SHOWN) return lines;
  const left = lines.length - SHOWN;
  return [...lines.slice(0, SHOWN / 2), `  … ${left} more`, ...lines.slice(-SHOWN / 2)];
}
