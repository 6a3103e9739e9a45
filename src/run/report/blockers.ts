/** Sessions that hold what is waited for, for people. */
import type { Blocker } from "../../database/connection.ts";
import { formatDuration } from "../../std/time.ts";

/** Who they are and the command that ends them; `undefined`: nobody was seen. */
export function inTheWay(blockers: readonly Blocker[]): string | undefined {
  if (blockers.length === 0) return undefined;
  const ends = blockers.map(({ pid }) => `select pg_terminate_backend(${pid});`);
  return `In its way: ${blockers.map(nameBlocker).join("; ")}. Wait until it is done, or end it with: ${ends.join(" ")}`;
}

/** Not its query: that may hold data. It is shown in the progress. */
function nameBlocker({ pid, applicationName, state, transactionAgeMs }: Blocker): string {
  const age = transactionAgeMs === null ? "" : ` for ${formatDuration(transactionAgeMs)}`;
  const known = [applicationName, state === null ? "" : `${state}${age}`].filter(Boolean).join(", ");
  return `process ${pid}${known && ` (${known})`}`;
}
