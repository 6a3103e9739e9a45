/**
 * Finds out whether another session is about to do, or is doing, what one of our steps does. It judges by what sessions
 * read, send and wait for. It matters if nothing else separates two runs: the tool takes no lock, and reads its table
 * long before it writes.
 */
import { literal, quotedName } from "../core/sql/quote.ts";
import type { MirroredStep, Relation } from "./tool.ts";

const HERE = "(select oid from pg_database where datname = current_database())";
/** The function, not the view over it: the view costs twice as much, for names that nobody needs. */
export const OTHERS = `pg_stat_get_activity(null) a where a.datid = ${HERE} and a.pid <> pg_backend_pid()`;

/** Sessions (`pid`) that have just read the table. They may begin to apply what they did not find in it. */
export function readers({ name }: Pick<Relation, "name">): string {
  const recent = "a.state_change > clock_timestamp() - interval '1 s'";
  return `select a.pid from ${OTHERS} and a.wait_event_type is distinct from 'Lock'
 and (position(${literal(name)} in a.query) > 0 and (a.state = 'active' or ${recent})
  or a.state = 'idle in transaction' and ${recent} and a.query ~* '^\\s*(begin|start transaction)\\M')`;
}

/** Returns a row while another session waits to write to the table. */
export function waitsToWrite(table: Pick<Relation, "schema" | "name">): string {
  return `select 1 from pg_locks l where l.pid <> pg_backend_pid() and not l.granted and l.mode in ('RowExclusiveLock', 'ExclusiveLock')
 and l.relation = to_regclass(${literal(`${quotedName(table.schema)}.${quotedName(table.name)}`)}) and l.database = ${HERE}`;
}

/** Returns a row (`1`) while another session has written to the table and not committed. */
export function isWritten(table: Pick<Relation, "schema" | "name">): string {
  return `select 1 from pg_locks l where l.pid <> pg_backend_pid() and l.granted and l.mode = 'RowExclusiveLock'
 and l.relation = to_regclass(${literal(`${quotedName(table.schema)}.${quotedName(table.name)}`)}) and l.database = ${HERE}`;
}

/** Returns a row while another session sends part of the step's own text, or waits to write its row. */
export function atWork(table: Relation, { text }: Pick<MirroredStep, "text">): string {
  const waits = waitsToWrite(table);
  return text === null ? waits : `${waits} union all ${sends(text)}`;
}

/** The server shows only the beginning of what a session has sent. Some tools send the comments before it too. */
export function sends(text: string): string {
  const sent = `left(btrim(regexp_replace(a.query, '^(\\s*--[^\\n]*\\n)+', ''), E' \\t\\r\\n;'), ${SHOWN_CHARACTERS})`;
  return `select 1 from ${OTHERS} and a.state <> 'idle' and a.xact_start is not null
 and length(${sent}) >= ${TELLING_CHARACTERS} and position(${sent} in ${literal(text.slice(0, MOST_CHARACTERS))}) > 0`;
}

const SHOWN_CHARACTERS = 200;
/** Any session may send a shorter text by coincidence. */
const TELLING_CHARACTERS = 16;
/** Of a longer file only the beginning is searched for, so that the search stays cheap. */
const MOST_CHARACTERS = 32_768;
