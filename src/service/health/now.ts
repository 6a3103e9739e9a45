/** What a run is doing at this moment, folded from its events. Pure. */
import type { Blocker } from "../../database/connection.ts";
import type { Holder } from "../../lock/lock.ts";
import type { RunEvent } from "../../run/report/events.ts";
import type { ImportProgress, StepProgress, WaitingFor } from "./snapshot.ts";

export interface RunActivity {
  readonly waitingFor: WaitingFor | null;
  /** When `waitingFor` was true, in milliseconds. */
  readonly notedAt: number;
  readonly step: Omit<StepProgress, "elapsedMs"> | null;
  readonly stepBegunAt: number;
  readonly imports: ReadonlyMap<string, ImportProgress>;
}

export const NOTHING: RunActivity = {
  waitingFor: null,
  notedAt: 0,
  step: null,
  stepBegunAt: 0,
  imports: new Map(),
};

export function notedIn(now: RunActivity, event: RunEvent, atMs: number): RunActivity {
  const waits = (waitingFor: WaitingFor | null): RunActivity => ({ ...now, waitingFor, notedAt: atMs });
  switch (event.kind) {
    case "database-waiting":
      return waits({ kind: "database", pid: null, ageMs: null, command: null });
    case "lock-waiting":
      return waits(holderInTheWay(event.holder, event.tool === undefined ? "run" : "lock"));
    case "connected":
    case "lock-acquired":
      return waits(null);
    case "step-started": {
      const { step, index, count } = event;
      // Tried again, it waits for the same until its next progress says otherwise.
      if (now.step?.revision === step.revision) return now;
      return {
        ...now,
        waitingFor: null,
        step: { revision: step.revision, position: index + 1, count },
        stepBegunAt: atMs,
      };
    }
    case "step-progress":
    case "step-retry":
    case "run-retry":
      return waits(sessionInTheWay(event.blockers[0]));
    case "step-done":
    case "step-failed":
      return { ...now, waitingFor: null, step: null };
    case "import-progress": {
      const { files, bytes, stage, failed } = event.figures;
      const progress = {
        import: event.import,
        stage,
        filesDone: files.done,
        filesTotal: files.total,
        bytesDone: bytes.done,
        bytesTotal: bytes.total,
        failed,
      };
      return { ...now, imports: new Map([...now.imports, [event.import, progress]]) };
    }
    case "import-finished": {
      const progress = now.imports.get(event.report.import);
      if (progress === undefined) return now;
      return {
        ...now,
        imports: new Map([...now.imports, [progress.import, { ...progress, stage: "finished" }]]),
      };
    }
    default:
      return now;
  }
}

function holderInTheWay(holder: Holder | null, kind: "run" | "lock"): WaitingFor {
  if (holder === null) return { kind, pid: null, ageMs: null, command: null };
  return { kind, pid: holder.pid, ageMs: holder.heldForMs, command: holder.release };
}

export function sessionInTheWay(blocker: Blocker | undefined): WaitingFor | null {
  if (blocker === undefined) return null;
  const { pid, transactionAgeMs } = blocker;
  return { kind: "lock", pid, ageMs: transactionAgeMs, command: `select pg_terminate_backend(${pid});` };
}
