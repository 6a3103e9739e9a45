/** A rehearsed plan as a comment for a pull request. What others wrote stays text there: it makes no table, link or mention. */
import { writtenStatement } from "../../core/sql/shown.ts";
import type { RehearsedStatement } from "../../rehearsal/report.ts";
import type { Forecast } from "../../run/forecast.ts";
import type { Report } from "../../run/report/report.ts";
import {
  gapWords,
  outageWords,
  presentWords,
  sizeWords,
  stepVerdict,
  verdictOf,
  waitWords,
} from "./forecast.ts";
import { code, text } from "./markdown.ts";

export function markdownOf(report: Forecast, held: Report["held"]): string {
  const { steps, scratch, gaps, counts } = report;
  const heldLine =
    held.length === 0
      ? []
      : ["", `Held back for a later phase: ${held.map(({ revision }) => code(revision)).join(", ")}.`];
  if (steps.length === 0) return ["### Migrations: nothing is pending", ...heldLine].join("\n");
  const { rehearsed, notRehearsed, notUnderstood, failed } = counts;
  return [
    `### Migrations: ${steps.length} pending`,
    "",
    "| Migration | Statement | Risk | What happens | Safer |",
    "| --- | --- | --- | --- | --- |",
    ...steps.flatMap((step) => {
      const { revision, notRehearsed: because, statements } = step;
      const why = because === null ? outageWords(step) : [`Not rehearsed: ${because}.`];
      if (statements.length === 0)
        return [
          row([
            code(revision),
            "",
            mark(because === null ? stepVerdict(step, report) : "not known"),
            why.map(text).join("<br>"),
            "",
          ]),
        ];
      return statements.map((statement, index) =>
        row([index === 0 ? code(revision) : "", ...cellsOf(statement, report, index === 0 ? why : [])]),
      );
    }),
    "",
    ...gapWords(report).map((gap) => `- The rehearsal differs from the target: ${text(gap)}`),
    ...(gaps.length === 0 ? [] : [""]),
    `${scratch === null ? "" : `Rehearsed on PostgreSQL ${scratch}${text(presentWords(report))}. `}${rehearsed} rehearsed, ${notRehearsed} not rehearsed, ${notUnderstood} not understood${failed === 0 ? "" : `, ${failed} failed`}.`,
    ...heldLine,
  ].join("\n");
}

function cellsOf(
  statement: RehearsedStatement,
  report: Forecast,
  before: readonly string[],
): readonly string[] {
  const { state, why, safer } = statement;
  const verdict = state === "rehearsed" ? verdictOf(statement, report) : state;
  const words = [...before, why, ...sizeWords(statement, report), ...waitWords(statement, report)];
  return [
    code(writtenStatement(statement.text)),
    mark(verdict),
    words.map(text).join("<br>"),
    text(safer ?? ""),
  ];
}

const MARKS: Readonly<Record<string, string>> = {
  safe: "🟢",
  "brief lock": "🟢",
  failed: "🔴",
  "blocks writes": "🟠",
  "blocks reads": "🔴",
};

function mark(verdict: string): string {
  const sign = MARKS[verdict] ?? (verdict.startsWith("rewrites") ? "🔴" : "⚪");
  return `${sign} ${verdict}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
