/** What a run did, as data. It is printed, returned by the library and written as JSON. */

import type { Direction, Phase } from "../../core/migration.ts";
import type { Held } from "../../core/plan.ts";
import type { Problem } from "../../errors.ts";
import type { ImportReport } from "../../import/report.ts";

export interface StepReport {
  readonly revision: string;
  readonly direction: Direction;
  readonly phase: Phase;
  readonly durationMs: number;
  /** How often the step was begun. It is more than 1 after lock timeouts or deadlocks. */
  readonly attempts: number;
  readonly transactional: boolean;
}

export interface StepFailure {
  readonly revision: string;
  readonly problem: Problem;
  /**
   * `none`: all was rolled back. `some`: a migration without a transaction stopped half-way. `unknown`: ask the
   * ledger.
   */
  readonly committed: "none" | "some" | "unknown";
}

/** What became of what a failed run had applied, where it was to be taken back. */
export interface Rollback {
  /** `done`: nothing that this run applied is left. `not begun`: a signal or the deadline has ended the run. */
  readonly outcome: "done" | "failed" | "interrupted" | "not begun";
  /** The rows of the log have this run id. `null`: it was not begun. */
  readonly runId: string | null;
  readonly reverted: readonly string[];
  /** What this run applied and is still in place, in the order in which it was applied. */
  readonly kept: readonly string[];
  /** What the rollback was reverting when it ended, and may have reverted in part. */
  readonly unknown: readonly string[];
  /** Why something was kept. */
  readonly problem?: Problem;
}

/** A rollback without the words of its problem, for whoever is told of names and codes only. */
export type RollbackFacts = Pick<Rollback, "outcome" | "reverted" | "kept" | "unknown">;

export interface Report {
  readonly command: "up" | "down";
  readonly target: string;
  readonly runId: string;
  /** `done`: everything that was asked for is in the ledger and in the database, but for `waiting`. `skipped`: it was not even looked at. */
  readonly outcome: "done" | "failed" | "interrupted" | "skipped";
  /** Why nothing was begun: somebody has switched migrations off. */
  readonly skipped?: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** The time spent waiting for another run. */
  readonly waitedMs: number;
  /** The completed steps, also those that `rollback` has reverted since. */
  readonly steps: readonly StepReport[];
  readonly failures: readonly StepFailure[];
  /** The planned steps that are neither done nor failed, in order. */
  readonly remaining: readonly string[];
  /** Pending migrations of a phase that this run was not asked for. */
  readonly held: readonly Held[];
  /** Backfills that another run is carrying out, and what waits for them. Left out: none. */
  readonly waiting?: readonly string[];
  readonly warnings: readonly Problem[];
  /** One report for each import. Only an `up` of everything has them, where imports are configured. */
  readonly imports?: readonly ImportReport[];
  /** The names of the imports that were not begun. Only of a failed `up` with imports. */
  readonly importsRemaining?: readonly string[];
  /** The checks that have passed. Only of an `up` with checks. */
  readonly checks?: readonly string[];
  /** Only of a failed `up` that was to take back what it applied, and had applied something. */
  readonly rollback?: Rollback;
}

/** What a run has done and is in place now: after a rollback only what it kept. For a `down`, what it reverted. */
export function inPlace({ steps, rollback }: Pick<Report, "steps" | "rollback">): readonly string[] {
  return rollback?.kept ?? steps.map(({ revision }) => revision);
}

export function factsOfRollback({ outcome, reverted, kept, unknown }: Rollback): RollbackFacts {
  return { outcome, reverted, kept, unknown };
}
