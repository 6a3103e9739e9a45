/** The report of a run that was switched off before it began. */
import type { Report } from "./report.ts";

export function skippedReport(skipped: string, { target, runId }: Pick<Report, "target" | "runId">): Report {
  return {
    command: "up",
    target,
    runId,
    outcome: "skipped",
    skipped,
    startedAt: new Date().toISOString(),
    durationMs: 0,
    waitedMs: 0,
    steps: [],
    failures: [],
    remaining: [],
    held: [],
    warnings: [],
  };
}
