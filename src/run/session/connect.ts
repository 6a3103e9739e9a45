/** Waits for the database, and checks what a session must keep before anything is done in it. */
import { identifier } from "../../core/sql/quote.ts";
import type { Connection, Row } from "../../database/connection.ts";
import { isRetryableConnection } from "../../database/sqlstate.ts";
import type { Problem } from "../../errors.ts";
import { DatabaseError, type GodwitError } from "../../errors.ts";
import { backoffMs, delay } from "../../std/time.ts";
import { asInterruption } from "./ending.ts";
import { hearLocalCommits } from "./local-commits.ts";
import { withLedgerSchema } from "./own-tables.ts";
import { patiently } from "./own-waits.ts";
import { asSchemaGone } from "./schema-gone.ts";
import { resetSession, type SessionKind, sessionSettings } from "./settings.ts";
import type { RunContext, RunSettings, Target } from "./target.ts";

const MAX_DELAY_MS = 60_000;
const OLDEST_VERSION = 130_000;

/** Opens the target's connection. Tries again while the server can't be reached or is still starting. */
export async function connect(target: Target, context: RunContext): Promise<Connection> {
  const attempts = Math.max(1, target.settings.connectAttempts);
  for (let attempt = 1; ; attempt++) {
    try {
      context.signal.throwIfAborted();
      const applicationName = applicationNameOf(context);
      const connection = await target.open({ applicationName, signal: context.signal });
      hearLocalCommits(connection, context.observe);
      return connection;
    } catch (error) {
      if (!isWorthWaiting(error)) throw error;
      if (attempt >= attempts) throw error;
      const delayMs = backoffMs(attempt, { firstMs: target.settings.connectDelayMs, maxMs: MAX_DELAY_MS });
      context.observe({
        kind: "database-waiting",
        attempt,
        attempts,
        delayMs,
        problem: (error as GodwitError).toProblem(),
      });
      await delay(delayMs, context.signal);
    }
  }
}

/**
 * Opens one connection for as long as `use` takes. If a lock stops `use`, it is called again with another
 * connection, so it must not do twice what it has committed before. When the run must end,
 * `database/wire/stopping.ts` cancels the statements, and the reason of the signal is thrown.
 */
export async function withConnection<T>(
  target: Target,
  context: RunContext,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  return patiently(target, context, (waits) =>
    withOneConnection(target, context, async (connection) => {
      using _ = waits.watch(connection);
      return await use(connection);
    }),
  );
}

/** The same for a `use` that retries its own lock waits. It is called once. */
export async function withOneConnection<T>(
  target: Target,
  context: RunContext,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  await using connection = await connect(target, context);
  try {
    await prepareSession(connection, target, context);
    return await use(connection);
  } catch (error) {
    throw withLedgerSchema(asSchemaGone(asInterruption(error, context.signal)), target, connection);
  }
}

/** Tells the files what they say of the database. */
async function informSource(connection: Connection, { source }: Target): Promise<void> {
  if (source.inform === undefined) return;
  const { rows } = await connection.query<Row & { database: string; owner: string }>(
    `select datname as database, pg_catalog.pg_get_userbyid(datdba) as owner
     from pg_catalog.pg_database where datname operator(pg_catalog.=) pg_catalog.current_database()`,
  );
  if (rows[0] !== undefined) source.inform(rows[0]);
}

export function applicationNameOf({ runId }: Pick<RunContext, "runId">): string {
  return `godwit run ${runId}`;
}

export interface SessionContext extends RunContext {
  /** What its session is called. Left out: as the run is. */
  readonly applicationName?: string | undefined;
}

export function sessionKind(
  connection: Connection,
  context: Pick<SessionContext, "runId" | "applicationName">,
): SessionKind {
  return {
    session: connection.capabilities.session,
    role: connection.capabilities.role,
    version: connection.server.version,
    applicationName: context.applicationName ?? applicationNameOf(context),
  };
}

