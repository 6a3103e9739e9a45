/** What a command is doing, for the moment at which a second signal ends the process without waiting for it. */
import { Interrupted } from "../errors.ts";
import type { Observe } from "../run/report/events.ts";
import type { Report } from "../run/report/report.ts";
import { together } from "../run/report/together.ts";
import { type Changes, READ_AGAIN } from "../run/session/reading.ts";

export interface UnderWay {
  /** Passes events on, and remembers which migrations are running; `target`: of several. */
  watch(observe: Observe, target?: string): Observe;
  /** Receives the reports of the runs on a target; `target`: of those that are configured. */
  reportsOf(target?: string): (report: () => Report) => void;
  /** The command has one answer. The first who asks may give it. */
  claim(): boolean;
  /** Gives the answer that ends the command at once. Nothing, as long as no command has begun. */
  giveUp(error: Interrupted): void;
  /** Says how that answer is given, and whether anything that the command does stays. */
  onGiveUp(
    answer: (error: Interrupted, known: InterruptedReport) => void,
    options: { readonly keeps: boolean; readonly changes: Changes },
  ): void;
  /** The error of a process that a second signal ends. */
  cut(by: string): Interrupted;
}

/** What is known of the runs, as fields of the JSON document. */
export interface InterruptedReport {
  readonly report?: Report;
  readonly targets?: readonly object[];
}

interface Running {
  readonly revision: string;
  readonly target: string | undefined;
}

export function createUnderWay(): UnderWay {
  /** By target. Each carries out one step at a time. */
  const running = new Map<string | undefined, Running>();
  const reports = new Map<string | undefined, (() => Report)[]>();
  /** The targets whose runs are over, with their reports. */
  const finished = new Map<string | undefined, Report>();
  let keeps = true;
  let changes: Changes = "continues";
  let claimed = false;
  let answer: (error: Interrupted, known: InterruptedReport) => void = () => {};
  const claim = () => {
    const first = !claimed;
    claimed = true;
    return first;
  };
  return {
    watch: (observe, target) => (event) => {
      if (event.kind === "step-started" || event.kind === "step-done" || event.kind === "step-failed") {
        const { revision } = event.step;
        if (event.kind !== "step-started") running.delete(target);
        else running.set(target, { revision, target });
      }
      if (event.kind === "finished") finished.set(target, event.report);
      observe(event);
    },
    reportsOf: (target) => (report) => {
      finished.delete(target);
      reports.set(target, [...(reports.get(target) ?? []), report]);
    },
    claim,
    giveUp(error) {
      if (claim()) answer(error, known(error));
    },
    onGiveUp(given, options) {
      answer = given;
      keeps = options.keeps;
      changes = options.changes;
    },
    cut: (by) => {
      const names = [...running.values()].map(({ revision, target }) =>
        target === undefined ? revision : `${revision} of ${target}`,
      );
      return cutError(by, names, { keeps, changes });
    },
  };

  function known(error: Interrupted): InterruptedReport {
    const all = [...reports].map(([target, runs]) => ({ target, report: reportOf(target, runs, error) }));
    const [first] = all;
    if (first === undefined) return {};
    if (first.target === undefined) return { report: first.report };
    return {
      targets: all.map(({ target, report }) => {
        const { outcome } = report;
        return { name: target, ok: outcome === "done", state: outcome, report };
      }),
    };
  }

  function reportOf(target: string | undefined, runs: readonly (() => Report)[], error: Interrupted): Report {
    const over = finished.get(target);
    const report = together(runs.map((run) => run())) as Report;
    if (over !== undefined) return { ...report, outcome: over.outcome };
    // The only target of several is watched like a single one.
    const now = running.get(target) ?? running.get(undefined);
    if (now === undefined) return { ...report, outcome: "interrupted" };
    const failure = { revision: now.revision, problem: error.toProblem(), committed: "unknown" } as const;
    return {
      ...report,
      outcome: "interrupted",
      failures: [...report.failures, failure],
      remaining: report.remaining.filter((revision) => revision !== now.revision),
    };
  }
}

/** More names would hide what is said. */
const MOST_NAMED = 3;

function cutError(
  by: string,
  running: readonly string[],
  { keeps, changes }: { readonly keeps: boolean; readonly changes: Changes },
): Interrupted {
  const named = running.slice(0, MOST_NAMED).join(", ");
  const more = running.length > MOST_NAMED ? ` and ${running.length - MOST_NAMED} more` : "";
  const [was, it] = running.length === 1 ? ["was", "it"] : ["were", "them"];
  const kept = keeps ? `, and what was kept of ${it} is not known` : "; a dry run keeps nothing";
  const what =
    running.length === 0
      ? "What was under way was not waited for."
      : `${named}${more} ${was} running${kept}.`;
  return new Interrupted(
    {
      code: "INTERRUPTED",
      message: `A second signal (${by}) ended the process at once. ${what}`,
      hint:
        changes === "nothing"
          ? READ_AGAIN
          : "`godwit status` shows what is applied, and what must be decided first.",
    },
    by,
  );
}
