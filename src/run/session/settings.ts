/**
 * A session's settings: reset between migrations, the run's own around its own statements, and clean behind a
 * pooler.
 */
import type { MigrationSettings } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import { schemaGuard } from "../../core/sql/schema-guard.ts";
import type { RunSettings } from "./target.ts";

/** `session` is false behind a pooler in transaction mode. Settings must not outlive the transaction there. */
export interface SessionKind {
  readonly session: boolean;
  readonly version: number;
  readonly applicationName: string;
  /** `false`: each message runs in a function as its owner, in a session that nothing of ours is left in. */
  readonly role?: boolean | undefined;
}

/** Removes everything that an earlier migration may have left in the session, then sets the run's own settings. */
export function resetSession(kind: SessionKind, run: RunSettings, own: MigrationSettings): string {
  const settings = sessionSettings(kind, run, own);
  const local = !kind.session;
  const scope = local ? "local " : "";
  // `SET` answers without a row, unlike set_config. But it would take a list of schemas for one name.
  const set = Object.entries(settings).map(([name, value]) => `set ${scope}${name} = ${literal(value)};`);
  if (run.searchPath !== null)
    set.push(`select set_config('search_path', ${literal(run.searchPath)}, ${local});`);
  if (kind.role === false) return `${set.join(" ")}${guardOf(run)}`;
  const role = run.role === null ? "" : ` set ${scope}role ${identifier(run.role)};`;
  return `${kind.session ? DEALLOCATE : ""}${RESET} ${set.join(" ")}${role}${guardOf(run)}`;
}

/** Raises if the schema of the target is gone. It stands before a step and again before its COMMIT. */
export function guardOf({ schema }: Pick<RunSettings, "schema">): string {
  return schema == null ? "" : ` ${schemaGuard(schema)};`;
}

/**
 * The reset between two statements of one file. Temporary tables, prepared statements and `currval` of a
 * sequence stay.
 */
export function withinFile(reset: string): string {
  return reset.replace(DEALLOCATE, "").replace(DISCARD, "");
}

/** The settings of a session by name, in the server's spelling. They are read back after they were set. */
export function sessionSettings(
  kind: SessionKind,
  run: RunSettings,
  own: MigrationSettings,
): Record<string, string> {
  return {
    application_name: kind.applicationName,
    // Behind a pooler, `RESET ALL` does not go back to what the driver asked for.
    client_encoding: "UTF8",
    // The run needs the server's notices, whatever the role has set.
    client_min_messages: "notice",
    lock_timeout: `${own.lockTimeoutMs ?? run.lockTimeoutMs}`,
    statement_timeout: `${own.statementTimeoutMs ?? run.statementTimeoutMs}`,
    // This is longer than the run's own limit: a module that never settles fails by name, not by a lost
    // connection.
    idle_in_transaction_session_timeout: `${run.idleTimeoutMs === 0 ? 0 : run.idleTimeoutMs + IDLE_GRACE_MS}`,
    row_security: own.rowSecurity === true ? "on" : "off",
    standard_conforming_strings: "on",
    // Floats have all their digits, whatever the database or the role has set.
    extra_float_digits: "1",
    // Otherwise the NULL in an array would be a text of four letters.
    array_nulls: "on",
    // The driver understands only this style of dates. The order in which dates are read is not changed.
    datestyle: "ISO",
    // Otherwise the backend of a killed client keeps its locks until the running statement ends.
    ...(kind.version >= 140_000
      ? { client_connection_check_interval: "1000", idle_session_timeout: "0" }
      : {}),
    ...(kind.version >= 170_000 ? { transaction_timeout: "0" } : {}),
    tcp_keepalives_idle: "30",
    tcp_keepalives_interval: "10",
    tcp_keepalives_count: "3",
  };
}

const IDLE_GRACE_MS = 10_000;

const DISCARD = "discard temp; discard sequences;";
/** Not behind a pooler, where the prepared statements may belong to other clients. */
const DEALLOCATE = "deallocate all; ";
// The timeout comes first, because it may be too short for what follows.
const RESET = `set statement_timeout = 0; close all; set session authorization default; set role none; reset all; unlisten *; discard plans; ${DISCARD}`;

/**
 * Sets the run's own role and settings again, before it writes the ledger in a migration's transaction. The
 * text is plain ASCII, because the server reads it in whatever client encoding the migration has left. Deferred
 * constraints are checked before it, because they belong to the migration and need its settings.
 */
export function ownRole(run: RunSettings, { role: changes }: Pick<SessionKind, "role"> = {}): string {
  const role = run.role === null ? "none" : identifier(run.role);
  // The timeouts come first, because the migration's may be too short for the rest.
  return [
    `set local statement_timeout = ${run.statementTimeoutMs};`,
    `set local lock_timeout = ${run.lockTimeoutMs};`,
    ...(changes === false ? [] : ["set local session authorization default;", `set local role ${role};`]),
    CATALOG_ONLY,
    "set local row_security = off;",
    // The warning about a COMMIT that no standby has must be heard.
    "set local client_min_messages = warning;",
  ].join(" ");
}

/** Otherwise a function or an operator of the same name in another schema could be taken. */
export const CATALOG_ONLY = "set local search_path = pg_catalog, pg_temp;";

/**
 * Stands before the `COMMIT`. Behind a pooler, the session belongs to somebody else after it, so nothing of
 * ours may stay in it. In a session of our own the next step resets the rest, but the migration's timeout must
 * not end that reset.
 */
export function leaveSession(kind: SessionKind): string {
  if (kind.role === false) return LEAVE_FUNCTION;
  if (kind.session) return FORGET_TIMEOUT;
  // Whoever waits for its COMMIT, a worker of the same run perhaps, still sees whose it is.
  return `${RESET} set local application_name = ${literal(kind.applicationName)};`;
}

/** The API gives the session to others after the request. Prepared statements are its own. */
const LEAVE_FUNCTION = `close all; reset all; unlisten *; ${DISCARD}`;

export const FORGET_TIMEOUT = "reset statement_timeout;";

/**
 * Sent right behind a migration, in a message of its own. The server measures a timeout from the moment at
 * which it begins to read a message, and the closing message may take longer than the migration's own timeout.
 */
export const CALM = "set local statement_timeout = 0";
/** The same for a session that may be in no transaction. */
export const CALM_SESSION = "set statement_timeout = 0";
