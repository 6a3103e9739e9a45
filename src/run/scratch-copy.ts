/** Copies of databases on a scratch server. */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Scratch } from "../database/embedded/scratch.ts";

/** Replaces a database by a copy of another one. Sessions that code of migrations has left there are ended. */
export async function copyOf(
  scratch: Scratch,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await using connection = await scratch.open("postgres");
  await connection.execute(`drop database if exists ${identifier(to)} with (force)`);
  await connection.execute(
    `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname = ${literal(from)}`,
  );
  await scratch.create(to, { template: from });
}

/** Where the target is one schema of a database: the migrations expect it to be there. */
export async function makeSchema(
  scratch: Scratch,
  { database, schema }: { readonly database: string; readonly schema: string },
): Promise<void> {
  await using connection = await scratch.open(database);
  await connection.execute(`create schema if not exists ${identifier(schema)}`);
}
