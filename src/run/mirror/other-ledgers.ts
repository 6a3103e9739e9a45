/**
 * Finds out whether another ledger in the same database claims a tool's table. Such a table belongs to another
 * project, so it is neither read nor written.
 */
import { identifier, literal } from "../../core/sql/quote.ts";
import { restored } from "../../core/sql/stored.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { PlanRefused } from "../../errors.ts";
import type { RecognisedHistory } from "../../tools/recognise.ts";
import { describeTable } from "../../tools/tool.ts";
import type { Target } from "../session/target.ts";
import { type ToolMemory, tableOf } from "./tool-memory.ts";

/**
 * Throws `PlanRefused` (`ADOPT_AMBIGUOUS`) if another ledger claims the table, and ours has neither adopted nor mirrored
 * anything in it: to have looked at it is no claim. A registry that several projects share is not checked, because only
 * our own rows are read from it.
 */
export async function refuseOthers(
  target: Target,
  connection: Connection,
  found: RecognisedHistory,
  { memory, mirrored }: { readonly memory: ToolMemory; readonly mirrored: boolean },
): Promise<void> {
  const { tool, table } = found;
  const name = describeTable(table);
  const isAdopted = memory.adopted.some((one) => one.tool === tool.name && one.table === name);
  const isOurs = isAdopted || (mirrored && tableOf(memory, tool.name) === name);
  if (tool.own !== undefined || isOurs) return;
  const claim = await claimOn(target, connection, found);
  if (claim === null) return;
  const own =
    tool.writer === undefined
      ? ""
      : `, or name your own, which is made where it is missing: --mirror ${tool.name}:<schema.table>`;
  throw new PlanRefused([
    {
      code: "ADOPT_AMBIGUOUS",
      message: `${name} is a history of ${tool.title}, and the ledger in schema "${claim.ledger}" has ${claim.subject} in it: it is another project's.`,
      hint: `If it is: --mirror none:${name}${own}. If it is that of these files too: \`godwit adopt --table ${name}\`. Nothing was changed.`,
      details: { tool: tool.name, table: name, ledger: claim.ledger },
    },
  ]);
}

/** Another ledger that claims the table, and one of its revisions. `null`: there is none. */
export async function claimOn(
  { ledger }: Target,
  connection: Connection,
  { tool, table }: RecognisedHistory,
): Promise<{ readonly ledger: string; readonly subject: string } | null> {
  const name = describeTable(table);
  const { rows: schemas } = await connection.query<{ schema: string }>(ledgersBeside(ledger.schema));
  for (const { schema } of schemas) {
    const { rows } = await connection.query<Claim>(claims(schema));
    const claim = restored(rows).find((one) => one.tool === tool.name && one.history === name);
    if (claim !== undefined) return { ledger: schema, subject: claim.subject };
  }
  return null;
}

interface Claim extends Row {
  readonly tool: string;
  readonly history: string;
  readonly subject: string;
}

/** The ledgers that the role can read, except our own. */
function ledgersBeside(own: string): string {
  return `select n.nspname as schema from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = 'migration_tool_rows' and c.relkind = 'r' and n.nspname <> ${literal(own)}
and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and exists (
  select from pg_catalog.pg_class h where h.relnamespace = n.oid and h.relname = 'migration_history' and h.relkind = 'r'
  and has_table_privilege(h.oid, 'select')) order by 1`;
}

/** SQL that names one revision of that ledger for each table in which it has rows. */
function claims(schema: string): string {
  const name = identifier(schema);
  return `select t.tool, t.history, min(t.subject) as subject from ${name}.migration_tool_rows t
where exists (select from ${name}.migration_history h where h.revision = t.subject) group by t.tool, t.history`;
}