/** Refuses a server that can't be migrated, and sets the session up. */
export async function prepareSession(
  connection: Connection,
  target: Target,
  context: SessionContext,
): Promise<void> {
  const { server } = connection;
  if (server.inRecovery)
    throw new DatabaseError({
      code: "DATABASE_IN_RECOVERY",
      message: `Database "${server.database}" is a read-only standby (in recovery).`,
      hint: "Use the primary's URL, or add target_session_attrs=read-write to a URL that lists several hosts.",
    });
  if (server.version < OLDEST_VERSION)
    throw new DatabaseError({
      code: "DATABASE_TOO_OLD",
      message: `The server is PostgreSQL ${Math.floor(server.version / 10_000)}; Godwit needs 13 or newer.`,
      hint: "Upgrade the server.",
    });
  await informSource(connection, target);
  await giveSettings(connection, target.settings, context);
}

/**
 * Sets the session up, whatever its role and its database have set, and reads back what a promise depends on. Behind a pooler
 * nothing is set, because the session belongs to others too.
 */
export async function giveSettings(
  connection: Connection,
  settings: RunSettings,
  context: Pick<RunContext, "runId">,
): Promise<void> {
  const kind = sessionKind(connection, context);
  if (!kind.session) return;
  const wanted = Object.keys(sessionSettings(kind, settings, {})).filter((name) => READ_BACK.has(name));
  const [, got] = await Promise.all([
    // The guard for a missing schema is left out: a command that only looks may run before the schema is made.
    connection.execute(resetSession(kind, { ...settings, schema: null }, {})),
    connection.query<Row & { name: string; value: string }>(
      `select name, (setting || case when unit is null or setting = '0' then '' else unit end) as value
       from pg_catalog.pg_settings where name operator(pg_catalog.=) any($1)`,
      [wanted],
    ),
  ]);
  const expected = sessionSettings(kind, settings, {});
  for (const { name, value } of got.rows)
    if (value.replace(/ms$/, "") !== expected[name])
      throw new DatabaseError({
        code: "DATABASE_SETTING",
        message: `The server did not keep ${name} = ${expected[name]}: it says ${value}.`,
        hint: "Something between here and the server changes settings (a pooler?). Use the direct URL of the database.",
      });
}

/**
 * For a run that has something to do. Its transactions say READ WRITE, so that a migration's leftovers don't
 * stop the next one. They must not write where somebody made the database read-only on purpose.
 */
export async function refuseReadOnly(connection: Connection): Promise<void> {
  const readOnly = await readOnlyProblem(connection);
  if (readOnly !== null)
    throw new DatabaseError({ ...readOnly, message: `${readOnly.message}; nothing was changed.` });
}

/** A sentence without its full stop. `null`: the database can be written to. */
export async function readOnlyProblem(
  connection: Connection,
): Promise<(Problem & { code: "DATABASE_SETTING" }) | null> {
  const { rows } = await connection.query<{ setting: string; source: string }>(
    "select setting, source from pg_catalog.pg_settings where name = 'default_transaction_read_only'",
  );
  const [found] = rows;
  if (found?.setting !== "on") return null;
  const { database, user } = connection.server;
  const off = "SET default_transaction_read_only = off;";
  const back: Readonly<Record<string, string>> = {
    user: `ALTER ROLE ${identifier(user)} ${off}`,
    "database user": `ALTER ROLE ${identifier(user)} IN DATABASE ${identifier(database)} ${off}`,
    client: "leave default_transaction_read_only out of the URL, of PGOPTIONS and of the service file.",
  };
  return {
    code: "DATABASE_SETTING",
    message: `Database "${database}" is read-only for role "${user}" (default_transaction_read_only = on)`,
    hint: `Whoever runs the server may have set it, for example on a full disk. To take it back: ${back[found.source] ?? `ALTER DATABASE ${identifier(database)} ${off}`}`,
  };
}

/** The settings that a promise depends on. */
const READ_BACK = new Set([
  "lock_timeout",
  "statement_timeout",
  "idle_in_transaction_session_timeout",
  "row_security",
]);

function isWorthWaiting(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  if (error.code === "DATABASE_UNREACHABLE" || error.code === "DATABASE_CONNECTION_LOST")
    return error.sqlState === undefined || isRetryableConnection(error.sqlState);
  return error.code === "DATABASE_IN_RECOVERY";
}

/** `advice`: the way around the pooler. */
export function pooledWarning(advice: string): Problem {
  return {
    code: "DATABASE_POOLED",
    message:
      "A connection pooler in transaction mode stands before the database: migrations run slower, and a run that dies keeps the next one waiting.",
    hint: advice,
  };
}
