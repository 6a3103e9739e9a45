/** A rehearsed plan for people. */
import { writtenStatement } from "../../core/sql/shown.ts";
import { type Obstacle, obstaclesOf } from "../../prediction/live.ts";
import type { RehearsedStatement, RehearsedStep } from "../../rehearsal/report.ts";
import type { Forecast, ForecastStep } from "../../run/forecast.ts";
import { whole } from "../../std/number.ts";
import { formatDuration } from "../../std/time.ts";
import { bytes } from "./bytes.ts";
import type { Paint } from "./problems.ts";

export function forecastText(report: Forecast, paint: Paint): string {
  const { scratch, steps, counts, replicas } = report;
  if (steps.length === 0) return "Nothing is pending, so nothing was rehearsed.";
  const { rehearsed, notRehearsed, notUnderstood, failed } = counts;
  return [
    ...(scratch === null
      ? []
      : [`Rehearsed on PostgreSQL ${scratch}${presentWords(report)}. The target was not touched.`]),
    ...gapWords(report).map((gap) => `${paint("yellow", "differs:")} ${gap}`),
    ...steps.flatMap((step) => linesOf(step, report, paint)),
    ...(replicas === 0
      ? []
      : [`${replicas} ${replicas === 1 ? "replica" : "replicas"} will repeat all of it.`]),
    `${rehearsed} rehearsed, ${notRehearsed} not rehearsed, ${notUnderstood} not understood${failed === 0 ? "" : `, ${failed} failed`}.`,
  ].join("\n");
}

/** What was rehearsed upon, behind the version. */
export function presentWords({ version, otherVersion, from, notFromCatalog }: Forecast): string {
  const other = otherVersion ? `, which is another version than the target's ${version}` : "";
  return from === "files"
    ? `${other}, on the schema that the files make (${notFromCatalog})`
    : `${other}, on a copy of the target's schema`;
}

const MOST_GAPS = 10;

export function gapWords({ gaps }: Pick<Forecast, "gaps">): readonly string[] {
  if (gaps.length <= MOST_GAPS) return gaps;
  return [...gaps.slice(0, MOST_GAPS), `and ${gaps.length - MOST_GAPS} more, which --json lists`];
}

function linesOf(step: ForecastStep, report: Forecast, paint: Paint): readonly string[] {
  const { revision, file, notRehearsed, statements } = step;
  const verdict = notRehearsed === null ? stepVerdict(step, report) : `not rehearsed: ${notRehearsed}`;
  return [
    `${revision}  ${paint("dim", file)}  ${painted(verdict, paint)}`,
    ...outageWords(step).map((words) => `  ${paint("yellow", words)}`),
    ...statements.flatMap((statement) => statementLines(statement, report, paint)),
  ];
}

function statementLines(statement: RehearsedStatement, report: Forecast, paint: Paint): readonly string[] {
  const { line, text, state, risk, why, safer, locks } = statement;
  const place = line === null ? "" : `line ${line}: `;
  const verdict = state === "rehearsed" ? verdictOf(statement, report) : state;
  const shown = locks
    .filter(({ kind }) => kind !== "index")
    .map(({ relation, mode }) => `${mode} on ${relation}`);
  return [
    `  ${place}${writtenStatement(text)}  ${painted(verdict, paint)}`,
    `      ${why}`,
    ...((risk === "safe" || state === "not understood") && shown.length > 0
      ? [`      Locks: ${shown.join(", ")}.`]
      : []),
    ...sizeWords(statement, report).map((words) => `      ${words}`),
    ...waitWords(statement, report).map((words) => `      ${paint("yellow", words)}`),
    ...(safer === null ? [] : [`      Safer: ${safer}`]),
  ];
}

/** The worst of a step, with how much all its statements write anew. */
export function stepVerdict({ risk, statements }: RehearsedStep, report: Forecast): string {
  const rewrites = statements.flatMap((statement) => (statement.risk === risk ? statement.rewrites : []));
  return verdictOf({ risk, rewrites }, report);
}

type Judged = Pick<RehearsedStatement, "risk" | "rewrites">;

/** A table that is written anew twice counts once: its size is what the verdict says. */
export function verdictOf({ risk, rewrites }: Judged, { relations }: Forecast): string {
  if (risk !== "rewrites") return risk ?? "not known";
  const size = relations
    .filter(({ relation }) => rewrites.includes(relation))
    .reduce((sum, one) => sum + one.bytes + one.toastBytes + one.indexBytes, 0);
  return size === 0 ? risk : `rewrites ${bytes(size)}`;
}

/** How large the tables are that it locks strongly or works through. */
export function sizeWords(
  { risk, rewrites, scans, builds, locks }: RehearsedStatement,
  { relations }: Forecast,
): readonly string[] {
  const isWork = rewrites.length + scans.length + builds.length > 0;
  if (risk === "safe" && !isWork) return [];
  const touched = new Set([
    ...rewrites,
    ...scans,
    ...locks.filter(({ kind }) => kind !== "index").map(({ relation }) => relation),
  ]);
  return relations
    .filter(({ relation }) => touched.has(relation))
    .map(({ relation, rows, bytes: heap, toastBytes, indexBytes, indexes }) => {
      const many = rows === null ? "rows that nobody has counted yet" : `about ${whole(rows)} rows`;
      const toast = toastBytes < 1024 ** 2 ? "" : `, ${bytes(toastBytes)} of long values`;
      const keys =
        indexes === 0 ? "" : `, ${bytes(indexBytes)} in ${indexes} ${indexes === 1 ? "index" : "indexes"}`;
      return `${relation} has ${many}: ${bytes(heap)}${toast}${keys}.`;
    });
}

/** `ACCESS EXCLUSIVE on public.orders for about 41 s.` */
export function outageWords({ predictedMs, outages }: ForecastStep): readonly string[] {
  if (predictedMs === null) return [];
  if (outages.length === 0) return [`Takes about ${formatDuration(predictedMs)}.`];
  return outages.map(
    ({ relation, mode, durationMs }) => `${mode} on ${relation} for about ${formatDuration(durationMs)}.`,
  );
}

/** Whom it would wait for if it ran now. */
export function waitWords({ locks, text }: RehearsedStatement, report: Forecast): readonly string[] {
  const words = obstaclesOf(locks, report).map(
    (obstacle) =>
      `Would wait now for ${whoWords(obstacle)}: it holds ${obstacle.modes.join(", ")} on ${obstacle.relation}.`,
  );
  const { oldestTransaction } = report;
  const age = oldestTransaction?.transactionAgeMs ?? 0;
  return words.length === 0 && /\bconcurrently\b/i.test(text) && oldestTransaction !== null && age >= LONG_MS
    ? [`Would wait now for ${whoWords(oldestTransaction)}, the oldest transaction.`]
    : words;
}

/** Shorter transactions are everyday life. */
const LONG_MS = 10_000;

function whoWords({ pid, applicationName, transactionAgeMs }: Omit<Obstacle, "modes" | "relation">): string {
  if (pid === null)
    return `the prepared transaction '${applicationName}', which is ${formatDuration(transactionAgeMs ?? 0)} old`;
  const name = applicationName === "" ? "a session" : `"${applicationName}"`;
  const age = transactionAgeMs === null ? "" : `, in a transaction for ${formatDuration(transactionAgeMs)}`;
  return `${name} (pid ${pid}${age})`;
}

function painted(verdict: string, paint: Paint): string {
  if (verdict === "safe") return paint("green", verdict);
  return paint(verdict === "brief lock" ? "dim" : verdict === "failed" ? "red" : "yellow", verdict);
}
