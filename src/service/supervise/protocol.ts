/** What the process of the migrations tells its supervisor, over the channel between the two. */
import type { ErrorCode, Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";

export type FromMigrations =
  | { readonly kind: "event"; readonly event: RunEvent }
  /** A run begins, under this id in all that is told of it. */
  | { readonly kind: "run"; readonly runId: string; readonly target: string }
  | {
      readonly kind: "end";
      readonly ok: boolean;
      /** For people: `3 migrations applied to shop in 1.2 s.` */
      readonly text: string;
      readonly problems: readonly Problem[];
      /** Targets that were left out because of others. */
      readonly notBegun: readonly string[];
    };

/**
 * Tells the command `up` that it is such a process: how many attempts are left after it, a space, and the `instanceId` of their
 * log. It is no option, so nobody is told of it.
 */
export const SUPERVISED = "GODWIT_SUPERVISED";

/** Causes that can pass by themselves. What PostgreSQL refuses, it refuses again. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "DATABASE_UNREACHABLE",
  "DATABASE_IN_RECOVERY",
  "DATABASE_CONNECTION_LOST",
  "LOCK_TIMEOUT",
  "LOCK_LOST",
  "ADOPT_TOOL_RUNNING",
  "ORIGIN_UNREACHABLE",
  "ORIGIN_LOST",
  "ORIGIN_TIMEOUT",
]);

/** Whether another attempt may come to another end. */
export function canPass(problems: readonly Problem[]): boolean {
  return (
    problems.length > 0 &&
    problems.every(({ code, details }) => PASSING.has(code) || details?.passing === true)
  );
}

/** Events that hold the author's SQL, data or words: none of them is for the supervisor. */
const PRIVATE: ReadonlySet<RunEvent["kind"]> = new Set<RunEvent["kind"]>([
  "statement-started",
  "log",
  "notice",
  "import-notice",
]);

export function isForSupervisor(event: RunEvent): boolean {
  return !PRIVATE.has(event.kind);
}
