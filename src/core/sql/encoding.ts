/**
 * Finds where a script changes `client_encoding`. psql sends the bytes of the file unchanged, statement by statement.
 * After such a change the server misreads the UTF-8 of the file.
 */
import { identifierValue, literalValue, uescaped } from "./literals.ts";
import { splitStatements } from "./statements.ts";
import { fold, nextToken, tokenize } from "./tokens.ts";

/**
 * The first place (UTF-16 offset) that sets another encoding and is followed by non-ASCII text. Comments do not count.
 * `null` if there is none. It cannot see what a function sets if the text does not contain the body.
 */
export function encodingChange(text: string): number | null {
  let change: number | null = null;
  let before = "";
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    if (change !== null && BEYOND_ASCII.test(written)) return change;
    const word = token.kind === "word" ? fold(written) : "";
    const named = token.kind === "quoted" ? identifierValue(uescaped(text, token)) : word;
    const isText = token.kind === "string" || token.kind === "dollar";
    if (
      named === "client_encoding" ||
      (word === "names" && (before === "set" || before === "session" || before === "local")) ||
      (isText && IN_TEXT.test(literalValue(uescaped(text, token))))
    )
      change ??= token.start;
    before = word;
  }
  return null;
}

/**
 * Sets UTF-8 again after each statement that restores the session's defaults. psql has its own defaults, while those of
 * a run are UTF-8.
 */
export function utf8AfterReset(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  let written = "";
  let at = 0;
  for (const statement of splitStatements(text)) {
    const words = tokenize(statement.text).map(({ start, end }) => fold(statement.text.slice(start, end)));
    if (words.length !== 2 || !/^(?:reset|discard)$/.test(words[0] ?? "") || words[1] !== "all") continue;
    written += `${text.slice(at, statement.end)}; set client_encoding = 'UTF8'`;
    at = statement.end;
  }
  return written + text.slice(at);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const BEYOND_ASCII = /[^\x00-\x7f]/;
/** Finds the setting's name in `set_config`, in statements for `EXECUTE`, and in the body of a `DO`. */
const IN_TEXT = /client_encoding|\bset\s+(?:session\s+|local\s+)?names\b/i;
