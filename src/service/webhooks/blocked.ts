/** Notices that a run has been waiting too long, from its events. Each wait is told once. */
import type { Blocker } from "../../database/connection.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { NOTHING, notedIn } from "../health/now.ts";
import type { WaitingFor } from "../health/snapshot.ts";

export interface LongWait {
  readonly waitedMs: number;
  readonly revision: string | null;
  readonly waitingFor: WaitingFor;
}

/** `afterMs` 0: never. Returns a wait as soon as it is too long. */
export function watchWaits(afterMs: number): (event: RunEvent, atMs: number) => LongWait | null {
  let since: number | null = null;
  let told = false;
  const over = () => {
    [since, told] = [null, false];
    return null;
  };
  const seen = (event: RunEvent, { atMs, sinceMs, revision }: BlockedRun): LongWait | null => {
    since ??= sinceMs;
    const { waitingFor } = notedIn(NOTHING, event, atMs);
    if (told || afterMs === 0 || atMs - since < afterMs || waitingFor === null) return null;
    told = true;
    return { waitedMs: Math.round(atMs - since), revision, waitingFor };
  };
  return (event, atMs) => {
    switch (event.kind) {
      case "lock-waiting":
        return seen(event, { atMs, sinceMs: atMs - event.waitedMs, revision: null });
      case "step-progress":
        return event.blockers.length === 0 ? over() : seen(event, blockedIn(event, atMs));
      // Between two tries nobody is in the way for a moment, and the wait is still the same.
      case "step-retry":
        return event.blockers.length === 0 ? null : seen(event, blockedIn(event, atMs));
      case "run-retry":
        return event.blockers.length === 0 ? null : seen(event, { atMs, sinceMs: atMs, revision: null });
      case "lock-acquired":
      case "step-done":
      case "step-failed":
        return over();
      default:
        return null;
    }
  };
}

interface BlockedRun {
  readonly atMs: number;
  /** Since when it waits, if nothing was seen of it before. */
  readonly sinceMs: number;
  readonly revision: string | null;
}

function blockedIn(
  event: { readonly step: { readonly revision: string }; readonly blockers: readonly Blocker[] },
  atMs: number,
): BlockedRun {
  return { atMs, sinceMs: atMs, revision: event.step.revision };
}
