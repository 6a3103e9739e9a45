/** Which sessions keep another one waiting, as the server sees it. */
import { hideLiterals } from "../core/sql/secrets.ts";
import type { Blocker, Connection } from "./connection.ts";

/** How the session that waits is found on the server. */
export type Observed = { readonly pid: number } | { readonly applicationName: string };

const BLOCKERS = `select pid, usename as "user", application_name as "applicationName", state,
  (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "transactionAgeMs",
  left(query, 200) as query from pg_stat_activity`;
const BLOCKERS_OF_PID = `${BLOCKERS} where pid = any(pg_blocking_pids($1))`;
/** Behind a pooler the process id changes. The application name does not, because each transaction of ours sets it. */
const BLOCKERS_OF_NAME = `${BLOCKERS} where pid in (
  select unnest(pg_blocking_pids(pid)) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock')`;

export function blockersQuery(observed: Observed): readonly [text: string, key: number | string] {
  return "pid" in observed ? [BLOCKERS_OF_PID, observed.pid] : [BLOCKERS_OF_NAME, observed.applicationName];
}

/** A statement of others may hold secrets, and the result is shown to people and machines. */
export function withoutLiterals<B extends Blocker>(blocker: B): B {
  return { ...blocker, query: hideLiterals(blocker.query) };
}

/** Asks by a connection that is not the one that waits. */
export async function blockersOf(connection: Connection, observed: Observed): Promise<readonly Blocker[]> {
  const [text, key] = blockersQuery(observed);
  const { rows } = await connection.query<Blocker & Record<string, unknown>>(text, [key]);
  return rows.map(withoutLiterals);
}
