/** Who of several processes changes the databases of an embedded server: an advisory lock, held by its session. */
import type { Connection } from "../connection.ts";

export interface TurnHolder {
  /** The process id of the program. `null`: it was not there any more when it was asked for. */
  readonly pid: number | null;
  readonly since: Date | null;
}

/** Any number that is ours alone. */
const TURN = 7_306_915_341n;
const NAME = "godwit dev";

/** The name of the session that takes the turn. */
export function turnName(pid: number): string {
  return `${NAME} ${pid}`;
}

/** `null`: this session has it from now on, as long as it lasts. */
export async function takeTurn(connection: Connection): Promise<TurnHolder | null> {
  const { rows } = await connection.query<{ taken: boolean }>(
    "select pg_catalog.pg_try_advisory_lock($1) as taken",
    [TURN],
  );
  if (rows[0]?.taken === true) return null;
  const { rows: holders } = await connection.query<{ name: string; since: Date }>(
    `select a.application_name as name, a.backend_start as since
     from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.datname = current_database()
       and (l.classid::bigint << 32 | l.objid::bigint) = $1`,
    [TURN],
  );
  const [holder] = holders;
  const pid = /(\d+)$/.exec(holder?.name ?? "")?.[1];
  return { pid: pid === undefined ? null : Number(pid), since: holder?.since ?? null };
}
