/** Creating what others may be creating at the same moment. */

import { DatabaseError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/** unique_violation (of the catalog), duplicate_schema, duplicate_table, duplicate_object */
const ALREADY_THERE = new Set(["23505", "42P06", "42P07", "42710"]);

/**
 * Sends `if not exists` statements as one message. They are no protection by themselves: two sessions that look
 * at once both find nothing, and the second fails on the catalog's own keys. By then the first has committed, so
 * the second time everything is found.
 */
export async function createIfMissing(connection: Connection, statements: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await connection.execute(statements);
      return;
    } catch (error) {
      const there = error instanceof DatabaseError && ALREADY_THERE.has(error.sqlState ?? "");
      if (!there || attempt >= 3) throw error;
    }
  }
}
