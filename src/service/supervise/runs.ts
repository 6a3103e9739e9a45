/** Which runs a process of migrations has begun, and how far they came, for the case that it is killed and can't say it. */
import type { RunEvent } from "../../run/report/events.ts";

/** As it is in the `details` of a problem. */
export interface CutRun {
  readonly runId: string;
  readonly target: string;
  /** What it had done before, and is in place. Events do not name their run, so of several runs this is not known. */
  readonly applied?: readonly string[];
  /** The number of steps that were not done. */
  readonly remaining?: number;
}

export interface Runs {
  readonly begun: (run: Pick<CutRun, "runId" | "target">) => void;
  readonly observe: (event: RunEvent) => void;
  /** Those that have not ended. If all have, the last one: the process was killed while it told of that. */
  readonly cut: () => readonly CutRun[];
}

export function createRuns(): Runs {
  const begun: Pick<CutRun, "runId" | "target">[] = [];
  const ended = new Set<string>();
  let applied: readonly string[] = [];
  let remaining: readonly string[] = [];
  const without = (names: readonly string[], name: string) => names.filter((one) => one !== name);
  return {
    begun: (run) => void begun.push(run),
    observe(event) {
      if (event.kind === "finished") ended.add(event.report.runId);
      // A rollback plans too, and what it takes back is not what remained.
      if (event.kind === "planned" && event.plan.direction === "up")
        remaining = event.plan.steps.map(({ revision }) => revision);
      if (event.kind !== "step-done") return;
      const { revision, direction } = event.step;
      applied = without(applied, revision);
      if (direction === "up") applied = [...applied, revision];
      remaining = without(remaining, revision);
    },
    cut() {
      if (begun.length === 1) return begun.map((run) => ({ ...run, applied, remaining: remaining.length }));
      const open = begun.filter(({ runId }) => !ended.has(runId));
      return open.length > 0 ? open : begun.slice(-1);
    },
  };
}
