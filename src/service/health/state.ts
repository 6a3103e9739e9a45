/**
 * What is known about the migrations, for whoever asks. Events of a run and looks at the database feed it; answers, metrics
 * and the status file are made from its snapshot.
 *
 *   unknown ── begin, or a first event ──► running ── end ──► completed | failed | unknown (skipped)
 *      ▲                                      │
 *      └──────── a look that learns nothing ──┴── a look: completed | running | failed
 *
 * It holds no text of a migration, of a query or of an error: what is not kept cannot leak.
 */
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { factsOfRollback, type RollbackFacts } from "../../run/report/report.ts";
import { type Counters, count, countedEnd, NO_COUNTS } from "./counters.ts";
import { NOTHING, notedIn, type RunActivity } from "./now.ts";
import type { Failure, HealthSnapshot, MigrationStatus, WaitingFor } from "./snapshot.ts";

export type { HealthSnapshot, MigrationStatus } from "./snapshot.ts";

/** How a run ended. `skipped`: it did not begin, for this reason. */
export interface RunEnd {
  readonly ok: boolean;
  readonly skipped?: string;
  readonly problems: readonly Problem[];
}

/** What a look at the database found. */
export interface DatabaseState {
  readonly status: MigrationStatus;
  readonly pending: number | null;
  readonly waitingFor: WaitingFor | null;
  readonly failures: readonly Failure[];
}

export interface HealthState {
  /** A run begins. */
  begin(): void;
  /** What a run tells. Without `begin`, the first event begins a run and `finished` ends it. */
  observe(event: RunEvent): void;
  end(result: RunEnd): void;
  /** Somebody looked, and no run of ours is at work. */
  found(look: DatabaseState): void;
  snapshot(): HealthSnapshot;
  /** Calls the listener after each change, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

export function createHealthState({ now = () => new Date() } = {}): HealthState {
  let status: MigrationStatus = "unknown";
  let lastChecked: string | null = null;
  let skipped: string | null = null;
  let failures: readonly Failure[] = [];
  let rollback: RollbackFacts | null = null;
  let drift: number | null = null;
  let isDriftOfRun = false;
  let pending: number | null = null;
  let counters: Counters = NO_COUNTS;
  let current: RunActivity = NOTHING;
  let began: "by its owner" | "by an event" | null = null;
  let begunAt = 0;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const become = (next: MigrationStatus) => {
    status = next;
    lastChecked = now().toISOString();
  };
  const begin = (by: typeof began) => {
    [began, begunAt] = [by, now().getTime()];
    [current, skipped, failures, rollback] = [NOTHING, null, [], null];
    isDriftOfRun = false;
    become("running");
  };
  const end = ({ ok, skipped: reason, problems }: RunEnd) => {
    if (reason === undefined) {
      const durationMs = began === null ? 0 : now().getTime() - begunAt;
      counters = countedEnd(counters, { ok, durationMs });
    }
    // How far its imports came stays to be seen.
    [began, current, skipped] = [null, { ...NOTHING, imports: current.imports }, reason ?? null];
    if (ok && reason === undefined) pending = 0;
    failures = ok ? [] : withOthers(failures, problems);
    if (ok) rollback = null;
    become(reason !== undefined ? "unknown" : ok ? "completed" : "failed");
    changed();
  };
  return {
    begin() {
      begin("by its owner");
      changed();
    },
    observe(event) {
      if (event.kind === "finished") {
        const { outcome, failures: failed } = event.report;
        if (began !== "by its owner")
          end({ ok: outcome === "done", problems: failed.map(({ problem }) => problem) });
        return;
      }
      if (began === null) begin("by an event");
      counters = count(counters, event, { waitedForRun: current.waitingFor?.kind === "run" });
      if (event.kind === "step-failed")
        failures = [...failures, { code: event.problem.code, revision: event.step.revision }];
      // Of several targets, one that has drifted is never hidden by one that has not.
      if (event.kind === "drift-checked") drift = (isDriftOfRun ? (drift ?? 0) : 0) + event.objects.length;
      if (event.kind === "drift-checked") isDriftOfRun = true;
      if (event.kind === "check-done" && event.problem !== null)
        failures = [...failures, { code: event.problem.code, revision: null }];
      // Of several targets, one that still has something is never hidden by one that has nothing.
      if (event.kind === "rollback-done" && (rollback === null || event.rollback.outcome !== "done"))
        rollback = factsOfRollback(event.rollback);
      current = notedIn(current, event, now().getTime());
      lastChecked = now().toISOString();
      changed();
    },
    end,
    found(look) {
      if (began !== null) return;
      ({ failures, pending } = look);
      current =
        look.waitingFor === null
          ? NOTHING
          : { ...NOTHING, waitingFor: look.waitingFor, notedAt: now().getTime() };
      [skipped, rollback] = [null, null];
      become(look.status);
      changed();
    },
    snapshot() {
      const passedMs = now().getTime() - current.notedAt;
      return {
        status,
        lastChecked,
        ready: status === "completed" || skipped !== null,
        skipped,
        waitingFor: aged(current.waitingFor, passedMs),
        step:
          current.step === null
            ? null
            : { ...current.step, elapsedMs: now().getTime() - current.stepBegunAt },
        imports: [...current.imports.values()],
        failures,
        ...(rollback === null ? {} : { rollback }),
        ...(drift === null ? {} : { drift }),
        pending,
        counters,
      };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Those of the steps are known with their revisions. Nothing else of a problem is kept: its message may quote data. */
function withOthers(failed: readonly Failure[], problems: readonly Problem[]): readonly Failure[] {
  const others = problems.filter(({ code }) => !failed.some((failure) => failure.code === code));
  return [...failed, ...others.map(({ code }) => ({ code, revision: null }))];
}

function aged(waiting: WaitingFor | null, passedMs: number): WaitingFor | null {
  if (waiting === null || waiting.ageMs === null) return waiting;
  return { ...waiting, ageMs: Math.round(waiting.ageMs + passedMs) };
}
