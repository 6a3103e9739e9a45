/**
 * Rows that a function of a module changes, in place of a statement: what is read of a window, and how its patches are
 * written in one statement. Pure. The process of user code runs both, on the connection of the run.
 */
import type { PatchColumn, RowsWindow } from "../core/backfill.ts";
import { identifier } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import { inRange, isKey, names, type Window } from "./key.ts";
import type { BackfillTable } from "./table.ts";
import { type Keeping, keepingSql } from "./undo.ts";

/** The changed table in the statement that writes patches. */
const ROW = "godwit_row";

export function rowsWindow(
  { name, shown, key }: BackfillTable,
  {
    window,
    read,
    where,
    columns,
    writes,
    keeping,
  }: {
    readonly window: Window;
    readonly read: readonly string[];
    readonly where: string | null;
    readonly columns: readonly PatchColumn[];
    readonly writes: readonly string[] | null;
    readonly keeping: Keeping | null;
  },
): RowsWindow {
  const condition = (alias: string | null) => {
    if (window === "none") return "(false)";
    return "only" in window ? isKey(key, window.only, alias) : inRange(key, window, alias);
  };
  const asked = [...names(key).split(", "), ...read.map(identifier)];
  return {
    ...{ table: name, shown, key, columns, writes, inside: condition(ROW) },
    keeping: keeping === null ? null : keepingSql(keeping, key, { window, alias: ROW }),
    select: `select ${asked.join(", ")} from ${name} where ${condition(null)}${where === null ? "" : ` and (${where}\n)`} order by ${names(key)} for no key update`,
  };
}

/** The statement that takes a parameter for each value of one row, to learn how the server wants them. */
export function kindsOf(columns: readonly PatchColumn[]): string {
  return `select ${columns.map(({ type }, at) => `$${at + 1}::${type}`).join(", ")}`;
}

/**
 * The statement that writes patches. Its parameters are arrays of texts with an element for each row: the columns of the
 * key, the values of each column, and for a column that not every patch sets, whether this one does. A row that has its
 * values already is not written. Where old values are kept, its only row says how many were.
 */
export function patchStatement(
  { table, key, inside, keeping }: RowsWindow,
  set: readonly (PatchColumn & { readonly sparse: boolean })[],
): string {
  const parameters = [
    ...key.map((_, at) => `k${at}`),
    ...set.map((_, at) => `v${at}`),
    ...set.flatMap(({ sparse }, at) => (sparse ? [`s${at}`] : [])),
  ];
  const arrays = parameters.map(
    (name, at) => `$${at + 1}::pg_catalog.${name.startsWith("s") ? "bool" : "text"}[]`,
  );
  const old = (name: string) => `godwit_row.${identifier(name)}`;
  const fresh = ({ name, sparse }: (typeof set)[number], at: number, type: string) =>
    sparse
      ? `case when godwit_patch.s${at} then godwit_patch.v${at}::${type} else ${old(name)} end`
      : `godwit_patch.v${at}::${type}`;
  const assigned = set.map((column, at) => `${identifier(column.name)} = ${fresh(column, at, column.type)}`);
  const differs = set.map((column, at) => {
    const { name, type, compared } = column;
    return compared === null
      ? `${old(name)} is distinct from ${fresh(column, at, type)}`
      : // The images: some types have no equality, and others call equal what is written differently.
        `pg_catalog.record_image_ne(row(${old(name)}), row(${fresh(column, at, compared)}))`;
  });
  const matched = key.map(
    ({ name, type, collation }, at) =>
      `${old(name)} = godwit_patch.k${at}::${type}${collation === null ? "" : ` collate ${collation}`}`,
  );
  const update = `update ${table} as godwit_row set ${assigned.join(", ")}
from rows from (${arrays.map((array) => `unnest(${array})`).join(", ")}) as godwit_patch(${parameters.join(", ")})
where ${inside}${keeping?.condition ?? ""} and ${matched.join(" and ")} and (${differs.join(" or ")})`;
  if (keeping === null) return update;
  return `with ${keeping.before}godwit_changed as (${update}
returning${keeping.modes} true as godwit_inside${keeping.returned})${keeping.after} select pg_catalog.count(*) from godwit_changed`;
}

/** The columns of a table that can be set, by their place. */
export function columnsQuery({ name }: BackfillTable): string {
  return `select a.attname::pg_catalog.text as name, pg_catalog.format_type(a.atttypid, -1) as type,
  case when t.typname = 'bpchar' then null
    when t.typname in ('numeric', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval') then pg_catalog.format_type(a.atttypid, a.atttypmod)
    else pg_catalog.format_type(a.atttypid, -1) end as compared
from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
where a.attrelid = ${regclass(name)} and a.attnum > 0 and not a.attisdropped order by a.attnum`;
}
