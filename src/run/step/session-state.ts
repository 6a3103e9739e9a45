/**
 * How the statements of one file change the session for the statements behind them.
 *
 * The session is reset before every statement, and the connection can be lost between two of them. So each
 * statement's done row keeps how the session differs from a reset one, and the next statement begins with that.
 * The server is asked for the difference, because a `DO` block or a function changes settings as well as `SET`
 * does.
 *
 * Temporary tables, prepared statements and cursors end with their session. Nothing can restore them.
 */
import { identifier, literal } from "../../core/sql/quote.ts";

/** Settings by name. `null` means that the statement has removed a setting of a reset session. */
export type SessionState = Readonly<Record<string, string | null>>;

/**
 * Settings that the server is not asked for: those of a transaction, which end with it; statement_timeout,
 * which could end the question; and client_encoding, because every statement is sent as UTF-8.
 */
const APART = [
  "client_encoding",
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
  "statement_timeout",
];

/** The settings in which a transaction keeps what it has read while its other settings change. */
const VARIABLE = "godwit.session";
const TIMEOUT = "godwit.timeout";

const MOST_NAMES = 1_000;

/** Words that may name a customized option (`app.tenant`). No catalog lists the options that have been set. */
export function customNames(text: string): readonly string[] {
  if (!/\bset(?:_config)?\b/i.test(text)) return [];
  const names = new Set<string>();
  for (const [name] of text.matchAll(/\b[a-z_]\w*(?:\.[a-z_]\w*)+/gi)) {
    if (names.size < MOST_NAMES) names.add(name.toLowerCase());
  }
  return [...names];
}

/** Answers one row, `opened`, with the settings of a session that has just been reset. */
export function readOpened(custom: readonly string[]): string {
  return `select (${current(custom, "statement_timeout")})::pg_catalog.text as opened;`;
}

/**
 * Puts the session's statement timeout away until the transaction ends, and sets the run's own. Send it before
 * `keepState`, in a message of its own, because the session's timeout may be too short for anything longer.
 * `known` is the session's timeout where it was put away earlier.
 */
export function setTimeoutAside(timeoutMs: number, known?: string | null): string {
  const timeout = known == null ? "pg_catalog.current_setting('statement_timeout')" : literal(known);
  return `select pg_catalog.set_config('${TIMEOUT}', ${timeout}, true); set local statement_timeout = ${timeoutMs};`;
}

/**
 * Answers one row, `session`, with the difference from the session that was `opened`. The row is kept until the
 * transaction ends.
 */
export function keepState(opened: string, custom: readonly string[]): string {
  return `set local client_encoding = 'UTF8';
  select pg_catalog.set_config('${VARIABLE}', (${difference(opened, custom)})::pg_catalog.text, true) as session;`;
}

/** The state that `keepState` has kept, as the value of a done row. */
export const KEPT_STATE = `jsonb_build_object('session', pg_catalog.current_setting('${VARIABLE}')::jsonb)`;

/** Gives a reset session this state, except for its statement timeout. */
export function replay(state: SessionState): string {
  // Older versions of Godwit kept the encoding too.
  const { role, session_authorization: user, client_encoding: _, statement_timeout: __, ...settings } = state;
  const set = Object.entries(settings).map(
    ([name, value]) => `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, false);`,
  );
  // Changing the user resets the role. Changing either may remove the right to set the rest, so both come last.
  if (typeof user === "string") set.push(`set session authorization ${identifier(user)};`);
  if (typeof role === "string") set.push(`set role ${role === "none" ? "none" : identifier(role)};`);
  return set.join(" ");
}

/**
 * Sets the statement timeout of the state. Send it right before the statement, because it may be too short for
 * questions.
 */
export function replayTimeout({ statement_timeout: timeout }: SessionState): string | null {
  return timeout == null ? null : `set statement_timeout = ${literal(timeout)}`;
}

/** The state with the run's own lock timeout, which `RESET ALL` or a function has taken away. */
export function withoutLockTimeout({ lock_timeout: _, ...state }: SessionState): SessionState {
  return state;
}

/** The state in the row of a done statement; `null` in a row of an older Godwit. */
export function stateIn(before: unknown): SessionState | null {
  return (before as { session?: SessionState } | null)?.session ?? null;
}

/** Schemas and operators are qualified, because the session's search_path may name somebody else's first. */
function current(custom: readonly string[], timeout: string): string {
  return `select pg_catalog.jsonb_object_agg(s.name, s.value) from (
  select name, setting as value from pg_catalog.pg_settings
    where source operator(pg_catalog.=) 'session' and name operator(pg_catalog.<>) all (${array(APART)})
  union all select 'statement_timeout', pg_catalog.current_setting('${timeout}')
  union all select 'role', pg_catalog.current_setting('role')
  union all select 'session_authorization', session_user::pg_catalog.text
  union all select n, coalesce(pg_catalog.current_setting(n, true), '') from pg_catalog.unnest(${array(custom)}) as n) s`;
}

function difference(opened: string, custom: readonly string[]): string {
  return `select coalesce(pg_catalog.jsonb_object_agg(coalesce(n.key, o.key), n.value), '{}')
  from pg_catalog.jsonb_each_text((${current(custom, TIMEOUT)})) n
  full join pg_catalog.jsonb_each_text(${literal(opened)}::pg_catalog.jsonb) o on o.key operator(pg_catalog.=) n.key
  where not coalesce(n.value operator(pg_catalog.=) o.value, false)`;
}

function array(values: readonly string[]): string {
  return `array[${values.map(literal).join(", ")}]::pg_catalog.text[]`;
}
