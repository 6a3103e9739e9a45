/**
 * How far each backfill has come. A window changes its rows and moves the row of the backfill here in one transaction.
 * After a crash both are there or neither is.
 *
 * The table is made by the first backfill. A database without one has no such table.
 */
import { createTable } from "../core/sql/create-table.ts";
import { dollarBlock } from "../core/sql/dollar-block.ts";
import { identifier, literal, quotedName, stored, storedArray, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import { type BackfillControls, backfillControlsSql, CONTROLS_TABLE } from "./backfill-controls-sql.ts";

/** What `refuseBeforeBound` raises. */
export const NOT_AT_BOUND_SQLSTATE = "GW007";

export interface BackfillBegun {
  readonly revision: string;
  /** The table for people, and the columns of the key. */
  readonly table: string;
  /**
   * The table itself, whatever its name. `null`: unknown, because an early ledger has none, or because the ledger was
   * restored from a dump, where each table has another one.
   */
  readonly tableOid: string | null;
  readonly key: readonly string[];
  /** The same with types and collations, which decide the order. */
  readonly keyTypes: readonly string[];
  /** For each column, the version of the library that orders it. `null`: an early ledger does not say it. */
  readonly keyOrder: readonly string[] | null;
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
  /** A run has come to its end. */
  readonly isFinished: boolean;
}

export interface WindowDone {
  readonly position: readonly string[];
  readonly rows: number;
  readonly changed: number;
  /** Of the windows before it. `null`: it is the first of its run. */
  readonly rowsPerSecond: number | null;
  /** Why it came later or was smaller than it could have been. `null`: nothing held it up. */
  readonly slowedBy: string | null;
}

/** How far a backfill is, for whoever looks on. Times are as in ISO 8601. */
export interface RecordedBackfill extends BackfillState {
  /** Of the last window. `null`: there is none, or it was the first of a run. */
  readonly windowRows: number | null;
  readonly rowsPerSecond: number | null;
  readonly slowedBy: string | null;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  /** How long ago it last moved, by the clock of the server. */
  readonly stillForMs: number;
}

export interface RecordedControls {
  readonly revision: string;
  readonly controls: BackfillControls;
}

const TABLE_COLUMNS = `
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
  window_rows double precision,
  rows_per_second double precision,
  slowed_by text,
  failed jsonb not null default '[]',
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  table_oid oid,
  ledger_oids oid[],
  key_order text[]`;

export function backfillsSql(schema: string, history: string, byHand: boolean) {
  const table = `${identifier(schema)}.migration_backfills`;
  const controls = backfillControlsSql(schema);
  const exists = (name: string) =>
    `pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${name}`)}) is not null`;
  // `to_jsonb` has no field, and no error, where an early ledger has no such column.
  const oidOf = (name: string) =>
    `pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${name}`)})::pg_catalog.oid`;
  const ownOids = (own: string) => `array[${own}, ${oidOf("migration_history")}]`;
  const tableOid = `(case when pg_catalog.to_jsonb(b) -> 'ledger_oids' = pg_catalog.to_jsonb(${ownOids("b.tableoid")}) then pg_catalog.to_jsonb(b) ->> 'table_oid' end)`;
  /** An early ledger lacks these columns. To add them takes a lock, so it is done only where they are missing. */
  const addOids = `do $godwit$ begin if not exists (select from pg_catalog.pg_attribute
  where attrelid = pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfills`)}) and attname = 'table_oid' and not attisdropped)
