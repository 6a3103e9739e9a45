/** The books of one run: what is done, failed and remaining, and the warnings. They outlive lost connections. */
import type { Held, Plan } from "../../core/plan.ts";
import type { GodwitError, Problem } from "../../errors.ts";
import { joinSentences } from "../../std/sentences.ts";
import type { Report, StepFailure, StepReport } from "./report.ts";

export class Tally {
  /** Time spent waiting for another run. */
  waitedMs = 0;
  #held: readonly Held[] = [];
  #waiting: readonly string[] = [];
  /** The steps done that a goal such as `-2` counts. */
  #counted = 0;
  #windows = 0;
  #remaining = new Set<string>();
  #done: StepReport[] = [];
  #failures: StepFailure[] = [];
  /** The errors of `#failures`, by revision. What has failed in this run is not tried again in it. */
  readonly #errors = new Map<string, GodwitError>();
  readonly #warnings = new Map<string, Problem>();
  readonly #repeatables = new Set<string>();
  readonly #startedAt = new Date();
  readonly #started = performance.now();

  get counted(): number {
    return this.#counted;
  }

  /** Whether this is the error of a step that is in the report already. */
  isOfStep(error: unknown): boolean {
    return [...this.#errors.values()].some((one) => one === error);
  }

  get errors(): ReadonlyMap<string, GodwitError> {
    return this.#errors;
  }

  get done(): ReadonlySet<string> {
    return new Set(this.#done.map(({ revision }) => revision));
  }

  /** Grows with each step that ends, done or failed, and with each window of a backfill. */
  get settled(): number {
    return this.#done.length + this.#failures.length + this.#windows;
  }

  /** A backfill has done a window, or waits between two. */
  windowSettled(): void {
    this.#windows++;
  }

  /** The plan was made again. A failed step that is still in it stays failed. */
  planned({ steps, held, waiting = [] }: Pick<Plan, "steps" | "held" | "waiting">): void {
    this.#held = held;
    this.#waiting = waiting;
    this.#remaining = new Set(steps.map(({ revision }) => revision));
    this.#failures = this.#failures.filter(({ revision }) => this.#remaining.has(revision));
    const kept = new Set(this.#failures.map(({ revision }) => revision));
    for (const revision of this.#errors.keys()) {
      if (kept.has(revision)) this.#remaining.delete(revision);
      // Another run has done the step meanwhile.
      else this.#errors.delete(revision);
    }
  }

  /** A goal that counts steps does not count repeatables. */
  repeatable(revision: string): void {
    this.#repeatables.add(revision);
  }

  finished(report: StepReport): void {
    this.#done.push(report);
    if (!this.#repeatables.has(report.revision)) this.#counted++;
    this.#remaining.delete(report.revision);
  }

  failed(failure: StepFailure, error: GodwitError): void {
    this.#failures.push(failure);
    this.#errors.set(failure.revision, error);
    this.#remaining.delete(failure.revision);
  }

  /** Adds a sentence to the hint of each failure. */
  adviseFailures(sentence: string): void {
    this.#failures = this.#failures.map((failure) => ({
      ...failure,
      problem: { ...failure.problem, hint: joinSentences(failure.problem.hint, sentence) },
    }));
  }

  /** The steps were reported as done, but the server that answers now does not have them. */
  undone(revisions: readonly string[]): void {
    const gone = new Set(revisions);
    this.#done = this.#done.filter(({ revision }) => !gone.has(revision));
    this.#counted -= revisions.filter((revision) => !this.#repeatables.has(revision)).length;
  }

  /** Returns whether the warning is new. */
  warned(problem: Problem): boolean {
    const key = `${problem.code} ${problem.message}`;
    if (this.#warnings.has(key)) return false;
    this.#warnings.set(key, problem);
    return true;
  }

  report(of: Pick<Report, "command" | "target" | "runId" | "outcome">): Report {
    return {
      ...of,
      startedAt: this.#startedAt.toISOString(),
      durationMs: performance.now() - this.#started,
      waitedMs: this.waitedMs,
      steps: this.#done,
      failures: this.#failures,
      remaining: [...this.#remaining],
      held: this.#held,
      ...(this.#waiting.length === 0 ? {} : { waiting: this.#waiting }),
      warnings: [...this.#warnings.values()],
    };
  }
}
