/** A session's settings: reset between migrations, our own for our own words, and left clean behind a pooler. */
import type { MigrationSettings } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import { schemaGuard } from "../../core/sql/schema-guard.ts";
import type { RunSettings } from "./target.ts";

/** `false` for a pooler in transaction mode: settings must not outlive the transaction. */
export interface SessionKind {
  readonly session: boolean;
  readonly version: number;
  readonly applicationName: string;
}

/** Everything that an earlier migration may have left behind, gone; then our own settings. */
export function resetSession(kind: SessionKind, run: RunSettings, own: MigrationSettings): string {
  const settings = sessionSettings(kind, run, own);
  const local = !kind.session;
  const scope = local ? "local " : "";
  // SET and not set_config: it answers without a row. A list of schemas, however, it takes for one name.
  const set = Object.entries(settings).map(([name, value]) => `set ${scope}${name} = ${literal(value)};`);
  if (run.searchPath !== null)
    set.push(`select set_config('search_path', ${literal(run.searchPath)}, ${local});`);
  const role = run.role === null ? "" : ` set ${scope}role ${identifier(run.role)};`;
  return `${kind.session ? DEALLOCATE : ""}${RESET} ${set.join(" ")}${role}${guardOf(run)}`;
}

/** Raises where the target is a schema that is gone, in front of a step and again before its COMMIT. */
export function guardOf({ schema }: Pick<RunSettings, "schema">): string {
  return schema == null ? "" : ` ${schemaGuard(schema)};`;
}

/**
 * Between two statements of one file: it may go on with temporary tables, prepared statements, and `currval` of a
 * sequence.
 */
export function withinFile(reset: string): string {
  return reset.replace(DEALLOCATE, "").replace(DISCARD, "");
}

/** The settings of a session by name, in the server's spelling; read back after they were set. */
export function sessionSettings(
  kind: SessionKind,
  run: RunSettings,
  own: MigrationSettings,
): Record<string, string> {
  return {
    application_name: kind.applicationName,
    // What `RESET ALL` goes back to is, behind a pooler, not what our driver asked for.
    client_encoding: "UTF8",
    // The run listens to what the server says, whatever the role has set.
    client_min_messages: "notice",
    lock_timeout: `${own.lockTimeoutMs ?? run.lockTimeoutMs}`,
    statement_timeout: `${own.statementTimeoutMs ?? run.statementTimeoutMs}`,
    // Later than our own limit: a module that never settles is a failure with a name, not a lost connection.
    idle_in_transaction_session_timeout: `${run.idleTimeoutMs === 0 ? 0 : run.idleTimeoutMs + IDLE_GRACE_MS}`,
    row_security: own.rowSecurity === true ? "on" : "off",
    standard_conforming_strings: "on",
    // Floats with all their digits, whatever the database or the role has set.
    extra_float_digits: "1",
    // Otherwise the NULL in an array is a text of four letters.
    array_nulls: "on",
    // How dates are written, not how they are read: of the other styles the driver understands none.
    datestyle: "ISO",
    // Without it a killed client's backend, and its lock, live until the running statement ends.
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
/** Not behind a pooler: there the statements may be other people's, which the pooler has prepared for them. */
const DEALLOCATE = "deallocate all; ";
// First of all its timeout: it may be too short for what follows.
const RESET = `set statement_timeout = 0; close all; set session authorization default; set role none; reset all; unlisten *; discard plans; ${DISCARD}`;

/**
 * Back to the role and the settings of our own, for the ledger's last word in a transaction in which the migration may
 * have changed any of them. It is plain ASCII, because it is read in whatever client encoding the migration has left.
 * Deferred constraints are checked before it, for they belong to the migration and see its settings.
 */
export function ownRole(run: RunSettings): string {
  const role = run.role === null ? "none" : identifier(run.role);
  // First the timeouts: what the migration set may be too short for us.
  return [
    `set local statement_timeout = ${run.statementTimeoutMs};`,
    `set local lock_timeout = ${run.lockTimeoutMs};`,
    "set local session authorization default;",
    `set local role ${role};`,
    CATALOG_ONLY,
    "set local row_security = off;",
    // A COMMIT that no standby has is told as a warning.
    "set local client_min_messages = warning;",
  ].join(" ");
}

/** A function or an operator of the same name in another schema is none of ours. */
export const CATALOG_ONLY = "set local search_path = pg_catalog, pg_temp;";

/**
 * Before the `COMMIT`. Behind a pooler the session is somebody else's after it: nothing of ours may be left in it. In one of
 * our own what the migration set is reset by the next step, and its timeout must not end that.
 */
export function leaveSession(kind: SessionKind): string {
  return kind.session ? FORGET_TIMEOUT : RESET;
}

export const FORGET_TIMEOUT = "reset statement_timeout;";

/**
 * Comes right behind a migration, in a message of its own. The server measures a timeout from the moment at which it begins to
 * read a message. The closing message as a whole may take longer than the migration's own timeout.
 */
export const CALM = "set local statement_timeout = 0";
/** The same for a session that may be in no transaction. */
export const CALM_SESSION = "set statement_timeout = 0";
