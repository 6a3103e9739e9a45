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

export interface Report {
  readonly command: "up" | "down";
  readonly target: string;
  readonly runId: string;
  /** `done`: everything that was asked for is in the ledger and in the database. `skipped`: it was not even looked at. */
  readonly outcome: "done" | "failed" | "interrupted" | "skipped";
  /** Why nothing was begun: somebody has switched migrations off. */
  readonly skipped?: string;
  readonly startedAt: string;
  readonly durationMs: number;
  /** The time spent waiting for another run. */
  readonly waitedMs: number;
  readonly steps: readonly StepReport[];
  readonly failures: readonly StepFailure[];
  /** The planned steps that are neither done nor failed, in order. */
  readonly remaining: readonly string[];
  /** Pending migrations of a phase that this run was not asked for. */
  readonly held: readonly Held[];
  readonly warnings: readonly Problem[];
  /** One report for each import. Only an `up` of everything has them, where imports are configured. */
  readonly imports?: readonly ImportReport[];
}
