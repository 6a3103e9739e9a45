/**
 * The ranges of a backfill with several windows at once. Each has a position of its own, which moves in the transaction
 * of a window. That transaction holds the row of its range from its beginning, so one range has one window at a time,
 * whoever works on it. A run claims the ranges first: windows of an earlier run find none of theirs any more.
 */
import { createTable } from "../core/sql/create-table.ts";
import { identifier, literal, quotedName, stored, storedArray, storedJson } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import type { WindowDone } from "./backfills-sql.ts";

export interface BackfillRange {
  readonly number: number;
  /** The keys above it up to and with `upper`. `null`: from the first row. */
  readonly lower: readonly string[] | null;
  readonly upper: readonly string[];
  /** The last key that is done. `null`: none. */
  readonly position: readonly string[] | null;
}

const TABLE_COLUMNS = `
  revision text not null,
  number integer not null,
  lower_key text[],
  upper_key text[] not null,
  position text[],
  claimed_by text not null,
  finished boolean not null default false,
  primary key (revision, number)`;

export function backfillRangesSql(
  {
    schema,
    history,
    byHand,
  }: { readonly schema: string; readonly history: string; readonly byHand: boolean },
  windowCounted: (revision: string, done: WindowDone) => string,
) {
  const table = `${identifier(schema)}.migration_backfill_ranges`;
  const totals = `${identifier(schema)}.migration_backfills`;
  const only = (revision: string, number: number) => `revision = ${stored(revision)} and number = ${number}`;
  const arrayOrNull = (values: readonly string[] | null) => (values === null ? "null" : storedArray(values));
  return {
    createRanges: () => `${createTable(schema, "migration_backfill_ranges", TABLE_COLUMNS)};
${keepToOwner(schema, ["migration_backfill_ranges"], byHand)}`,

    hasRanges: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfill_ranges`)}) is not null as exists`,

    beginRanges: (revision: string, claim: string, ranges: readonly BackfillRange[]) =>
      ranges
        .map(
          ({ number, lower, upper }) =>
            `insert into ${table} (revision, number, lower_key, upper_key, claimed_by) values (${stored(revision)}, ${number}, ${arrayOrNull(lower)}, ${storedArray(upper)}, ${stored(claim)})`,
        )
        .join("; "),

    /** Waits for the windows that are under way. */
    claimRanges: (revision: string, claim: string) =>
      `update ${table} set claimed_by = ${stored(claim)} where revision = ${stored(revision)}`,

    /**
     * Asks in one snapshot whether one is half done of which a table has lost how far it is, and which one. Windows one after
     * the other have a position, and several at once have ranges: numbered from 1, the last one up to the bound.
     */
    lostProgress: (revision: string, there: { readonly backfills: boolean; readonly ranges: boolean }) => {
      const whole = `(select count(*) > 0 and count(*) = max(r.number) and bool_or(r.upper_key = b.bound) from ${table} r where r.revision = b.revision)`;
      const open = `b.finished_at is null and b.rows > 0 and b.position is null and b.bound is not null`;
      const ranges = `when ${open} and ${there.ranges ? `not ${whole}` : "true"} then 'migration_backfill_ranges'`;
      const none = "'migration_backfills'";
      const lost = there.backfills ? `case when b.revision is null then ${none} ${ranges} end` : none;
      const joined = there.backfills ? `left join ${totals} b on b.revision = h.revision` : "";
      return `select ${lost} as lost from ${history} h ${joined} where h.revision = ${stored(revision)} and h.state = 'partial'`;
    },

    ranges: (
      revision: string,
    ) => `select number, lower_key as lower, upper_key as upper, position from ${table}
  where revision = ${stored(revision)} and not finished order by number`,

    /** The position in the transaction of a window. No row: another run has claimed the range. */
    holdRange: (revision: string, claim: string, number: number) =>
      `select position from ${table} where ${only(revision, number)} and claimed_by = ${stored(claim)} for update`,

    /** Returns what people have said meanwhile, as `controls`. */
    rangeWindowDone: (revision: string, number: number, done: WindowDone) =>
      `update ${table} set position = ${storedArray(done.position)} where ${only(revision, number)};
${windowCounted(revision, done)}`,

    rangeRowFailed: (
      revision: string,
      number: number,
      claim: string,
      key: readonly string[],
    ) => `with godwit_moved as (update ${table} set position = ${storedArray(key)}
  where ${only(revision, number)} and claimed_by = ${stored(claim)} returning 1)
update ${totals} set failed = failed || ${storedJson([key])}, updated_at = clock_timestamp()
  where revision = ${stored(revision)} and exists (select from godwit_moved)`,

    rangeFinished: (revision: string, claim: string, number: number) =>
      `update ${table} set finished = true where ${only(revision, number)} and claimed_by = ${stored(claim)}`,

    /** The same where nobody knows whether the table was ever made. */
    forgetAnyRanges: (revision: string) => `do $godwit$ begin
  if pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_backfill_ranges`)}) is not null then
    delete from ${table} where revision = ${stored(revision)};
  end if; end $godwit$`,

    forgetRanges: (revision: string) => `delete from ${table} where revision = ${stored(revision)}`,
  };
}
