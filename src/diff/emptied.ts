/** Takes the rows out of a database of the scratch server: they would decide which statements succeed. */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";

/** Empties the tables that have a page. No trigger sees it. */
export async function withoutRows(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ readonly schema: string; readonly name: string }>(FILLED);
  if (rows.length === 0) return;
  const tables = rows.map(({ schema, name }) => `${identifier(schema)}.${identifier(name)}`);
  await connection.execute(
    `set session_replication_role = replica; truncate ${tables.join(", ")} cascade; reset session_replication_role`,
  );
}

const FILLED = `select n.nspname::text as schema, c.relname::text as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and pg_catalog.pg_relation_size(c.oid) > 0`;
