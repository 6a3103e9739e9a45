/**
 * Databases that killed test processes left behind. Each name holds the token of its maker, and the maker holds an advisory
 * lock on that token from before the database is made until after it is dropped. So a database without such a lock is
 * nobody's, and it is the server that says so: process ids say nothing about other machines and containers.
 */
import { randomBytes } from "node:crypto";
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";

export type Token = string;

export function newToken(): Token {
  return randomBytes(6).toString("hex");
}

export function databaseName(token: Token): string {
  return `godwit_test_${token}_${randomBytes(5).toString("hex")}`;
}

/** Of a template until it is complete. */
export function draftName(template: string, token: Token): string {
  return `${template}_d_${token}`;
}

/**
 * To be called on the connection that stays open as long as anything of this token is there. Throws `DatabaseError`
 * `DATABASE_POOLED` where a pooler could end that session while its databases are in use.
 */
export async function holdToken(connection: Connection, token: Token): Promise<void> {
  if (!connection.capabilities.session)
    throw new DatabaseError({
      code: "DATABASE_POOLED",
      message:
        "createTestDatabase needs a session of its own, and there is a pooler in transaction mode in between.",
      hint: "Give it the URL of the server itself.",
    });
  // What is set for the role must not end it either.
  const timeouts = ["statement_timeout", "lock_timeout", "idle_session_timeout"];
  await connection.query(
    "select set_config(name, '0', false) from pg_settings where name = any($1::text[])",
    [timeouts],
  );
  await connection.query("select pg_advisory_lock($1)", [(MARK << 48n) | BigInt(`0x${token}`)]);
}

/** Drops what is nobody's and ours to drop. What is in use, or goes meanwhile, stays for the next time. */
export async function dropLeftovers(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ name: string }>(LEFTOVERS);
  for (const { name } of rows)
    await connection.execute(`drop database if exists ${identifier(name)}`).catch(() => {});
}

/** The first 16 bits of the locks' keys; any number that is ours alone. */
const MARK = 26_487n;

// The locks are read after the snapshot in which the databases are seen: whoever made one of these holds its lock by then.
const LEFTOVERS = `select d.datname as name
from pg_database d, substring(d.datname from '^(?:godwit_test_|godwit_template_[0-9a-f]{8}_[0-9a-f]{16}_d_)([0-9a-f]{12})') as token
where token is not null and pg_has_role(d.datdba, 'USAGE')
  and not exists (select from pg_stat_activity a where a.datid = d.oid)
  and not exists (select from pg_locks l where l.locktype = 'advisory' and l.objsubid = 1
    and (l.classid::bigint << 32 | l.objid::bigint) = (${MARK}::bigint << 48 | ('x' || token)::bit(48)::bigint))`;
