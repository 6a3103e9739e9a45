/** What a run did, as data: printed, returned by the library, written as JSON. */

import type { Direction, Phase } from "../../core/migration.ts";
import type { Held } from "../../core/plan.ts";
import type { Problem } from "../../errors.ts";
import type { ImportReport } from "../../import/report.ts";

export interface StepReport {
  readonly revision: string;
  readonly direction: Direction;
  readonly phase: Phase;
  readonly durationMs: number;
  /** How often it was begun; more than 1 after lock timeouts or deadlocks. */
  readonly attempts: number;
  readonly transactional: boolean;
}

export interface StepFailure {
  readonly revision: string;
  readonly problem: Problem;
  /** `none`: rolled back whole. `some`: a non-transactional migration stopped half-way. `unknown`: ask the ledger. */
  readonly committed: "none" | "some" | "unknown";
}

export interface Report {
  readonly command: "up" | "down";
  readonly target: string;
  readonly runId: string;
  /** `done`: all that was asked for is in the ledger and in the database. */
  readonly outcome: "done" | "failed" | "interrupted";
  readonly startedAt: string;
  readonly durationMs: number;
  /** Time spent waiting for another run. */
  readonly waitedMs: number;
  readonly steps: readonly StepReport[];
  readonly failures: readonly StepFailure[];
  /** Planned, and neither done nor failed, in order. */
  readonly remaining: readonly string[];
  /** Pending, but of a phase that this run was not asked for. */
  readonly held: readonly Held[];
  readonly warnings: readonly Problem[];
  /** What the imports did, a report each; only of an `up` that is about all there is, where imports are configured. */
  readonly imports?: readonly ImportReport[];
}
