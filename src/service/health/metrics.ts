/** The numbers in Prometheus' text format. Pure. Few labels, and none with a text that somebody else chose but names. */
import type { About } from "./about.ts";
import type { HealthSnapshot, MigrationStatus } from "./snapshot.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [value: number, labels?: Labels];

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

const STATES: readonly MigrationStatus[] = ["completed", "running", "failed", "unknown"];

export function metricsText(snapshot: HealthSnapshot, about: About, now: Date): string {
  return metricsOf(snapshot, about, now)
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ name, type, help, samples }) =>
        `# HELP godwit_${name} ${help}\n# TYPE godwit_${name} ${type}\n${samples.map((sample) => line(name, sample)).join("")}`,
    )
    .join("");
}

function line(name: string, [value, labels = {}]: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `godwit_${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function metricsOf(snapshot: HealthSnapshot, about: About, now: Date): readonly Metric[] {
  const { counters, status, waitingFor, imports, pending, lastChecked, step } = snapshot;
  const { runs, steps, retries } = counters;
  const counter = (name: string, help: string, ...samples: readonly Sample[]): Metric => ({
    ...{ name, type: "counter", help, samples },
  });
  const gauge = (name: string, help: string, ...samples: readonly Sample[]): Metric => ({
    ...{ name, type: "gauge", help, samples },
  });
  const ofImports = (numberOf: (each: HealthSnapshot["imports"][number]) => number): readonly Sample[] =>
    imports.map((each) => [numberOf(each), { import: each.import }]);
  return [
    gauge("service_info", "The service that answers.", [
      1,
      { service: about.service, environment: about.environment, version: about.version },
    ]),
    gauge("uptime_seconds", "How long this process has been running.", [
      Math.max(0, (now.getTime() - about.startedAtMs) / 1000),
    ]),
    gauge(
      "migrations_status",
      "1 for the state of the migrations, 0 for the others.",
      ...STATES.map((state): Sample => [state === status ? 1 : 0, { status: state }]),
    ),
    gauge("migrations_ready", "1 if everything that is required is applied.", [snapshot.ready ? 1 : 0]),
    gauge(
      "migrations_pending",
      "Migrations that are not applied.",
      ...(pending === null ? [] : [[pending] as const]),
    ),
    gauge(
      "schema_drift",
      "Objects that were changed by hand since the last run, where that was looked for.",
      ...(snapshot.drift === undefined ? [] : [[snapshot.drift] as const]),
    ),
    gauge(
      "migrations_checked_timestamp_seconds",
      "When the state was last known.",
      ...(lastChecked === null ? [] : [[Date.parse(lastChecked) / 1000] as const]),
    ),
    counter(
      "runs_total",
      "Runs that have ended.",
      [runs.completed, { outcome: "completed" }],
      [runs.failed, { outcome: "failed" }],
    ),
    counter("run_seconds_total", "The time that runs took.", [counters.runSeconds]),
    counter(
      "steps_total",
      "Steps that have ended.",
      [steps.done, { outcome: "done" }],
      [steps.failed, { outcome: "failed" }],
    ),
    counter("step_seconds_total", "The time that steps took.", [counters.stepSeconds]),
    gauge("longest_step_seconds", "The longest step so far.", [counters.longestStepSeconds]),
    gauge(
      "step_running_seconds",
      "How long the present step has been running.",
      ...(step === null ? [] : [[step.elapsedMs / 1000] as const]),
    ),
    counter("run_waits_total", "Waits for another run.", [counters.runWaits]),
    counter("run_wait_seconds_total", "The time spent waiting for other runs.", [counters.runWaitSeconds]),
    counter(
      "retries_total",
      "What was tried again.",
      [retries.step, { what: "step" }],
      [retries.run, { what: "run" }],
      [retries.database, { what: "connection" }],
    ),
    counter("blockers_total", "Sessions whose locks stopped a try.", [counters.blocked]),
    counter("connections_lost_total", "Connections that a run has lost.", [counters.connectionsLost]),
    counter("warnings_total", "Warnings of runs.", [counters.warnings]),
    gauge("waiting", "1 while a migration waits.", [waitingFor === null ? 0 : 1]),
    gauge(
      "blocker_age_seconds",
      "The age of what a migration waits for.",
      ...(waitingFor?.ageMs == null ? [] : [[waitingFor.ageMs / 1000] as const]),
    ),
    gauge("import_files_done", "Files of an import that are done.", ...ofImports((each) => each.filesDone)),
    gauge("import_files", "Files that an import is to read.", ...ofImports((each) => each.filesTotal)),
    gauge("import_bytes_done", "Bytes of an import that are done.", ...ofImports((each) => each.bytesDone)),
    gauge("import_bytes", "Bytes that an import is to read.", ...ofImports((each) => each.bytesTotal)),
    gauge("import_files_failed", "Files of an import that failed.", ...ofImports((each) => each.failed)),
  ];
}
