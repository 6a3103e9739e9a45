/** The roles that migrations speak of, made on a scratch server as they are missed. */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { rolesOf } from "../rehearsal/catalog.ts";

/** A role that a migration speaks of is made, because roles belong to the server. A step that failed was rolled back. */
export async function runWithRoles<T>(
  connection: Connection,
  run: () => Promise<T>,
  /** Called behind each role that was made. */
  made: () => Promise<void> = async () => {},
): Promise<T> {
  const tried = new Set<string>();
  for (;;)
    try {
      return await run();
    } catch (error) {
      // The scratch server speaks English.
      const [, role] = /role "(.+?)" does not exist/.exec(messageOf(error)) ?? [];
      if (role === undefined || tried.has(role)) throw error;
      tried.add(role);
      await ensureRoles(connection, [role]);
      await made();
    }
}

export async function ensureRoles(connection: Connection, names: readonly string[]): Promise<void> {
  const there = new Set(await rolesOf(connection));
  for (const name of new Set(names))
    if (!there.has(name) && !name.startsWith("pg_"))
      await connection.execute(`create role ${identifier(name)} superuser`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
