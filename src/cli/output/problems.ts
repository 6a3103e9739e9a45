/** Errors for people: what happened, where, and what to do next. */
import { GodwitError, type Problem, problemsOf } from "../../errors.ts";
import type { Report } from "../../run/report/report.ts";
import { presentable, redact } from "../../std/secret.ts";
import { visible, visibleLines, visibleWithin } from "../../std/visible.ts";
import type { Style } from "./terminal.ts";

export type Paint = (style: Style, text: string) => string;

/** Formats all problems of an error, one after the other. A bug of ours comes with its stack. */
export function formatError(error: unknown, paint: Paint): string {
  if (!(error instanceof GodwitError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${paint("red", "internal error:")} ${visibleLines(presentable(stack))}\n`;
  }
  return problemsToTell(error)
    .map((problem) => formatProblem("error", problem, paint))
    .join("\n");
}

/** What ended the run, and every other failed step. With `--on-failure continue` there may be several. */
export function problemsToTell(error: unknown): readonly Problem[] {
  const problems = problemsOf(error);
  const report = error instanceof GodwitError ? (error.report as Partial<Report> | undefined) : undefined;
  const isTold = (one: Problem) =>
    problems.some(({ code, message }) => code === one.code && message === one.message);
  // A failure of a dry run may be none of `up`.
  const failures: readonly { readonly problem: Problem; readonly uncertain?: boolean }[] =
    report?.failures ?? [];
  const others = failures.filter(({ uncertain }) => uncertain !== true).map(({ problem }) => problem);
  return [...problems, ...others.filter((problem) => !isTold(problem))];
}

export function formatProblem(level: "error" | "warning", problem: Problem, paint: Paint): string {
  const { message, place, hint, code } = problem;
  const detail = problem.details?.detail;
  const label = paint(level === "error" ? "red" : "yellow", `${level}:`);
  const where = whereOf(problem);
  return [
    `${label} ${visibleWithin(redact(message))} ${paint("dim", `[${code}]`)}`,
    ...(where === null ? [] : [`  at ${visible(where)}`]),
    ...(place?.excerpt === undefined ? [] : [redact(place.excerpt)]),
    ...(typeof detail === "string" ? [`  ${visibleWithin(redact(detail))}`] : []),
    ...(hint === undefined ? [] : [`${paint("cyan", "→")} ${visibleWithin(redact(hint))}`]),
    "",
  ].join("\n");
}

/** The place of a problem. `null` if the message says it already. */
function whereOf({ message, place }: Problem): string | null {
  if (place === undefined) return null;
  const { file, line, column } = place;
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  return message.includes(where) ? null : where;
}
