/** Asks inside a transaction whether the table and its key are still those that its windows go by. Pure. */
import { dollarBlock } from "../core/sql/dollar-block.ts";
import { literal } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import { IS_KEY, SIGNATURE } from "./key-index.ts";
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
 * A statement that raises an error if the name belongs to another table by now, or if the key is not the one that was
 * found. Behind a statement that has read the table, its lock keeps both until the transaction ends. Each window asks it,
 * so it looks at the catalog by numbers, without joins.
 */
export function tableGuard({ name, oid, keyColumns, keyIndex, keyOrder }: Guarded): string {
  const table = `${regclass(name)}::pg_catalog.oid`;
  const raise = (what: OtherTable) =>
    `raise exception using errcode = '${OTHER_TABLE_SQLSTATE}', message = '${what}';`;
  const columns = keyColumns.map((signature) => signature.split(" "));
  const isSame = columns.map(
    (
      [number],
      at,
    ) => `exists (select from pg_catalog.pg_attribute a where a.attrelid = '${oid}'::pg_catalog.oid
      and a.attnum = ${number} and a.attnotnull and ${SIGNATURE} = ${literal(keyColumns[at] ?? "")})`,
  );
  const hasIndex = `exists (select from pg_catalog.pg_index i where i.indrelid = '${oid}'::pg_catalog.oid
      and ${IS_KEY} and i.indnkeyatts = ${columns.length} and i.indkey::pg_catalog.text = ${literal(keyIndex)})`;
  const others = keyOrder.flatMap((version, at) =>
    version === ""
      ? []
      : [
          `pg_catalog.pg_collation_actual_version('${columns[at]?.[3]}') is distinct from ${literal(version)}`,
        ],
  );
  return dollarBlock(`if ${table} is null then ${raise("gone")}
  elsif ${table} <> '${oid}'::pg_catalog.oid then ${raise("other")}
  elsif not (${[...isSame, hasIndex].join(" and ")}) then ${raise("key")}
  ${others.length === 0 ? "" : `elsif ${others.join(" or ")} then ${raise("order")}`}
  end if;`);
}

type Guarded = Pick<FoundTable, "name" | "oid" | "keyColumns" | "keyIndex" | "keyOrder">;
