/**
 * What the statements of one file have changed in the session, for those that follow.
 *
 * The session is reset before every statement, and a connection can be lost between two of them. So each statement's
 * done row keeps how the session then differs from a reset one, and the next statement begins with that. The server is
 * asked for it, because a `DO` block or a function changes settings as well as `SET` does.
 *
 * A session's temporary tables, prepared statements and cursors end with it: nothing can bring them back.
 */
import { identifier, literal } from "../../core/sql/quote.ts";

/** By name; `null` where the statement has taken away what a reset session has. */
export type SessionState = Readonly<Record<string, string | null>>;

/**
 * What the list of settings is not asked for: a transaction's own, which end with it, the one that would end the
 * asking, and the encoding of what is sent, which is UTF-8 for every statement whatever the one before has set.
 */
const APART = [
  "client_encoding",
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
  "statement_timeout",
];

/** Where a transaction keeps what it has read, while its own settings change. */
const VARIABLE = "godwit.session";
const TIMEOUT = "godwit.timeout";

const MOST_NAMES = 1_000;

/** What may be the name of a customized option (`app.tenant`): no catalog lists those that have been set. */
export function customNames(text: string): readonly string[] {
  if (!/\bset(?:_config)?\b/i.test(text)) return [];
  const names = new Set<string>();
  for (const [name] of text.matchAll(/\b[a-z_]\w*(?:\.[a-z_]\w*)+/gi)) {
    if (names.size < MOST_NAMES) names.add(name.toLowerCase());
  }
  return [...names];
}

/** One row, `opened`: the settings of a session that has just been reset. */
export function readOpened(custom: readonly string[]): string {
  return `select (${current(custom, "statement_timeout")})::pg_catalog.text as opened;`;
}

/**
 * Comes before `keepState`, in a message of its own: the session's statement timeout may be too short for anything longer.
 * It is kept until the transaction ends, and the run's own holds from here on. `known`: it was taken away already.
 */
export function setTimeoutAside(timeoutMs: number, known?: string | null): string {
  const timeout = known == null ? "pg_catalog.current_setting('statement_timeout')" : literal(known);
  return `select pg_catalog.set_config('${TIMEOUT}', ${timeout}, true); set local statement_timeout = ${timeoutMs};`;
}

/** One row, `session`: how the session differs from the one that was `opened`. MirrorSql until the transaction ends. */
export function keepState(opened: string, custom: readonly string[]): string {
  return `set local client_encoding = 'UTF8';
  select pg_catalog.set_config('${VARIABLE}', (${difference(opened, custom)})::pg_catalog.text, true) as session;`;
}

/** What `keepState` has kept, as the value of a done row. */
export const KEPT_STATE = `jsonb_build_object('session', pg_catalog.current_setting('${VARIABLE}')::jsonb)`;

/** Puts a reset session into that state, but for its statement timeout. */
export function replay(state: SessionState): string {
  // An older Godwit kept the encoding too.
  const { role, session_authorization: user, client_encoding: _, statement_timeout: __, ...settings } = state;
  const set = Object.entries(settings).map(
    ([name, value]) => `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, false);`,
  );
  // A change of the user takes the role back, and a change of either may take the right to set the rest.
  if (typeof user === "string") set.push(`set session authorization ${identifier(user)};`);
  if (typeof role === "string") set.push(`set role ${role === "none" ? "none" : identifier(role)};`);
  return set.join(" ");
}

/** The rest of it: right before the statement, because it may be too short for what is asked before. */
export function replayTimeout({ statement_timeout: timeout }: SessionState): string | null {
  return timeout == null ? null : `set statement_timeout = ${literal(timeout)}`;
}

/** The same with the run's own lock timeout, which `RESET ALL` or a function has taken away. */
export function withoutLockTimeout({ lock_timeout: _, ...state }: SessionState): SessionState {
  return state;
}

/** The state in the row of a statement that is done; `null` where an older Godwit wrote it. */
export function stateIn(before: unknown): SessionState | null {
  return (before as { session?: SessionState } | null)?.session ?? null;
}

/** Schemas and operators are named, because the session may be one in which somebody's own come first. */
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
