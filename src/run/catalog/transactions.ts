/** Transactions of others that a migration may have to wait for. */
import type { Connection, Row } from "../../database/connection.ts";

export interface OpenTransaction {
  readonly pid: number;
  readonly user: string;
  readonly state: string;
  readonly ageMs: number;
}

/** Those of this database that have been open for more than a minute. */
export async function longTransactions(connection: Connection): Promise<readonly OpenTransaction[]> {
  const { rows } = await connection.query<Row & OpenTransaction>(
    `select pid, usename as "user", coalesce(state, '') as state,
       (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "ageMs"
     from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and xact_start < clock_timestamp() - interval '1 minute' and backend_type = 'client backend'`,
  );
  return rows;
}
