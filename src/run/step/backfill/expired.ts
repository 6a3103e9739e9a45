/** Drops old values of backfills whose time is over. */
import type { Connection } from "../../../database/connection.ts";
import type { Problem } from "../../../errors.ts";
import type { Lock } from "../../../lock/lock.ts";
import type { Target } from "../../session/target.ts";
import { writeUnderLock } from "../../session/transaction.ts";

export interface ExpiredPlace {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly warn: (problem: Problem) => void;
}

/** Says so for each backfill. A database without old values is asked one question. */
export async function dropExpired({
  target: { ledger },
  connection,
  lock,
  warn,
}: ExpiredPlace): Promise<void> {
  const { sql } = ledger;
  const [there] = (await connection.query<{ exists: boolean }>(sql.hasUndo())).rows;
  if (there?.exists !== true) return;
  const { rows } = await connection.query<{ revision: string }>(sql.expiredUndo());
  for (const { revision } of rows) {
    await writeUnderLock(connection, lock, `${sql.forgetUndo(revision)};`);
    warn({
      code: "BACKFILL_UNDO_EXPIRED",
      message: `The old values of ${revision} were dropped, because the time is over for which its file keeps them.`,
      details: { revision },
    });
  }
}
