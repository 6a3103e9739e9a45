/**
 * What the statements of one file have changed in the session, for those that follow.
 *
 * The session is reset before every statement, and a connection can be lost between two of them. So each statement's
 * done row keeps how the session then differs from a reset one, and the next statement begins with that. The server is
 * asked for it, because a `DO` block or a function changes settings as well as `SET` does.
 *
 * A session's temporary tables, prepared statements and cursors end with it: nothing can bring them back.
 */
import { identifier, literal, textArray } from "../core/sql/quote.ts";

/** By name; `null` where the statement has taken away what a reset session has. */
export type SessionState = Readonly<Record<string, string | null>>;

/** The names of a transaction's own settings, which end with it. */
const OF_TRANSACTION = ["transaction_isolation", "transaction_read_only", "transaction_deferrable"];

/** Where a transaction keeps what it has read, while its own settings change. */
const VARIABLE = "godwit.session";

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
  return `select (${current(custom)})::text as opened;`;
}

/** One row, `session`: how the session differs from the one that was `opened`. Kept until the transaction ends. */
export function keepState(opened: string, custom: readonly string[]): string {
  return `select pg_catalog.set_config(${literal(VARIABLE)}, (${difference(opened, custom)})::text, true) as session;`;
}

/** What `keepState` has kept, as the value of a done row. */
export const KEPT_STATE = `jsonb_build_object('session', pg_catalog.current_setting(${literal(VARIABLE)})::jsonb)`;

/** Puts a reset session into that state. */
export function replay(state: SessionState): string {
  const { role, session_authorization: user, ...settings } = state;
  const set = Object.entries(settings).map(
    ([name, value]) => `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, false);`,
  );
  // A change of the user takes the role back, and a change of either may take the right to set the rest.
  if (typeof user === "string") set.push(`set session authorization ${identifier(user)};`);
  if (typeof role === "string") set.push(`set role ${role === "none" ? "none" : identifier(role)};`);
  return set.join(" ");
}

/** The state in the row of a statement that is done; `null` where an older Godwit wrote it. */
export function stateIn(before: unknown): SessionState | null {
  return (before as { session?: SessionState } | null)?.session ?? null;
}

function current(custom: readonly string[]): string {
  const names = OF_TRANSACTION.map(literal).join(", ");
  return `select pg_catalog.jsonb_object_agg(s.name, s.value) from (
  select name, setting as value from pg_catalog.pg_settings where source = 'session' and name not in (${names})
  union all select 'role', pg_catalog.current_setting('role')
  union all select 'session_authorization', session_user::text
  union all select n, coalesce(pg_catalog.current_setting(n, true), '') from unnest(${textArray(custom)}) as n) s`;
}

function difference(opened: string, custom: readonly string[]): string {
  return `select coalesce(pg_catalog.jsonb_object_agg(coalesce(n.key, o.key), n.value), '{}')
  from pg_catalog.jsonb_each_text((${current(custom)})) n
  full join pg_catalog.jsonb_each_text(${literal(opened)}::jsonb) o on o.key = n.key where n.value is distinct from o.value`;
}
