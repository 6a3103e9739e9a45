/** Keeps psql from changing a script by itself. */
import type { MigrationSettings } from "../../core/migration.ts";
import { literal } from "../../core/sql/quote.ts";
import { tokenize } from "../../core/sql/tokens.ts";
import { resetSession } from "../session/settings.ts";
import type { Target } from "../session/target.ts";

/** Settings that a `.psqlrc` or the command line may have changed. */
export const PSQL_SETTINGS = `\\set SINGLELINE off
\\set SINGLESTEP off
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
\\set FETCH_COUNT 0
\\encoding UTF8`;

/**
 * Outside of quotes, psql replaces `:name` by the value of its variable, and every psql has some (`:USER`,
 * `:PORT`). In SQL, such a colon stands only in a slice of an array, where a space changes nothing.
 */
export function forPsql(text: string): string {
  let written = "";
  let at = 0;
  for (const { start, end } of tokenize(text)) {
    // psql takes neither `::` nor `:=` for a variable.
    if (text.slice(start, end) !== ":" || !/["'{\p{L}\p{N}_]/u.test(text[end] ?? "")) continue;
    written += `${text.slice(at, end)} `;
    at = end;
  }
  return written + text.slice(at);
}

/** One line in ASCII, which every encoding has. */
export function comment(text: string): string {
  return `-- ${text.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)}`;
}

/**
 * The reset before every step of a run. Settings of newer servers are left out, because the script is for any
 * server.
 */
export function resetForPsql({ settings }: Target, own: MigrationSettings): string {
  const kind = { session: true, version: 0, applicationName: "godwit --sql" };
  const reset = resetSession(kind, { ...settings, searchPath: null }, own);
  if (settings.searchPath === null) return reset;
  // A `SELECT` would answer with a row, and psql would print it.
  return `${reset} do $godwit$ begin perform set_config('search_path', ${literal(settings.searchPath)}, false); end $godwit$;`;
}
