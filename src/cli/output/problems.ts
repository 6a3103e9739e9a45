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
  const left = leftLine(error);
  return [
    ...problemsToTell(error).map((problem) => formatProblem("error", problem, paint)),
    ...(left === null ? [] : [`${left}\n`]),
  ].join("\n");
}

/** The part of the log that takes an error. */
interface ErrorLog {
  problem(level: "error", problem: Problem): void;
  write(level: "warn", message: string): void;
}

/** Writes the same to a log. */
export function tellError(log: ErrorLog, error: unknown): void {
  for (const problem of problemsToTell(error)) log.problem("error", problem);
  const left = leftLine(error);
  if (left !== null) log.write("warn", left);
}

/** How many revisions a line names. JSON has all of them. */
const MOST_NAMED = 8;

/** What a failed run has left, on one line: what it did not begin, or else what may have been under way. */
function leftLine(error: unknown): string | null {
  if (!(error instanceof GodwitError) || error.report === undefined) return null;
  const { outcome, failures, imports, importsRemaining, remaining } = error.report as Partial<Report>;
  const names = [...(remaining ?? []), ...(importsRemaining ?? []).map((name) => `import ${name}`)];
  if (names.length === 0) return null;
  const failed = (failures ?? []).length > 0 || imports?.some((each) => each.outcome === "failed") === true;
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).map(visible).join(", ");
  return `${outcome === "failed" && failed ? "Not begun" : "Not done"}: ${shown}${more > 0 ? ` and ${more} more` : ""}.`;
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
