/**
 * How far each backfill has come. A window changes its rows and moves the row of the backfill here in one transaction.
 * After a crash both are there or neither is.
 *
 * The table is made by the first backfill. A database without one has no such table.
 */
import { identifier, literal, quotedName, stored, storedArray, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";

export interface BackfillBegun {
  readonly revision: string;
  /** The table for people, and the columns of the key. */
  readonly table: string;
  readonly key: readonly string[];
  /** The same with types and collations, which decide the order. */
  readonly keyTypes: readonly string[];
  /** The last key that belongs to it. `null`: the table was empty. */
  readonly bound: readonly string[] | null;
  readonly estimatedRows: number | null;
}

export interface BackfillState extends BackfillBegun {
  /** Of the text that began it. */
  readonly checksum: string | null;
  readonly fingerprint: string | null;
  /** The last key that is done. `null`: none. */
  readonly position: readonly string[] | null;
  /** The rows that its windows had, and the rows that were changed in them. */
  readonly rows: number;
  readonly changed: number;
  readonly windows: number;
  /** The keys of rows that cannot be changed, each a window of its own that failed. */
  readonly failed: readonly (readonly string[])[];
}

export interface WindowDone {
  readonly position: readonly string[];
  readonly rows: number;
  readonly changed: number;
}

export function backfillsSql(schema: string, history: string, byHand: boolean) {
  const table = `${identifier(schema)}.migration_backfills`;
  const set = (revision: string, what: string) =>
    `update ${table} set ${what}, updated_at = clock_timestamp() where revision = ${stored(revision)}`;
  return {
    createBackfills: () => `create table if not exists ${table} (
  revision text primary key,
  table_name text not null,
  key text[] not null,
  key_types text[] not null,
  bound text[],
  position text[],
  estimated_rows double precision,
  rows double precision not null default 0,
  changed double precision not null default 0,
  windows integer not null default 0,
  failed jsonb not null default '[]',
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz);
${keepToOwner(schema, ["migration_backfills"], byHand)}`,

    hasBackfills: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfills`)}) is not null as exists`,

    /** Replaces what an earlier backfill of the same name has left. */
    beginBackfill: (begun: BackfillBegun) => `delete from ${table} where revision = ${stored(begun.revision)};
insert into ${table} (revision, table_name, key, key_types, bound, estimated_rows) values (${stored(begun.revision)},
  ${stored(begun.table)}, ${storedArray(begun.key)}, ${storedArray(begun.keyTypes)}, ${storedArrayOrNull(begun.bound)}, ${stored(begun.estimatedRows)})`,

    /** With the checksum and fingerprint of the migration, as it was when the backfill began. */
    backfill: (
      revision: string,
    ) => `select (select checksum from ${history} h where h.revision = b.revision) as checksum,
  (select fingerprint from ${history} h where h.revision = b.revision) as fingerprint,
  revision, table_name as "table", key, key_types as "keyTypes", bound, position,
  estimated_rows as "estimatedRows", rows, changed, windows, failed
  from ${table} b where revision = ${stored(revision)}`,

    windowDone: (revision: string, { position, rows, changed }: WindowDone) =>
      set(
        revision,
        `position = ${storedArray(position)}, rows = rows + ${rows}, changed = changed + ${changed}, windows = windows + 1`,
      ),

    /** A row that cannot be changed is remembered, and the next window begins behind it. */
    rowFailed: (revision: string, key: readonly string[]) =>
      set(revision, `position = ${storedArray(key)}, failed = failed || ${storedJson([key])}`),

    /** It could be changed after all. */
    rowMended: (revision: string, key: readonly string[], changed: number) =>
      set(
        revision,
        `failed = (select coalesce(pg_catalog.jsonb_agg(one), '[]') from pg_catalog.jsonb_array_elements(failed) one where one <> ${storedJson(key)}),
  rows = rows + 1, changed = changed + ${changed}`,
      ),

    backfillFinished: (revision: string) => set(revision, "finished_at = clock_timestamp()"),

    forgetBackfill: (revision: string) => `delete from ${table} where revision = ${stored(revision)}`,
  };
}

function storedArrayOrNull(values: readonly string[] | null): string {
  return values === null ? "null" : storedArray(values);
}
