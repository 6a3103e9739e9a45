/** What else runs for each row that a statement changes, and how long that takes nobody can say from the statement. */
import type { Connection, Row } from "../database/connection.ts";

export interface Triggered {
  /** `public.orders` */
  readonly relation: string;
  /** Also a foreign key to it: each row that goes is looked for in the other table. */
  readonly onDelete: boolean;
  /** A foreign key asks nothing where its columns stay as they are. */
  readonly onUpdate: boolean;
}

/** Of a database that has the schema as it is after the plan. */
export async function triggeredOf(connection: Connection): Promise<readonly Triggered[]> {
  const { rows } = await connection.query<Triggered & Row>(TRIGGERED);
  return rows;
}

/** The bits of `tgtype` are those of `pg_trigger.h`: 8 is DELETE, 16 is UPDATE. */
const TRIGGERED = `select n.nspname || '.' || c.relname as relation, bool_or(t.tgtype & 8 <> 0) as "onDelete",
  bool_or(t.tgtype & 16 <> 0 and not t.tgisinternal) as "onUpdate"
from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace where t.tgenabled in ('O', 'A') group by 1`;

/** Whether a statement that changes all rows of these tables does more than it says. */
export function runsMore(text: string, tables: readonly string[], triggered: readonly Triggered[]): boolean {
  const [, verb] = /^\s*(update|delete)\b/i.exec(text) ?? [];
  if (verb === undefined) return false;
  const isDelete = verb.toLowerCase() === "delete";
  return triggered.some(
    ({ relation, onDelete, onUpdate }) => (isDelete ? onDelete : onUpdate) && tables.includes(relation),
  );
}
