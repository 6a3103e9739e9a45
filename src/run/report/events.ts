/** Everything that a run tells while it works. The union is closed: switch on `kind` exhaustively. */
import type { Plan, Step } from "../../core/plan.ts";
import { hideSecrets, secretsOf } from "../../core/sql/secrets.ts";
import type { Blocker } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import type { ImportEvent } from "../../import/events.ts";
import type { Holder } from "../../lock/lock.ts";
import { presentable } from "../../std/secret.ts";
import type { Report, Rollback, StepReport } from "./report.ts";

export type RunEvent =
  | ImportEvent
  | {
      readonly kind: "database-waiting";
      readonly attempt: number;
      readonly attempts: number;
      readonly delayMs: number;
      readonly problem: Problem;
    }
  | {
      readonly kind: "connected";
      readonly database: string;
      readonly user: string;
      readonly version: number;
      readonly lock: "session" | "lease";
    }
  | {
      readonly kind: "lock-waiting";
      readonly holder: Holder | null;
      readonly waitedMs: number;
      /** The tool whose own lock is waited for. Without it, another run of Godwit holds the lock. */
      readonly tool?: string;
    }
  | { readonly kind: "lock-acquired"; readonly waitedMs: number }
  /** The ledger now has what another tool had applied. */
  | {
      readonly kind: "adopted";
      readonly tool: string;
      readonly title: string;
      readonly table: string;
      readonly revisions: readonly string[];
    }
  /** The other tool's history now has what Godwit had applied before. */
  | {
      readonly kind: "told";
      readonly tool: string;
      readonly title: string;
      readonly table: string;
      readonly revisions: readonly string[];
    }
  | { readonly kind: "planned"; readonly plan: Plan }
  | { readonly kind: "warning"; readonly problem: Problem }
  /** The schema was compared with the one that the last run has kept. What was changed by hand is named as `kind name`. */
  | { readonly kind: "drift-checked"; readonly objects: readonly string[] }
  | { readonly kind: "step-started"; readonly step: Step; readonly index: number; readonly count: number }
  | {
      readonly kind: "statement-started";
      readonly step: Step;
      readonly position: number;
      readonly count: number;
      readonly text: string;
    }
  /** Sent about every second while a step takes long. `blockers` is not empty while the step waits for a lock. */
  | {
      readonly kind: "step-progress";
      readonly step: Step;
      readonly elapsedMs: number;
      readonly blockers: readonly Blocker[];
    }
  /** A window of a backfill is committed. Times are in milliseconds. */
  | {
      readonly kind: "backfill-progress";
      readonly step: Step;
      readonly table: string;
      /** The rows that its windows had, in this run and earlier ones, and the rows that were changed. */
      readonly rows: number;
      readonly changed: number;
      readonly windows: number;
      readonly windowRows: number;
      readonly rowsPerSecond: number;
      /** From 0 to 1, by the estimate of the statistics. `null`: the table was never analysed. */
      readonly share: number | null;
      readonly leftMs: number | null;
      readonly elapsedMs: number;
      /** Why windows come later or are smaller than they could be. `null`: nothing holds them up. */
      readonly slowedBy: string | null;
      /** The last key that is done, a text for each of its columns. */
      readonly position: readonly string[];
      /**
       * Which of several workers has committed it, from 1. `windowRows`, `slowedBy` and `position` are its own, and the
       * other figures are those of all together. `null`: there is one.
       */
      readonly worker: number | null;
    }
  /** Another run is carrying a backfill out, and this one waits for it. Sent about every second. */
  | {
      readonly kind: "waiting-for-backfill";
      readonly revision: string;
      /** The session of that run, as the server calls it. */
      readonly by: string;
      readonly rows: number;
      /** From 0 to 1, by the estimate of the statistics. `null`: the table was never analysed. */
      readonly share: number | null;
      readonly waitedMs: number;
    }
  /** Its windows run while the migrations lock is free. */
  | { readonly kind: "backfill-beside"; readonly step: Step; readonly table: string }
  /** A person has paused the backfill. The run waits between two windows, without a transaction. */
  | {
      readonly kind: "backfill-paused";
      readonly step: Step;
      readonly table: string;
      readonly by: string | null;
      readonly at: string | null;
    }
  | { readonly kind: "backfill-resumed"; readonly step: Step; readonly table: string }
  /** Why the backfill cannot make way for everything. Each reason is sent once. */
  | { readonly kind: "backfill-unseen"; readonly step: Step; readonly table: string; readonly what: string }
  /** No window begins for now. Sent about every half second while it holds still for something else than a person. */
  | {
      readonly kind: "backfill-held";
      readonly step: Step;
      readonly table: string;
      readonly slowedBy: string;
      readonly heldForMs: number;
    }
  | {
      readonly kind: "step-retry";
      readonly step: Step;
      readonly attempt: number;
      readonly attempts: number;
      readonly delayMs: number;
      readonly problem: Problem;
      readonly blockers: readonly Blocker[];
    }
  /** Somebody locked a table of the run itself. What was not committed begins again. */
  | {
      readonly kind: "run-retry";
      readonly attempt: number;
      readonly attempts: number;
      readonly delayMs: number;
      readonly problem: Problem;
      readonly blockers: readonly Blocker[];
    }
  | {
      readonly kind: "step-done";
      readonly step: Step;
      readonly report: StepReport;
      readonly index: number;
      readonly count: number;
    }
  | { readonly kind: "step-failed"; readonly step: Step; readonly problem: Problem }
  | {
      readonly kind: "log";
      readonly step: Step;
      readonly level: "info" | "warn" | "error";
      readonly message: string;
    }
  | { readonly kind: "notice"; readonly severity: string; readonly message: string }
  /** Pictures for a contact sheet. `total` is 0 when all of them exist. */
  | {
      readonly kind: "thumbnails-progress";
      readonly import: string;
      readonly done: number;
      readonly total: number;
    }
  /** A check after the run begins, or has ended. `problem`: it failed. */
  | { readonly kind: "check-started"; readonly check: string }
  | {
      readonly kind: "check-done";
      readonly check: string;
      readonly durationMs: number;
      readonly problem: Problem | null;
    }
  /** The run has failed, and begins to take back what it has applied. */
  | { readonly kind: "rollback-started"; readonly revisions: readonly string[] }
  | { readonly kind: "rollback-done"; readonly rollback: Rollback }
  | { readonly kind: "connection-lost"; readonly problem: Problem }
  | { readonly kind: "finished"; readonly report: Report };

/** Returns the event without secrets in somebody else's words. Errors and blockers have none by then. */
export function presentableEvent(event: RunEvent): RunEvent {
  if (event.kind === "log" || event.kind === "notice" || event.kind === "import-notice")
    return { ...event, message: presentable(event.message) };
  if (event.kind !== "statement-started") return event;
  return { ...event, text: presentable(hideSecrets(event.text, secretsOf(event.text)).text) };
}

export type Observe = (event: RunEvent) => void;
