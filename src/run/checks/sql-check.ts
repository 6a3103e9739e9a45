/** A check in SQL: one statement in a transaction that can't write, with the search path and the role of the target. */
import { sessionKind, withOneConnection } from "../session/connect.ts";
import { resetSession } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import { begin } from "../session/transaction.ts";
import { type Check, CheckFault } from "./check.ts";

export async function checkSql(
  target: Target,
  { sql, timeoutMs }: Check & { kind: "sql" },
  context: RunContext,
): Promise<void> {
  await withOneConnection(target, context, async (connection) => {
    const kind = sessionKind(connection, context);
    // Behind a pooler nothing of the session can be relied on.
    const settings = kind.session ? "" : resetSession(kind, target.settings, {});
    // A comment at the end of the text must not swallow the COMMIT.
    const results = await connection.execute(
      `${begin()} ${settings} set local transaction_read_only = on; set local statement_timeout = ${timeoutMs};\n${sql}\n; commit`,
    );
    const row = results.at(-2)?.rows[0];
    if (row === undefined) throw new CheckFault("it returned no row");
    const [first] = Object.values(row);
    if (first === false || first === null) throw new CheckFault(`it returned ${String(first)}`);
  });
}