then alter table ${table} add column table_oid oid, add column ledger_oids oid[]; end if;
if not exists (select from pg_catalog.pg_attribute
  where attrelid = pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfills`)}) and attname = 'key_order' and not attisdropped)
then alter table ${table} add column key_order text[]; end if; end $godwit$`;
  const setOids = (oid: string | null) =>
    `table_oid = ${stored(oid)}::pg_catalog.oid, ledger_oids = ${ownOids("b.tableoid")}`;
  const STATE = `(select checksum from ${history} h where h.revision = b.revision) as checksum,
  (select fingerprint from ${history} h where h.revision = b.revision) as fingerprint,
  revision, table_name as "table", ${tableOid} as "tableOid", key, key_types as "keyTypes", pg_catalog.to_jsonb(b) -> 'key_order' as "keyOrder", bound, position,
  estimated_rows as "estimatedRows", rows, changed, windows, failed, finished_at is not null as "isFinished"`;
  const set = (revision: string, what: string) =>
    `update ${table} set ${what}, updated_at = clock_timestamp() where revision = ${stored(revision)}`;
  /** Returns what people have said meanwhile, as `controls`. */
  const windowCounted = (
    revision: string,
    { rows, changed, rowsPerSecond, slowedBy }: WindowDone,
    position = "",
  ) =>
    `${set(
      revision,
      `${position}rows = rows + ${rows}, changed = changed + ${changed}, windows = windows + 1,
  window_rows = ${rows}, rows_per_second = coalesce(${stored(rowsPerSecond)}, rows_per_second), slowed_by = ${stored(slowedBy)}`,
    )} returning ${controls.controlsOf(stored(revision))} as controls`;
  return {
    ...controls,

    createBackfills: () => `${createTable(schema, "migration_backfills", TABLE_COLUMNS)};
${addOids};
${controls.createBackfillControls()}
${keepToOwner(schema, ["migration_backfills", CONTROLS_TABLE], byHand)}`,

    hasBackfills: () => `select ${exists("migration_backfills")} as exists`,

    hasBackfillControls: () => `select ${exists(CONTROLS_TABLE)} as exists`,

    /** Replaces what an earlier backfill of the same name has left. */
    beginBackfill: (begun: BackfillBegun) => `delete from ${table} where revision = ${stored(begun.revision)};
insert into ${table} (revision, table_name, key, key_types, bound, estimated_rows, table_oid, ledger_oids, key_order) values (${stored(begun.revision)},
  ${stored(begun.table)}, ${storedArray(begun.key)}, ${storedArray(begun.keyTypes)}, ${storedArrayOrNull(begun.bound)}, ${stored(begun.estimatedRows)},
  ${stored(begun.tableOid)}::pg_catalog.oid, ${ownOids(oidOf("migration_backfills"))}, ${storedArrayOrNull(begun.keyOrder)})`,

    /** With the checksum and fingerprint of the migration, as it was when the backfill began. */
    backfill: (revision: string) => `select ${STATE} from ${table} b where revision = ${stored(revision)}`,

    /** All of them, for whoever looks on. */
    backfills: () => `select ${STATE}, window_rows as "windowRows", rows_per_second as "rowsPerSecond",
  slowed_by as "slowedBy", pg_catalog.to_json(started_at) #>> '{}' as "startedAt",
  pg_catalog.to_json(updated_at) #>> '{}' as "updatedAt", pg_catalog.to_json(finished_at) #>> '{}' as "finishedAt",
  (extract(epoch from clock_timestamp() - updated_at) * 1000)::pg_catalog.float8 as "stillForMs"
  from ${table} b order by started_at, revision`,

    windowDone: (revision: string, done: WindowDone) =>
      windowCounted(revision, done, `position = ${storedArray(done.position)}, `),

    /** The same where the position is that of a range. */
    windowCounted: (revision: string, done: WindowDone) => windowCounted(revision, done),

    /** From now on its ranges say how far it is. What their table has lost then shows. */
    rangesBegun: (revision: string) =>
      `update ${table} set position = null where revision = ${stored(revision)}`,

    /** Why no window begins. It has not moved, so its time stays. */
    backfillHeld: (revision: string, slowedBy: string) =>
      `update ${table} set slowed_by = ${stored(slowedBy)} where revision = ${stored(revision)}`,

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

    /** The figures of the way there say nothing of the way back. */
    wayBackBegun: (revision: string, tableOid: string) =>
      `${addOids}; update ${table} b set window_rows = null, rows_per_second = null, slowed_by = null, ${setOids(tableOid)},
  updated_at = clock_timestamp() where revision = ${stored(revision)}`,

    /** A window of the way back. Its position is with the old values. Returns what people have said meanwhile, as `controls`. */
    wayBackMoved: (
      revision: string,
      { rows, rowsPerSecond, slowedBy }: Pick<WindowDone, "rows" | "rowsPerSecond" | "slowedBy">,
    ) =>
      `${set(
        revision,
        `window_rows = ${rows}, rows_per_second = coalesce(${stored(rowsPerSecond)}, rows_per_second), slowed_by = ${stored(slowedBy)}`,
      )}; ${controls.controls(revision)}`,

    /** When the transaction began: its rows were done by then. */
    backfillFinished: (revision: string) => set(revision, "finished_at = pg_catalog.now()"),

    /** Raises an error, and so refuses its transaction, where the last window is not in the ledger. */
    refuseBeforeBound: (revision: string) =>
      dollarBlock(`if not exists (select from ${table} where revision = ${stored(revision)} and position = bound)
then raise exception using errcode = '${NOT_AT_BOUND_SQLSTATE}', message = 'the last window of this backfill is not in the ledger'; end if;`),

    forgetBackfill: (revision: string) => `delete from ${table} where revision = ${stored(revision)}`,
  };
}

function storedArrayOrNull(values: readonly string[] | null): string {
  return values === null ? "null" : storedArray(values);
}
