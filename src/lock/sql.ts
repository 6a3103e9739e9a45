/**
 * `migration_locks` tells people who is migrating. Without sessions, it is also the lock itself. The fence number only
 * rises, also across release, so that an old holder can always be told from a new one. `(name, fence)` is unique, so
 * changing the fence changes a key. Such a change waits for every transaction that holds the row `for key share`.
 * Renewing does not wait.
 */
import { createTable } from "../core/sql/create-table.ts";
import { createSchema, identifier, literal, quotedName, stored } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";
import { requireSchema } from "../core/sql/schema-guard.ts";

/** The SQLSTATE that the fence raises: another runner has taken over. */
export const FENCE_SQLSTATE = "GW001";

/** The SQLSTATE for an advisory lock that somebody holds. */
export const ADVISORY_LOCK_HELD = "GW002";

const TABLE_COLUMNS = `
  name text primary key,
  fence bigint not null default 0,
  kind text not null,
  run_id uuid,
  host text,
  pid integer,
  doing text,
  locked_at timestamptz,
  expires_at timestamptz,
  unique (name, fence)`;

/** Takes the advisory lock for the transaction, or fails. */
export function requireAdvisoryLock(key: bigint): string {
  return `do $lock$ begin if not pg_catalog.pg_try_advisory_xact_lock(${key}) then
  raise exception 'the advisory lock is held' using errcode = '${ADVISORY_LOCK_HELD}'; end if; end $lock$`;
}

export interface LockRow {
  readonly schema: string;
  readonly runId: string;
  readonly host: string;
}

export type LockSql = ReturnType<typeof lockSql>;

export interface GivenSchema {
  /**
   * The schema, if the target is a single schema. It is never created here, and nothing is created in it once it is
   * gone.
   */
  readonly given?: string | null | undefined;
  /** Row-level security is on for the table wherever it is, as for those of the ledger. */
  readonly byHand?: boolean | undefined;
}

/** `lock` is the name of the lock. For migrations it is the schema's name. */
export function lockSql(schema: string, lock = schema, { given = null, byHand = false }: GivenSchema = {}) {
  const table = `${identifier(schema)}.migration_locks`;
  const name = stored(lock);
  return {
    create:
      () => `${given === null ? "" : `${requireSchema(given)};\n`}${given === schema ? "" : `${createSchema(schema, "migration_locks")};`}
${createTable(schema, "migration_locks", TABLE_COLUMNS)};
${keepToOwner(schema, ["migration_locks"], byHand).replace(/;$/, "")}`,

    isThere: () =>
      `select pg_catalog.to_regclass(${literal(`${quotedName(schema)}.migration_locks`)}) is not null as there`,

    /** Finds the holders of all locks in the table. The row of a session that is gone says nothing. */
    held: () => `select host, pid, doing from ${table}
  where run_id is not null and (expires_at is null or expires_at > clock_timestamp())
    and (kind <> 'session' or pid in (select pid from pg_catalog.pg_stat_activity)) order by name`,

    liveLease: () => `select run_id as "runId", host, doing,
  (extract(epoch from clock_timestamp() - locked_at) * 1000)::float8 as "heldForMs"
  from ${table} where name = ${name} and kind = 'lease' and expires_at > clock_timestamp()`,

    /** Finds a lease that its holder has not released, whether or not its term is over. */
    anyLease: () => `select expires_at > clock_timestamp() as live
  from ${table} where name = ${name} and kind = 'lease' and run_id is not null`,

    /**
     * Takes over from a lease whose term is over. If the holder is still in a transaction, it waits for that
     * transaction.
     */
    endLease:
      () => `update ${table} set fence = fence + 1, kind = 'session', run_id = null, host = null, doing = null,
  locked_at = null, expires_at = null
  where name = ${name} and kind = 'lease' and run_id is not null and expires_at <= clock_timestamp()`,

    /** Informs people only: the advisory lock decides. */
    announce: (
      row: LockRow,
      doing: string,
    ) => `insert into ${table} (name, kind, run_id, host, pid, doing, locked_at)
  values (${name}, 'session', ${stored(row.runId)}, ${stored(row.host)}, pg_catalog.pg_backend_pid(), ${stored(doing)}, clock_timestamp())
  on conflict (name) do update set kind = 'session', run_id = excluded.run_id, host = excluded.host, pid = excluded.pid,
  doing = excluded.doing, locked_at = excluded.locked_at, expires_at = null`,

    withdraw: (row: LockRow) => `update ${table} set run_id = null, host = null, pid = null, doing = null,
  locked_at = null, expires_at = null where name = ${name} and run_id = ${stored(row.runId)}`,

    /** The fence of a live lease that this run took on a connection which it has lost. */
    ownFence: (row: LockRow) => `select fence::text as fence from ${table}
  where name = ${name} and kind = 'lease' and run_id = ${stored(row.runId)} and expires_at > clock_timestamp()`,

    /** `own`: what `ownFence` says. With it, a run takes over from itself. A request for an older fence that comes late does not. */
    acquire: (
      row: LockRow,
      ttlMs: number,
      own: string | null,
    ) => `insert into ${table} (name, fence, kind, run_id, host, locked_at, expires_at)
  values (${name}, 1, 'lease', ${stored(row.runId)}, ${stored(row.host)}, clock_timestamp(),
    clock_timestamp() + interval '${ttlMs} milliseconds')
  on conflict (name) do update set fence = ${table}.fence + 1, kind = 'lease', run_id = excluded.run_id,
    host = excluded.host, pid = null, doing = null, locked_at = excluded.locked_at, expires_at = excluded.expires_at
  where not (${table}.kind = 'lease' and ${table}.expires_at is not null and ${table}.expires_at > clock_timestamp())
    ${own === null ? "" : `or (${table}.run_id = excluded.run_id and ${table}.fence = ${own})`}
  returning fence::text as fence`,

    renew: (row: LockRow, fence: string, ttlMs: number) => `update ${table}
  set expires_at = clock_timestamp() + interval '${ttlMs} milliseconds'
  where name = ${name} and fence = ${fence} and run_id = ${stored(row.runId)}`,

    describe: (row: LockRow, fence: string, doing: string) => `update ${table} set doing = ${stored(doing)}
  where name = ${name} and fence = ${fence} and run_id = ${stored(row.runId)}`,

    release: (row: LockRow, fence: string) => `update ${table} set run_id = null, host = null, doing = null,
  locked_at = null, expires_at = null where name = ${name} and fence = ${fence} and run_id = ${stored(row.runId)}`,

    fence: (row: LockRow, fence: string) => `do $fence$ begin
  perform from ${table} where name = ${name} and fence = ${fence} and run_id = ${stored(row.runId)} for key share;
  if not found then raise exception 'the lock was taken over by another run' using errcode = '${FENCE_SQLSTATE}'; end if;
end $fence$`,

    free: () => `update ${table} set expires_at = now() where name = ${name};`,
  };
}
