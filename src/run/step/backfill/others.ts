/** Who else works in the database of a backfill. */
import type { Signals } from "../../../backfill/throttle.ts";
import { literal } from "../../../core/sql/quote.ts";
import type { Connection } from "../../../database/connection.ts";
import { DatabaseError } from "../../../errors.ts";

/** The sessions of windows: the run's own, and those of its workers. An address may give them all another name. */
export interface Windows {
  readonly pid: number;
  readonly applicationName: string;
}

/** Sessions that are ours: those of the windows, and others of the run, whose names begin with its own (`signals.ts`). */
export function ownSessions(windows: Windows | null): string {
  const named = windows === null ? "" : ` or ${isOurs(windows)} and pid <> pg_catalog.pg_backend_pid()`;
  return `select array(select pid from pg_catalog.pg_stat_activity where pid = ${windows?.pid ?? 0}${named}) as pids`;
}

function isOurs({ applicationName }: Windows): string {
  return `pg_catalog.left(application_name, ${applicationName.length}) = ${literal(applicationName)}`;
}

/**
 * Two expressions beside `ours`. `ms`: how long ago another session of the database worked. `seen`: whether all of them can
 * be seen.
 *
 * A session with a statement under way works now, unless it waits for a lock. Of other roles' sessions, a role without
 * `pg_read_all_stats` sees neither the state nor the kind. Behind a pooler, a session may be ours in one moment and another's
 * in the next.
 */
export function othersAtWork(windows: Windows | null): { readonly ms: string; readonly seen: string } {
  if (windows === null) return { ms: "null", seen: "false" };
  const from = `from pg_catalog.pg_stat_activity, ours where coalesce(backend_type, 'client backend') = 'client backend'
      and datname = pg_catalog.current_database() and pid <> all (ours.pids) and pid <> pg_catalog.pg_backend_pid()
      and not ${isOurs(windows)}`;
  return {
    ms: `(select pg_catalog.min(case when state = 'active' and wait_event_type is distinct from 'Lock' then 0
      else extract(epoch from pg_catalog.clock_timestamp() - state_change) * 1000 end) ${from})`,
    seen: `(select pg_catalog.count(*) = pg_catalog.count(state_change) ${from})`,
  };
}

/** One look. Where the server shows its sessions to nobody, nothing is known of others. */
export async function lookAtOthers(
  connection: Connection,
  windows: Windows | null,
): Promise<Pick<Signals, "othersMs" | "seesOthers">> {
  const { ms, seen } = othersAtWork(windows);
  try {
    const { rows } = await connection.query<{ others: number | null; sees: boolean }>(
      `with ours as materialized (${ownSessions(windows)}) select ${ms}::pg_catalog.float8 as others, ${seen} as sees`,
    );
    return { othersMs: rows[0]?.others ?? null, seesOthers: rows[0]?.sees ?? false };
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    return { othersMs: null, seesOthers: false };
  }
}
