/**
 * The old values that backfills have kept. `migration_backfill_undo` has a row for each backfill that keeps some. The
 * values are in a table of that backfill alone, whose columns have the types of its rows (`backfill/undo.ts`).
 *
 *   made when the backfill begins ─► a row for each row that a window changes ─► dropped when they are brought back,
 *   forgotten by a person, or older than the file says
 */
import { checksum } from "../core/checksum.ts";
import { createTable } from "../core/sql/create-table.ts";
import { identifier, literal, quotedName, stored, storedArray, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";

export interface UndoBegun {
  readonly revision: string;
  /** The quoted name of the table that is rewritten, and the columns of its key. */
  readonly table: string;
  readonly key: readonly string[];
  /** The columns whose values are kept. */
  readonly columns: readonly string[];
  /** How long after the end of the backfill, in milliseconds. */
  readonly keepMs: number | null;
}

export interface UndoState extends UndoBegun {
  /** The table of the values is there. A copy of the database may lack it. */
  readonly hasValues: boolean;
  /** The last key that was brought back. `null`: none. */
  readonly position: readonly string[] | null;
  readonly restored: number;
  /** Rows that were changed since the backfill, and so were left as they are. */
  readonly changed: number;
  /** Rows that are deleted. */
  readonly gone: number;
  /** The first keys of those that were changed. */
  readonly keys: readonly (readonly string[])[];
}

export interface UndoDone extends Pick<UndoState, "restored" | "changed" | "gone" | "keys"> {
  readonly position: readonly string[];
}

const TABLE_COLUMNS = `
  revision text primary key,
  table_name text not null,
  key text[] not null,
  columns text[] not null,
  values_table text not null,
  keep_ms double precision,
  position text[],
  restored double precision not null default 0,
  changed double precision not null default 0,
  gone double precision not null default 0,
  keys jsonb not null default '[]',
  started_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz`;

export function backfillUndoSql(schema: string, byHand: boolean) {
  const table = `${identifier(schema)}.migration_backfill_undo`;
  const valuesName = (revision: string) =>
    `migration_undo_${checksum(revision).replace(/^.*:/, "").slice(0, 16)}`;
  const valuesTable = (revision: string) => `${identifier(schema)}.${valuesName(revision)}`;
  return {
    /** The quoted name of the table of old values of one backfill. */
    undoValuesTable: valuesTable,

    createUndo: () => `${createTable(schema, "migration_backfill_undo", TABLE_COLUMNS)};
${keepToOwner(schema, ["migration_backfill_undo"], byHand)}`,

    beginUndo: (
      begun: UndoBegun,
    ) => `insert into ${table} (revision, table_name, key, columns, values_table, keep_ms) values (${stored(begun.revision)},
  ${stored(begun.table)}, ${storedArray(begun.key)}, ${storedArray(begun.columns)}, ${literal(valuesName(begun.revision))}, ${stored(begun.keepMs)});
comment on table ${valuesTable(begun.revision)} is ${literal("Old values of a backfill: see migration_backfill_undo.")};
${keepToOwner(schema, [valuesName(begun.revision)], byHand)}`,

    /** The time of an earlier attempt would drop them while this one is half done. */
    undoBegunAnew: (revision: string, keepMs: number | null) =>
      `update ${table} set expires_at = null, keep_ms = ${stored(keepMs)} where revision = ${stored(revision)}`,

    hasUndo: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfill_undo`)}) is not null as exists`,

    undo: (
      revision: string,
    ) => `select revision, table_name as "table", key, columns, keep_ms as "keepMs", position,
  pg_catalog.to_regclass(${literal(`${quotedName(schema)}.${valuesName(revision)}`)}) is not null as "hasValues",
  restored, changed, gone, keys from ${table} where revision = ${stored(revision)}`,

    /** How many rows it has changed. */
    countUndo: (revision: string) =>
      `select pg_catalog.count(*)::pg_catalog.float8 as rows from ${valuesTable(revision)}`,

    undoWindowDone: (revision: string, { position, restored, changed, gone, keys }: UndoDone) =>
      `update ${table} set position = ${storedArray(position)}, restored = restored + ${restored}, changed = changed + ${changed},
  gone = gone + ${gone}, keys = keys || ${storedJson(keys)} where revision = ${stored(revision)}`,

    /** The backfill is done: from now on the time runs for which its old values are kept. */
    undoKept: (
      revision: string,
    ) => `update ${table} set expires_at = clock_timestamp() + keep_ms * interval '1 millisecond'
  where revision = ${stored(revision)}`,

    expiredUndo: () =>
      `select revision from ${table} where expires_at < clock_timestamp() and position is null order by 1`,

    forgetUndo: (revision: string) =>
      `drop table if exists ${valuesTable(revision)}; delete from ${table} where revision = ${stored(revision)}`,
  };
}
