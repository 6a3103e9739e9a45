/**
 * Old values of what a backfill has changed, and how they come back. Pure.
 *
 * The table of a backfill has a row for each row that was changed: `key_1`, …, with `old_1`, … from before the window and
 * `new_1`, … from behind it. They have the types of the columns, so that every value comes back as it was.
 *
 * Two values are the same if their bytes are: `record_image_eq` compares types too that have no equality, such as json.
 */
import type { KeepingSql } from "../core/backfill.ts";
import { identifier } from "../core/sql/quote.ts";
import { inRange, isKey, type KeyColumn, type KeyRange, keyText, type Window } from "./key.ts";
import type { BackfillTable } from "./table.ts";

export interface KeptValues {
  /** The quoted name of the table of old values, with its schema. */
  readonly into: string;
  /** The columns that the statement sets. */
  readonly columns: readonly string[];
}

export interface Keeping extends KeptValues {
  /** The quoted name of the table of the backfill. */
  readonly table: string;
  /** The server knows the old row in `RETURNING`: PostgreSQL 18. */
  readonly returnsOld: boolean;
}

/**
 * Before PostgreSQL 18 the rows are read under a lock first. The condition makes the server do so before it changes the
 * first of them, in the same snapshot: what is read is then what is changed, whatever others write meanwhile. `alias` is that
 * of the changed table.
 */
export function keepingSql(
  { into, columns, table, returnsOld }: Keeping,
  key: readonly KeyColumn[],
  { window, alias }: { readonly window: Window; readonly alias: string | null },
): KeepingSql {
  const of = (name: string, from: string | null) =>
    from === null ? identifier(name) : `${from}.${identifier(name)}`;
  const changed = alias === null ? null : identifier(alias);
  const keys = (from: string | null) => key.map(({ name }, at) => `${of(name, from)} as key_${at + 1}`);
  const values = (word: "old" | "new", from: string | null) =>
    columns.map((name, at) => `${of(name, from)} as ${word}_${at + 1}`);
  const insert = (from: string, old: string) => {
    const names = [...listed("key", key), ...listed("old", columns), ...listed("new", columns)];
    const given = [...listed("c.key", key), ...listed(`${old}.old`, columns), ...listed("c.new", columns)];
    const again = [
      ...columns.map((_, at) => `new_${at + 1} = excluded.new_${at + 1}`),
      // Somebody may have changed the row since it was kept. Then that is what comes back.
      ...columns.map(
        (_, at) =>
          `old_${at + 1} = case when ${same("u.new", "excluded.old", columns)} then u.old_${at + 1} else excluded.old_${at + 1} end`,
      ),
    ];
    return `, godwit_kept as (insert into ${into} as u (${names.join(", ")}) select ${given.join(", ")} from ${from}
  where c.godwit_inside and not ${same(`${old}.old`, "c.new", columns)}
  on conflict (${listed("key", key).join(", ")}) do update set ${again.join(", ")})`;
  };
  if (returnsOld)
    return {
      before: "",
      condition: "",
      modes: " with (old as godwit_was, new as godwit_is)",
      returned: `, ${[...keys("godwit_is"), ...values("old", "godwit_was"), ...values("new", "godwit_is")].join(", ")}`,
      after: insert("godwit_changed c", "c"),
    };
  const joined = key.map((_, at) => `o.key_${at + 1} = c.key_${at + 1}`).join(" and ");
  return {
    before: `godwit_old as materialized (select ${[...keys(null), ...values("old", null)].join(", ")} from ${table}
  where ${conditionOf(window, key)} for no key update), `,
    condition: " and (select pg_catalog.count(*) from godwit_old) >= 0",
    modes: "",
    returned: `, ${[...keys(changed), ...values("new", changed)].join(", ")}`,
    after: insert(`godwit_changed c join godwit_old o on ${joined}`, "o"),
  };
}

function conditionOf(window: Window, key: readonly KeyColumn[]): string {
  if (window === "none") return "false";
  return "only" in window ? isKey(key, window.only) : inRange(key, window);
}

/** Makes the table of old values, with the types of the columns. */
export function createKept({ into, columns, table }: Keeping, key: readonly KeyColumn[]): string {
  const names = [
    ...key.map(({ name }, at) => `${identifier(name)} as key_${at + 1}`),
    ...(["old", "new"] as const).flatMap((word) =>
      columns.map((name, at) => `${identifier(name)} as ${word}_${at + 1}`),
    ),
  ];
  return `create table ${into} as select ${names.join(", ")} from ${table} with no data;
alter table ${into} add primary key (${listed("key", key).join(", ")})`;
}

/** The columns of the key in the table of old values. */
export function keptKey(of: readonly unknown[]): string[] {
  return listed("key", of);
}

/**
 * Brings the old values of a range of keys back, where a row still has what the backfill wrote. Answers one row:
 * `restored` came back, `changed` are there with other values, `gone` are deleted. A value is another one if it was
 * written since, or if a trigger rewrote it. `keys` has the first of those that changed.
 */
export function bringBack(
  columns: readonly string[],
  { table, kept }: { readonly table: BackfillTable; readonly kept: BackfillTable },
  range: KeyRange,
  shownKeys: number,
): string {
  const into = kept.name;
  // The key may have got another collation since the values were kept.
  const names = (prefix: string) =>
    table.key
      .map(
        ({ name, collation }, at) =>
          `t.${identifier(name)} = ${prefix}.key_${at + 1}${collation === null ? "" : ` collate ${collation}`}`,
      )
      .join(" and ");
  const isSameOrder = table.key.every(
    ({ type, collation }, at) => type === kept.key[at]?.type && collation === kept.key[at]?.collation,
  );
  const inside = isSameOrder ? ` and ${inRange(table.key, range, "t")}` : "";
  const current = columns.map((name) => `t.${identifier(name)}`).join(", ");
  const set = columns.map((name, at) => `${identifier(name)} = u.old_${at + 1}`).join(", ");
  const keys = listed("key", table.key);
  const matches = keys.map((name) => `r.${name} = b.${name}`).join(" and ");
  return `with godwit_back as materialized (select * from ${into} where ${inRange(kept.key, range)}),
godwit_done as (update ${table.name} t set ${set} from godwit_back u
  where ${names("u")}${inside} and pg_catalog.record_image_eq(row(${current}), row(${listed("u.new", columns).join(", ")}))
  returning ${keys.map((name) => `u.${name}`).join(", ")}, pg_catalog.record_image_eq(row(${current}), row(${listed("u.old", columns).join(", ")})) as back),
godwit_left as (select b.*, exists (select from ${table.name} t where ${names("b")}) as there from godwit_back b
  where not exists (select from godwit_done r where ${matches} and r.back))
select (select pg_catalog.count(*) from godwit_done where back)::pg_catalog.float8 as restored,
  pg_catalog.count(*) filter (where there)::pg_catalog.float8 as changed,
  pg_catalog.count(*) filter (where not there)::pg_catalog.float8 as gone,
  coalesce((select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(${keyText(kept.key)})) from
    (select ${keys.join(", ")} from godwit_left where there order by ${keys.join(", ")} limit ${shownKeys}) f), '[]') as keys
from godwit_left`;
}

function listed(prefix: string, of: readonly unknown[]): string[] {
  return of.map((_, at) => `${prefix}_${at + 1}`);
}

function same(one: string, other: string, columns: readonly string[]): string {
  return `pg_catalog.record_image_eq(row(${listed(one, columns).join(", ")}), row(${listed(other, columns).join(", ")}))`;
}
