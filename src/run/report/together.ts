/** `up` with imports runs the migrations before and after them. */
import type { Report } from "./report.ts";

/** One report of several runs in a row: the last one knows what is left. */
export function together(reports: readonly Report[]): Report | undefined {
  const last = reports.at(-1);
  if (last === undefined) return undefined;
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const warnings = new Map(
    reports.flatMap((report) => report.warnings).map((each) => [`${each.code} ${each.message}`, each]),
  );
  const failed = reports.find((report) => report.outcome !== "done");
  return {
    ...last,
    startedAt: reports[0]?.startedAt ?? last.startedAt,
    outcome: failed?.outcome ?? "done",
    durationMs: sum((report) => report.durationMs),
    waitedMs: sum((report) => report.waitedMs),
    steps: reports.flatMap((report) => report.steps),
    failures: [
      ...new Map(reports.flatMap((report) => report.failures).map((each) => [each.revision, each])).values(),
    ],
    remaining: [...new Set(reports.flatMap((report) => report.remaining))],
    warnings: [...warnings.values()],
  };
}
