/**
 * Checks, in the transaction that declares migrations, that the tool is not carrying them out at this moment. Its row
 * would be ours then, the tool would fail on the duplicate and take everything back, and the effect would be nowhere.
 */
import { restored } from "../../core/sql/stored.ts";
import { DatabaseError, PlanRefused } from "../../errors.ts";
import type { Listing } from "../../source/source.ts";
import { atWork, readers } from "../../tools/intruder.ts";
import { nameOf } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import { afterReaders, block, type Mirror, PRESENT_SQLSTATE, raiseIf } from "./mirror.ts";

/** SQL that goes before all rows that are written. It locks the tool's table until the end of the transaction. */
export async function declaredGuard(
  { source, ledger }: Target,
  mirror: Mirror,
  { files, revisions }: { readonly files: Listing; readonly revisions: readonly string[] },
): Promise<string> {
  const { table, writer, tool } = mirror;
  const checks: string[] = [];
  for (const migration of files.migrations.filter(({ id }) => revisions.includes(id))) {
    const { id: revision, tool: key = null } = migration;
    const content = await source.read(migration, "up");
    const text = content.kind === "sql" ? content.text : null;
    const step = { revision, key, text, ledger: ledger.sql.historyTable };
    const present = mirror.create === null ? writer.present(table, step) : null;
    if (present !== null) checks.push(raiseIf(present, `${revision} is in the history of ${tool.title}`));
    const busy = writer.intruder?.atWork(table, step) ?? atWork(table, step);
    checks.push(raiseIf(busy, `${revision} is being carried out by ${tool.title}`));
  }
  if (checks.length === 0) return "";
  const lock = mirror.create === null ? `lock table ${nameOf(table)} in access exclusive mode;` : "";
  return `${lock} ${block(`${afterReaders(readers(table))} ${checks.join(" ")}`)}`;
}

/** The error for a declaration that the guard has stopped. Any other error is returned as it is. */
export function notDeclared(error: unknown, mirror: Mirror | null): unknown {
  if (mirror === null || !(error instanceof DatabaseError) || error.sqlState !== PRESENT_SQLSTATE)
    return error;
  return new PlanRefused(
    [
      {
        code: "ADOPT_TOOL_RUNNING",
        message: `${restored(error.message)}: it is at work on this database.`,
        hint: "Let the other tool finish, then look at the database and run again. Nothing was changed.",
      },
    ],
    { cause: error },
  );
}
