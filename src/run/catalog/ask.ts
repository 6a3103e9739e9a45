/**
 * Asks the catalog in a session whose settings a migration may have changed.
 *
 * The session's search_path can put somebody else's `pg_index` or `=` before the server's, and its
 * statement_timeout can be too short for a question. So each question has its own transaction and settings.
 * Don't ask inside a transaction.
 */
import type { Name } from "../../core/sql/cursor.ts";
import { literal, quotedName } from "../../core/sql/quote.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { CATALOG_ONLY } from "../session/settings.ts";
import { begin } from "../session/transaction.ts";

/** The rows of one SELECT. Its names are resolved in `pg_catalog`. */
export async function askCatalog<R extends Row>(
  connection: Connection,
  select: string,
): Promise<readonly R[]> {
  try {
    const results = await connection.execute(
      `${begin()} set local statement_timeout = 0; ${CATALOG_ONLY} ${select}; commit`,
    );
    return (results.at(-2)?.rows ?? []) as readonly R[];
  } catch (error) {
    // Nobody waits for it: what was sent behind the question fails in its transaction, and would be told before its cause.
    if (!connection.lost.aborted) connection.execute("rollback").catch(() => {});
    throw error;
  }
}

/** The object that a name of a migration means in the current search_path; `null` if there is none. */
export async function resolveName(
  connection: Connection,
  name: Name,
  object: "regclass" | "regtype" = "regclass",
): Promise<number | null> {
  const [answer] = await connection.execute(
    `select pg_catalog.to_${object}(${literal(written(name))})::pg_catalog.oid::pg_catalog.int8::pg_catalog.float8 as oid`,
  );
  return (answer?.rows[0]?.oid ?? null) as number | null;
}

/** The name as `to_regclass` and `to_regtype` read it. */
export function written({ schema, name }: Name): string {
  return schema === null ? quotedName(name) : `${quotedName(schema)}.${quotedName(name)}`;
}
