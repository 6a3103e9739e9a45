/**
 * Commits that only this server has.
 *
 * Without its synchronous standby, a COMMIT waits. If anybody cancels that wait, the server answers with
 * success and a warning. A failover may then lose what was committed.
 */
import type { Connection } from "../../database/connection.ts";
import type { Problem } from "../../errors.ts";
import type { Observe } from "../report/events.ts";
import type { RunContext } from "./target.ts";

/** The function of the server that waits. Its warning has no SQLSTATE of its own, and may be in any language. */
const WAIT = "SyncRepWaitForLSN";

/** Warns once for each connection, whatever statement it was. */
export function hearLocalCommits(connection: Connection, observe: Observe): void {
  const stop = connection.onNotice(({ routine }) => {
    if (routine !== WAIT) return;
    stop();
    observe({ kind: "warning", problem: localCommit(connection.server.database) });
  });
}

function localCommit(database: string): Problem {
  return {
    code: "DATABASE_NOT_REPLICATED",
    message: `A commit in database "${database}" is on this server alone: the wait for its synchronous standby was cancelled. A failover may lose it.`,
    hint: "See whether a standby has caught up: select application_name, sync_state, replay_lsn from pg_stat_replication; if there is none, look at synchronous_standby_names. After a failover, run `godwit up` again.",
  };
}

/** Returns the context with an observer that keeps its warnings. Each warning is passed on once. */
export function withWarnings(context: RunContext): {
  readonly context: RunContext;
  readonly warnings: () => readonly Problem[];
} {
  const told = new Map<string, Problem>();
  const observe: Observe = (event) => {
    if (event.kind === "warning") {
      const key = `${event.problem.code} ${event.problem.message}`;
      if (told.has(key)) return;
      told.set(key, event.problem);
    }
    context.observe(event);
  };
  return { context: { ...context, observe }, warnings: () => [...told.values()] };
}
