/**
 * A statement that may fail only because of what the scratch server lacks, or because of the rights that migrations have there.
 * It runs behind a savepoint. One that lacks rights runs once more with them where that reaches nothing but the catalog.
 */
import { accept } from "../core/sql/cursor.ts";
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { INSUFFICIENT_PRIVILEGE, isOfUserCode } from "../database/sqlstate.ts";
import { DatabaseError } from "../errors.ts";
import { adopted, changesRole, MIGRATOR, mayBeElevated, STRANGERS, SUPERUSER } from "./rights.ts";
import { isControl } from "./unsafe.ts";

/** It was not carried out, for this reason. */
export class PassedOver extends Error {}

export interface LenientOptions {
  readonly connection: Connection;
  /** What the scratch server lacks. */
  readonly lacking: Set<string>;
  /** The statement runs as a role that is no superuser. */
  readonly isLimited: boolean;
}

const BEGIN = "savepoint godwit_rehearsal";
const KEEP = "release savepoint godwit_rehearsal";
const UNDO = `rollback to ${BEGIN}; ${KEEP}`;

/** In a transaction. Throws `PassedOver`. */
export async function leniently<T>(text: string, run: () => Promise<T>, options: LenientOptions): Promise<T> {
  if (isControl(text) && !changesRole(text)) return run();
  const { connection } = options;
  const attempt = async () => {
    // Neither is waited for: messages are answered in their order.
    connection.execute(BEGIN).catch(() => {});
    try {
      const result = await run();
      connection.execute(KEEP).catch(() => {});
      return { result };
    } catch (error) {
      if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
      // An ordinary failure leaves the transaction as failed as it would be without us.
      if (!isPassable(text, error, options)) throw error;
      await connection.execute(UNDO);
      return { error };
    }
  };
  const first = await attempt();
  if ("result" in first) return first.result;
  const again =
    options.isLimited && lacksRights(first.error) ? await withRights(text, attempt, options) : null;
  const last = again ?? first;
  if ("result" in last) return last.result;
  throw passedOver(text, last.error, options);
}

/** The same where there is no transaction, or none that could be gone back in. */
export async function lenientlyOutside<T>(
  text: string,
  run: () => Promise<T>,
  options: LenientOptions,
): Promise<T> {
  const { connection, isLimited } = options;
  try {
    return await run();
  } catch (error) {
    if (!isLimited || !(error instanceof DatabaseError) || !lacksRights(error)) throw error;
    if (!mayBeElevated(text)) throw passedOver(text, error, options);
  }
  return elevated(connection, () => adopting(connection, run), "");
}

type Outcome<T> = { readonly result: T } | { readonly error: DatabaseError };

/** `null`: there is nothing that could be given to it. */
async function withRights<T>(
  text: string,
  attempt: () => Promise<Outcome<T>>,
  { connection }: LenientOptions,
): Promise<Outcome<T> | null> {
  if (mayBeElevated(text)) return elevated(connection, () => adopting(connection, attempt), "local");
  const { rows } = await connection.query<{ count: number }>(STRANGERS);
  if (rows[0]?.count === 0) return null;
  await elevated(connection, () => connection.execute(adopted([MIGRATOR])), "local");
  return attempt();
}

/** What makes roles may be followed by what needs to be their member. */
async function adopting<T>(connection: Connection, run: () => Promise<T>): Promise<T> {
  const result = await run();
  const { rows } = await connection.query<{ count: number }>(STRANGERS);
  if (rows[0]?.count !== 0) await connection.execute(adopted([MIGRATOR]));
  return result;
}

const ROLE = "select pg_catalog.current_setting('role') as role";

/** As the superuser, and then again as whoever it was. */
async function elevated<T>(connection: Connection, run: () => Promise<T>, local: "local" | ""): Promise<T> {
  const { rows } = await connection.query<{ role: string }>(ROLE);
  const role = rows[0]?.role ?? "none";
  await connection.execute(`set ${local} role none; set ${local} role ${identifier(SUPERUSER)}`);
  try {
    return await run();
  } finally {
    // A transaction that has failed takes nothing more, and its end gives the role back.
    const back = `set ${local} role ${role === "none" ? "none" : identifier(role)}`;
    if (!connection.lost.aborted) await connection.execute(back).catch(() => {});
  }
}

/** Whether it may fail only here. */
function isPassable(text: string, error: DatabaseError, { lacking, isLimited }: LenientOptions): boolean {
  if (missingExtension(text, error) !== null || (isLimited && lacksRights(error))) return true;
  return lacking.size > 0 && MISSING.has(error.sqlState ?? "") && !isRole(error);
}

function passedOver(text: string, error: DatabaseError, { lacking, isLimited }: LenientOptions): PassedOver {
  const extension = missingExtension(text, error);
  if (extension !== null) {
    lacking.add(`extension ${extension}`);
    return new PassedOver(`the scratch server has no extension ${extension}`);
  }
  if (isLimited && lacksRights(error)) {
    if (!accept({ text, at: 0 }, "copy")) lacking.add(RIGHTS);
    return new PassedOver(
      `on a scratch server migrations have no rights of a superuser, so that nothing reaches files, programs or other sessions: ${error.message}`,
    );
  }
  return new PassedOver(
    `it failed, perhaps only because the scratch server has no ${listed([...lacking])}: ${error.message}`,
  );
}

function missingExtension(text: string, { message, sqlState }: DatabaseError): string | null {
  if (!makesExtension(text) || !["0A000", "58P01"].includes(sqlState ?? "")) return null;
  return /extension "([^"]+)"/.exec(message)?.[1] ?? null;
}

const RIGHTS = "rights of a superuser for migrations";

/** An object, a table, a function, a column, a schema or a unique key is not there. */
const MISSING = new Set(["42704", "42P01", "42883", "42703", "3F000", "42830"]);

/** Also a grant in a circle, which only the role of migrations closes. */
function lacksRights({ sqlState, routine, message }: DatabaseError): boolean {
  if (isOfUserCode(routine)) return false;
  return sqlState === INSUFFICIENT_PRIVILEGE || (sqlState === "0LP01" && message.includes(MIGRATOR));
}

function listed(names: readonly string[]): string {
  const others = names.length > 3 ? ` (and ${names.length - 3} more)` : "";
  return `${names.slice(0, 3).join(", ")}${others}`;
}

/** No extension makes roles. The scratch server speaks English. */
function isRole({ message }: DatabaseError): boolean {
  return /^role "/.test(message);
}

export function makesExtension(text: string): boolean {
  return accept({ text, at: 0 }, "create", "extension");
}
