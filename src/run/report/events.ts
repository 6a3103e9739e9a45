/** Everything that a run tells while it is at work. A closed union: switch on `kind` exhaustively. */
import type { Plan, Step } from "../../core/plan.ts";
import { hideSecrets, secretsOf } from "../../core/sql/secrets.ts";
import type { Blocker } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import type { ImportEvent } from "../../import/events.ts";
import type { Holder } from "../../lock/lock.ts";
import { presentable } from "../../std/secret.ts";
import type { Report, StepReport } from "./report.ts";

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
  | { readonly kind: "lock-waiting"; readonly holder: Holder | null; readonly waitedMs: number }
  | { readonly kind: "lock-acquired"; readonly waitedMs: number }
  /** What another tool had applied is in our ledger now. */
  | {
      readonly kind: "adopted";
      readonly tool: string;
      readonly title: string;
      readonly table: string;
      readonly revisions: readonly string[];
    }
  /** What we had applied before is in the other tool's history now. */
  | {
      readonly kind: "told";
      readonly tool: string;
      readonly title: string;
      readonly table: string;
      readonly revisions: readonly string[];
    }
  | { readonly kind: "planned"; readonly plan: Plan }
  | { readonly kind: "warning"; readonly problem: Problem }
  | { readonly kind: "step-started"; readonly step: Step; readonly index: number; readonly count: number }
  | {
      readonly kind: "statement-started";
      readonly step: Step;
      readonly position: number;
      readonly count: number;
      readonly text: string;
    }
  /** While a step takes long: about every second. `blockers` is not empty while it waits for a lock. */
  | {
      readonly kind: "step-progress";
      readonly step: Step;
      readonly elapsedMs: number;
      readonly blockers: readonly Blocker[];
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
  /** A table of the run itself was locked by somebody; what was not committed is begun again. */
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
  /** Pictures for a contact sheet; `total` 0: there are all. */
  | {
      readonly kind: "thumbnails-progress";
      readonly import: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: "connection-lost"; readonly problem: Problem }
  | { readonly kind: "finished"; readonly report: Report };

/** The same without secrets, where it is made of somebody else's words. Errors and blockers are clean already. */
export function presentableEvent(event: RunEvent): RunEvent {
  if (event.kind === "log" || event.kind === "notice" || event.kind === "import-notice")
    return { ...event, message: presentable(event.message) };
  if (event.kind !== "statement-started") return event;
  return { ...event, text: presentable(hideSecrets(event.text, secretsOf(event.text)).text) };
}

export type Observe = (event: RunEvent) => void;
