/** Which sessions keep another one waiting, as the server sees it. */
import { hideLiterals } from "../core/sql/secrets.ts";
import type { Blocker, Connection } from "./connection.ts";

export const BLOCKERS = `select pid, usename as "user", application_name as "applicationName", state,
  (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "transactionAgeMs",
  left(query, 200) as query from pg_stat_activity`;
export const BLOCKERS_OF_PID = `${BLOCKERS} where pid = any(pg_blocking_pids($1))`;

/** Asks by a connection that is not the one that waits. */
export async function blockersOf(connection: Connection, pid: number): Promise<readonly Blocker[]> {
  const { rows } = await connection.query<Blocker & Record<string, unknown>>(BLOCKERS_OF_PID, [pid]);
  return rows.map(withoutLiterals);
}

/** A statement of others may hold secrets, and the result is shown to people and machines. */
export function withoutLiterals<B extends Blocker>(blocker: B): B {
  return { ...blocker, query: hideLiterals(blocker.query) };
}
