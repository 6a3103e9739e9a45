/**
 * The SQL around a migration, as text: what the runner sends and what `up --sql` prints is the same.
 *
 * A transactional step is three messages, sent without waiting for the answers:
 *
 *   open   BEGIN, reset of the session, fence, ledger row        (a second runner waits on the row's key here)
 *   body   the migration's own text, untouched                 (so that positions in errors are those of the file)
 *   close  constraints checked, own settings, ledger row completed, COMMIT
 *
 * The order is safe although nothing waits. A message that fails in the transaction leaves it failed, and
 * every later message fails with 25P02 without effect. A message that cannot even be parsed runs nothing,
 * which is why `BEGIN` is not in the same message as the body. `COMMIT` of a failed transaction would quietly
 * be a rollback, which is why it comes behind other statements in one message: the first of them fails.
 * And `COMMIT` itself would end the transaction when a deferred constraint fails, which is why these are
 * checked first, still in the settings of the migration that they belong to.
 */
import type { Direction, MigrationSettings } from "../../core/migration.ts";
import { identifier, literal } from "../../core/sql/quote.ts";
import { schemaGuard } from "../../core/sql/schema-guard.ts";
import type { TransactionModes } from "../../core/sql/transaction-modes.ts";
import type { Author, Entry, LedgerSql } from "../../ledger/sql.ts";
import type { Kept } from "../mirror/keep.ts";
import type { RunSettings } from "../session/target.ts";

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

export interface StepFrame {
  readonly open: string;
  readonly close: string;
}

export interface FrameParts {
  readonly ledger: LedgerSql;
  readonly author: Author;
  readonly reset: string;
  readonly fence: string;
  /** `ownRole`, or nothing where the role is left to who runs the script. */
  readonly ownRole: string;
  /** Right before the COMMIT: `guardOf` and `leaveSession`. */
  readonly leave: string;
  /** Another tool's history, in the same transaction. */
  readonly kept: Kept;
  /** `indexGuard` of the text, in the settings that it leaves. */
  readonly indexes?: string | undefined;
  /** How the transaction begins, where the migration chooses that. */
  readonly modes?: TransactionModes | undefined;
}

/**
 * Before the `COMMIT`. Behind a pooler the session is somebody else's after it: nothing of ours may be left in it. In one of
 * our own what the migration set is reset by the next step, and its timeout must not end that.
 */
export function leaveSession(kind: SessionKind): string {
  return kind.session ? FORGET_TIMEOUT : RESET;
}

const FORGET_TIMEOUT = "reset statement_timeout;";

/**
 * First of all, because an isolation level cannot be chosen behind a query. All modes are said, so that what an earlier
 * migration has left as the session's default does not count.
 */
export function begin({ isolation, deferrable }: TransactionModes = {}): string {
  return `begin isolation level ${isolation ?? "read committed"} read write${deferrable === true ? " deferrable" : ""};`;
}

/**
 * Comes right behind a migration, in a message of its own. The server measures a timeout from the moment at which it begins to
 * read a message. The closing message as a whole may take longer than the migration's own timeout.
 */
export const CALM = "set local statement_timeout = 0";
/** The same for a session that may be in no transaction. */
export const CALM_SESSION = "set statement_timeout = 0";

/** Deferred constraints, while an error still leaves the transaction failed. */
const CONSTRAINTS = `${CALM}; set constraints all immediate;`;

function commit({ leave }: FrameParts): string {
  return `${leave} commit`;
}

/**
 * A module can end the transaction; for one that then fails the row must not say `applied`, so its row is `partial`
 * until the end.
 */
export function applyFrame(
  parts: FrameParts,
  entry: Entry,
  state: "applied" | "partial" = "applied",
): StepFrame {
  const replace =
    entry.kind === "repeatable" || entry.again === true ? `${parts.ledger.remove(entry.revision)}; ` : "";
  return {
    open: `${begin(parts.modes)} ${parts.reset} ${parts.fence} ${parts.kept.open} ${replace}${parts.ledger.insert(entry, parts.author, state)}`,
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${parts.ledger.complete(entry.revision, parts.author)}; ${parts.kept.check} ${parts.kept.row} ${commit(parts)}`,
  };
}

export function revertFrame(parts: FrameParts, revision: string): StepFrame {
  return {
    open: `${begin(parts.modes)} ${parts.reset} ${parts.fence} ${parts.kept.open}`,
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${parts.ledger.revert(revision, parts.author)}; ${parts.kept.check} ${parts.kept.row} ${commit(parts)}`,
  };
}

/** One statement of a non-transactional migration, with its done row in the same transaction. */
export function statementFrame(parts: FrameParts, done: string): StepFrame {
  return {
    open: `${begin(parts.modes)} ${withinFile(parts.reset)} ${parts.fence}`,
    // Its own timeout is for the statements behind it too.
    close: `${CONSTRAINTS} ${parts.indexes ?? ""} ${parts.ownRole} ${done}; ${commit({ ...parts, leave: parts.leave.replace(FORGET_TIMEOUT, "") })}`,
  };
}

/** Something of our own between two statements of a file, in a transaction of its own. `first`: before our own role. */
export function ownTransaction({ ownRole, fence }: FrameParts, sql: string, first = ""): string {
  return `${begin()} ${first} ${inTransaction({ ownRole, fence }, sql)}`;
}

/** Its second half, where its beginning is a message of its own. */
export function inTransaction(
  { ownRole, fence }: Pick<FrameParts, "ownRole" | "fence">,
  sql: string,
): string {
  return `${ownRole} ${fence} ${sql}; commit`;
}

/** For the last statement of a step outside a transaction. */
export function closing(parts: FrameParts, direction: Direction, entry: Entry): string {
  const row =
    direction === "up"
      ? parts.ledger.completePartial(entry, parts.author)
      : parts.ledger.revert(entry.revision, parts.author);
  // Its statements took their time, in which the tool may have done the same.
  return `${begin()} ${parts.ownRole} ${parts.fence} ${parts.kept.closing} ${row}; ${parts.kept.row} ${CONSTRAINTS} ${commit(parts)}`;
}
