/** The numbers of a run as instruments of OpenTelemetry. What `/metrics` counts and what this counts is one fold. */
import type { Meter } from "@opentelemetry/api";
import type { RunEvent } from "../../run/report/events.ts";
import { type Counters, count, NO_COUNTS } from "../health/counters.ts";

export interface RunMeters {
  readonly observe: (event: RunEvent) => void;
  readonly end: (outcome: "completed" | "failed", durationMs: number) => void;
}

export function openMeters(meter: Meter): RunMeters {
  const counter = (name: string, description: string) =>
    meter.createCounter(`godwit.${name}`, { description });
  const seconds = (name: string, description: string) =>
    meter.createHistogram(`godwit.${name}`, { description, unit: "s" });
  const runs = counter("runs", "Runs that have ended.");
  const steps = counter("steps", "Steps that have ended.");
  const retries = counter("retries", "What was tried again.");
  const blockers = counter("blockers", "Sessions whose locks stopped a try.");
  const lost = counter("connections_lost", "Connections that a run has lost.");
  const warnings = counter("warnings", "Warnings of runs.");
  const runSeconds = seconds("run.duration", "The time that runs took.");
  const stepSeconds = seconds("step.duration", "The time that steps took.");
  const waitSeconds = seconds("run_wait.duration", "The time spent waiting for other runs.");
  let counters: Counters = NO_COUNTS;
  let waitedForRun = false;
  return {
    observe(event) {
      const before = counters;
      counters = count(before, event, { waitedForRun });
      if (event.kind === "lock-waiting" && event.tool === undefined) waitedForRun = true;
      if (event.kind === "lock-acquired") waitedForRun = false;
      const more = (of: (counted: Counters) => number) => of(counters) - of(before);
      for (const [instrument, of, attributes] of [
        [steps, (counted: Counters) => counted.steps.done, { "godwit.outcome": "done" }],
        [steps, (counted: Counters) => counted.steps.failed, { "godwit.outcome": "failed" }],
        [retries, (counted: Counters) => counted.retries.step, { "godwit.what": "step" }],
        [retries, (counted: Counters) => counted.retries.run, { "godwit.what": "run" }],
        [retries, (counted: Counters) => counted.retries.database, { "godwit.what": "connection" }],
        [blockers, (counted: Counters) => counted.blocked, {}],
        [lost, (counted: Counters) => counted.connectionsLost, {}],
        [warnings, (counted: Counters) => counted.warnings, {}],
      ] as const)
        if (more(of) > 0) instrument.add(more(of), attributes);
      if (event.kind === "step-done") stepSeconds.record(event.report.durationMs / 1000);
      if (more((counted) => counted.runWaits) > 0)
        waitSeconds.record(more((counted) => counted.runWaitSeconds));
    },
    end(outcome, durationMs) {
      runs.add(1, { "godwit.outcome": outcome });
      runSeconds.record(durationMs / 1000, { "godwit.outcome": outcome });
    },
  };
}
