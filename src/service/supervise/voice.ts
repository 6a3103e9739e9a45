/** What a supervisor tells, and whom. The command's log and the health of the service satisfy these by their shape. */
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";

export interface Voice {
  write(
    level: "info" | "warn" | "error",
    message: string,
    fields?: { readonly code?: string; readonly hint?: string; readonly duration?: number },
  ): void;
  problem(level: "warn" | "error", problem: Problem): void;
}

/** `HealthState` of `health/state.ts`, as far as a supervisor feeds it. */
export interface Witness {
  /** A run begins. */
  begin(): void;
  observe(event: RunEvent): void;
  /** Settles when whoever else is told of it has been. Never rejects. */
  end(result: {
    readonly ok: boolean;
    readonly skipped?: string;
    readonly problems: readonly Problem[];
  }): void | Promise<void>;
}
