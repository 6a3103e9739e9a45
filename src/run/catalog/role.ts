/** What the catalog lets the role of a connection do. */
import type { Connection, Row } from "../../database/connection.ts";

export interface Privileges {
  /** The role is not subject to row-level security. */
  readonly bypassesRows: boolean;
  /** It may make a schema in the database. */
  readonly makesSchemas: boolean;
  /** It may create in the ledger's schema, which exists. */
  readonly createsInLedger: boolean;
  readonly createsInPublic: boolean;
}

/** `null`: the server does not know the role. */
export async function privilegesOf(connection: Connection, ledgerSchema: string): Promise<Privileges | null> {
  const { rows } = await connection.query<Row & Privileges>(
    `select rolbypassrls or rolsuper as "bypassesRows",
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as "makesSchemas",
       coalesce((select pg_catalog.has_schema_privilege(oid, 'CREATE') from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) $1), false)
         as "createsInLedger",
       coalesce((select pg_catalog.has_schema_privilege(oid, 'CREATE') from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) 'public'), false)
         as "createsInPublic"
     from pg_catalog.pg_roles where rolname operator(pg_catalog.=) current_user`,
    [ledgerSchema],
  );
  return rows[0] ?? null;
}
