/** A check in SQL: one statement in a transaction that can't write, with the search path and the role of the target. */
import type { Connection, Result } from "../../database/connection.ts";
import { sessionKind, withOneConnection } from "../session/connect.ts";
import { resetSession } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import { begin } from "../session/transaction.ts";
import { type Check, CheckFault } from "./check.ts";

interface CheckContext {
  readonly target: Target;
  readonly context: RunContext;
  /** The connection of the run, between two steps of it. `null`: one is opened. */
  readonly connection: Connection | null;
}

export async function checkSql(
  check: Check & { kind: "sql" },
  { target, context, connection }: CheckContext,
): Promise<void> {
  const ask = async (on: Connection) => {
    const kind = sessionKind(on, context);
    // Behind a pooler nothing of the session can be relied on.
    const settings = kind.session ? "" : resetSession(kind, target.settings, {});
    const row = (await answersOf(on, check, settings)).at(-2)?.rows[0];
    if (row === undefined) throw new CheckFault("it returned no row");
    const [first] = Object.values(row);
    if (first === false || first === null) throw new CheckFault(`it returned ${String(first)}`);
  };
  await (connection === null ? withOneConnection(target, context, ask) : ask(connection));
}

async function answersOf(
  connection: Connection,
  { sql, timeoutMs }: Check & { kind: "sql" },
  settings: string,
): Promise<readonly Result[]> {
  const limits = `set local transaction_read_only = on; set local statement_timeout = ${timeoutMs};`;
  try {
    // A comment at the end of the text must not swallow the COMMIT.
    return await connection.execute(
      `${begin()} ${settings} ${limits}
${sql}
; commit`,
      { rows: "by position" },
    );
  } catch (error) {
    if (!connection.lost.aborted) await connection.execute("rollback").catch(() => {});
    throw error;
  }
}
