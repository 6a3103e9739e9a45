/** Names the sessions that hold a lock which a run waits for. */
import { endSession } from "../../core/sql/end-session.ts";
import type { Blocker } from "../../database/connection.ts";
import { formatDuration } from "../../std/time.ts";

/** Says who they are, and gives the command that ends them. `undefined` means that nobody was seen. */
export function inTheWay(blockers: readonly Blocker[]): string | undefined {
  if (blockers.length === 0) return undefined;
  const ends = blockers.map(({ pid }) => `${endSession(pid)};`);
  return `In its way: ${blockers.map(nameBlocker).join("; ")}. Wait until it is done, or end it with: ${ends.join(" ")}`;
}

/** The query is left out because it may hold data. The progress shows it. */
function nameBlocker({ pid, applicationName, state, transactionAgeMs }: Blocker): string {
  const age = transactionAgeMs === null ? "" : ` for ${formatDuration(transactionAgeMs)}`;
  const known = [applicationName, state === null ? "" : `${state}${age}`].filter(Boolean).join(", ");
  return `process ${pid}${known && ` (${known})`}`;
}
