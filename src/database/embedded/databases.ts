/**
 * Copies and exchanges of whole databases on the embedded server. PostgreSQL copies or renames a database only while nobody
 * is connected to it. New sessions wait for the command, so it is enough to end the old ones. A run of Godwit is not ended:
 * the command is tried again until that run is over.
 *
 * A copy is complete before it gets its name, and two names are exchanged in one transaction. A crash leaves a database whose
 * name ends with MAKING or LEFT, and the next `dropLeftovers` drops it.
 */
import { identifier } from "../../core/sql/quote.ts";
import { DatabaseError } from "../../errors.ts";
import { delay } from "../../std/time.ts";
import type { Connection } from "../connection.ts";

export interface Databases {
  /** To another database of the server. */
  readonly connection: Connection;
  /** Opens a second one, which ends the sessions in the way. */
  readonly open: () => Promise<Connection>;
  readonly signal: AbortSignal;
  /** Told once for each command that a run of Godwit delays. */
  readonly onWaiting: (database: string) => void;
}

const MAKING = " (making)";
const LEFT = " (left)";
const END_EVERY_MS = 30;
/** object_in_use */
const IN_USE = "55006";

const SESSIONS = `from pg_catalog.pg_stat_activity
  where datname = $1 and backend_type = 'client backend' and application_name not like 'godwit run %'`;

/** How many sessions a copy would end. */
export async function sessionsOf({ connection }: Databases, database: string): Promise<number> {
  const { rows } = await connection.query<{ count: number }>(`select count(*)::int as count ${SESSIONS}`, [
    database,
  ]);
  return rows[0]?.count ?? 0;
}

export async function isThere({ connection }: Databases, database: string): Promise<boolean> {
  const { rows } = await connection.query("select from pg_catalog.pg_database where datname = $1", [
    database,
  ]);
  return rows.length > 0;
}

/** Makes `to` a copy of `from`, in the place of what was there. */
export async function copyDatabase(
  databases: Databases,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await drop(databases, to + MAKING);
  await alone(databases, from, copying(from, to + MAKING));
  await finishCopy(databases, { from, to });
}

/** The same, but ends no session. `false`: somebody was connected, and nothing was changed. */
export async function copyIdleDatabase(
  databases: Databases,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<boolean> {
  await drop(databases, to + MAKING);
  const done = await unlessInUse(databases.connection.execute(copying(from, to + MAKING)));
  if (done) await finishCopy(databases, { from, to });
  return done;
}

function copying(from: string, to: string): string {
  return `create database ${identifier(to)} template ${identifier(from)}`;
}

async function finishCopy(
  databases: Databases,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await keepSettings(databases, { from, to: to + MAKING });
  await exchange(databases, to);
}

/** Makes `name` an empty database, in the place of what was there. */
export async function emptyDatabase(databases: Databases, name: string): Promise<void> {
  await drop(databases, name + MAKING);
  await databases.connection.execute(`create database ${identifier(name + MAKING)}`);
  await exchange(databases, name);
}

export async function dropLeftovers(databases: Databases, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await drop(databases, name + MAKING);
    await drop(databases, name + LEFT);
  }
}

export function drop({ connection }: Databases, name: string): Promise<unknown> {
  return connection.execute(`drop database if exists ${identifier(name)} with (force)`);
}

async function exchange(databases: Databases, name: string): Promise<void> {
  const rename = (from: string, to: string) =>
    `alter database ${identifier(from)} rename to ${identifier(to)}`;
  if (!(await isThere(databases, name))) {
    await databases.connection.execute(rename(name + MAKING, name));
    return;
  }
  await drop(databases, name + LEFT);
  // One message is one transaction.
  await alone(databases, name, `${rename(name, name + LEFT)}; ${rename(name + MAKING, name)}`);
  await drop(databases, name + LEFT);
}

/** `create database … template` copies what is in a database, and not what `alter database … set` said of it. */
async function keepSettings(
  { connection }: Databases,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const { rows } = await connection.query<{ name: string; value: string }>(
    `select split_part(setting, '=', 1) as name, substr(setting, strpos(setting, '=') + 1) as value
     from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase, unnest(setconfig) as setting
     where datname = $1 and setrole = 0`,
    [from],
  );
  for (const { name, value } of rows) {
    // A list such as a search path is one text here, and would be one quoted name in a statement.
    await connection.query("select pg_catalog.set_config($1, $2, false)", [name, value]);
    const setting = name.split(".").map(identifier).join(".");
    await connection.execute(`alter database ${identifier(to)} set ${setting} from current`);
    await connection.execute(`reset ${setting}`);
  }
}

/** Carries out a command for which nobody may be connected to the database. */
async function alone(databases: Databases, database: string, command: string): Promise<void> {
  let told = false;
  while (!(await tryAlone(databases, database, command))) {
    databases.signal.throwIfAborted();
    if (!told) databases.onWaiting(database);
    told = true;
  }
}

/** `false`: after PostgreSQL's five seconds somebody was still connected. */
async function tryAlone(
  { connection, open, signal }: Databases,
  database: string,
  command: string,
): Promise<boolean> {
  await using other = await open();
  let over = false;
  const work = connection.execute(command).finally(() => {
    over = true;
  });
  work.catch(() => {});
  while (!over && !signal.aborted) {
    await other.query(`select pg_catalog.pg_terminate_backend(pid) ${SESSIONS}`, [database]);
    await Promise.race([work.catch(() => {}), delay(END_EVERY_MS)]);
  }
  return await unlessInUse(work);
}

function unlessInUse(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    (error: unknown) => {
      if (error instanceof DatabaseError && error.sqlState === IN_USE) return false;
      throw error;
    },
  );
}
