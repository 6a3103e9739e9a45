/** What has happened since this process began, as numbers that only rise. Pure. */
import type { RunEvent } from "../../run/report/events.ts";

export interface Counters {
  readonly runs: { readonly completed: number; readonly failed: number };
  readonly runSeconds: number;
  readonly steps: { readonly done: number; readonly failed: number };
  readonly stepSeconds: number;
  /** The longest step, in seconds. */
  readonly longestStepSeconds: number;
  /** How often a run waited for another one, and how long in all. */
  readonly runWaits: number;
  readonly runWaitSeconds: number;
  readonly retries: { readonly step: number; readonly run: number; readonly database: number };
  /** How often a session that held a lock was in the way. */
  readonly blocked: number;
  readonly connectionsLost: number;
  readonly warnings: number;
}

export const NO_COUNTS: Counters = {
  runs: { completed: 0, failed: 0 },
  runSeconds: 0,
  steps: { done: 0, failed: 0 },
  stepSeconds: 0,
  longestStepSeconds: 0,
  runWaits: 0,
  runWaitSeconds: 0,
  retries: { step: 0, run: 0, database: 0 },
  blocked: 0,
  connectionsLost: 0,
  warnings: 0,
};

export function count(
  counters: Counters,
  event: RunEvent,
  { waitedForRun }: { readonly waitedForRun: boolean },
): Counters {
  const { steps, retries } = counters;
  switch (event.kind) {
    case "step-done": {
      const seconds = event.report.durationMs / 1000;
      return {
        ...counters,
        steps: { ...steps, done: steps.done + 1 },
        stepSeconds: counters.stepSeconds + seconds,
        longestStepSeconds: Math.max(counters.longestStepSeconds, seconds),
      };
    }
    case "step-failed":
      return { ...counters, steps: { ...steps, failed: steps.failed + 1 } };
    case "lock-acquired":
      if (!waitedForRun) return counters;
      return {
        ...counters,
        runWaits: counters.runWaits + 1,
        runWaitSeconds: counters.runWaitSeconds + event.waitedMs / 1000,
      };
    case "step-retry":
    case "run-retry": {
      const what = event.kind === "step-retry" ? "step" : "run";
      const blocked = counters.blocked + event.blockers.length;
      return { ...counters, blocked, retries: { ...retries, [what]: retries[what] + 1 } };
    }
    case "database-waiting":
      return { ...counters, retries: { ...retries, database: retries.database + 1 } };
    case "connection-lost":
      return { ...counters, connectionsLost: counters.connectionsLost + 1 };
    case "warning":
      return { ...counters, warnings: counters.warnings + 1 };
    default:
      return counters;
  }
}

export function countedEnd(
  counters: Counters,
  { ok, durationMs }: { readonly ok: boolean; readonly durationMs: number },
): Counters {
  const outcome = ok ? "completed" : "failed";
  return {
    ...counters,
    runs: { ...counters.runs, [outcome]: counters.runs[outcome] + 1 },
    runSeconds: counters.runSeconds + durationMs / 1000,
  };
}
