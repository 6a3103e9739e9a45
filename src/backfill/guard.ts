/** Asks inside a transaction whether the table and its key are still those that its windows go by. Pure. */
import { dollarBlock } from "../core/sql/dollar-block.ts";
import { literal } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import { KEY_INDEXES, ORDERED_BY, ofKeyColumns, SIGNATURE } from "./key-index.ts";
import type { FoundTable } from "./table.ts";

/** The SQLSTATE that the guard raises. */
export const OTHER_TABLE_SQLSTATE = "GW006";

/** What it says as its message. */
export type OtherTable =
  /** No table has the name. */
  | "gone"
  /** Another table has it. */
  | "other"
  /** The columns of the key have other names, types or collations, or may be NULL, or no unique index has them. */
  | "key"
  /** A library of the server orders the key in another way. */
  | "order";

/**
 * A statement that raises an error unless the name, with its schema, is that of this table, and its key is the one that
 * was found. Behind a statement that has read the table, its lock keeps both until the transaction ends.
 */
export function tableGuard({ name, oid, keyColumns, keyOrder }: Guarded): string {
  const table = `${regclass(name)}::pg_catalog.oid`;
  const raise = (what: OtherTable) =>
    `raise exception using errcode = '${OTHER_TABLE_SQLSTATE}', message = '${what}';`;
  const index = `select ${ofKeyColumns(ORDERED_BY)} as keyorder ${KEY_INDEXES} and i.indrelid = '${oid}'::pg_catalog.oid
    and ${ofKeyColumns(SIGNATURE)} = ${texts(keyColumns)} and not (false = any (${ofKeyColumns("a.attnotnull")}))`;
  return dollarBlock(`if ${table} is null then ${raise("gone")}
  elsif ${table} <> '${oid}'::pg_catalog.oid then ${raise("other")}
  elsif not exists (${index}) then ${raise("key")}
  elsif not exists (select from (${index}) found where keyorder = ${texts(keyOrder)}) then ${raise("order")}
  end if;`);
}

type Guarded = Pick<FoundTable, "name" | "oid" | "keyColumns" | "keyOrder">;

function texts(values: readonly string[]): string {
  return `array[${values.map((value) => literal(value)).join(", ")}]::pg_catalog.text[]`;
}
