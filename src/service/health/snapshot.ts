/** What is known about the migrations, as plain data: of these answers, metrics and the status file are made. */
import type { RollbackFacts } from "../../run/report/report.ts";
import type { Counters } from "./counters.ts";

export type MigrationStatus = "completed" | "running" | "failed" | "unknown";

/** What a migration waits for, and how to end that. */
export interface WaitingFor {
  /** `database`: it does not answer yet. `run`: another run has the lock. `lock`: a session holds a lock on a table. */
  readonly kind: "database" | "run" | "lock";
  /** The server's process. */
  readonly pid: number | null;
  /** How old its transaction, its lock or its statement is. */
  readonly ageMs: number | null;
  /** The statement that ends it. */
  readonly command: string | null;
}

export interface Failure {
  readonly code: string;
  readonly revision: string | null;
}

export interface StepProgress {
  readonly revision: string;
  /** From 1. */
  readonly position: number;
  readonly count: number;
  readonly elapsedMs: number;
}

export interface ImportProgress {
  readonly import: string;
  readonly stage: string;
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly failed: number;
}

/** Plain data. */
export interface HealthSnapshot {
  readonly status: MigrationStatus;
  /** When this was last known to be so. `null`: never. */
  readonly lastChecked: string | null;
  /** Everything that is required is applied, or nothing is asked for here. */
  readonly ready: boolean;
  /** Why no migration runs here. */
  readonly skipped: string | null;
  readonly waitingFor: WaitingFor | null;
  readonly step: StepProgress | null;
  readonly imports: readonly ImportProgress[];
  readonly failures: readonly Failure[];
  /** Only after a failed run that was to take back what it applied: what was taken back, and what is in place. */
  readonly rollback?: RollbackFacts;
  /** How many objects were changed by hand, where that was looked for. */
  readonly drift?: number;
  /** How many migrations are not applied, where that is known. */
  readonly pending: number | null;
  readonly counters: Counters;
}
