/** Reads a statement word by word. A cursor moves past what was accepted, and otherwise stays where it is. */
import { identifierValue, literalValue, uescaped } from "./literals.ts";
import { fold, nextToken, type Token } from "./tokens.ts";

export interface Cursor {
  readonly text: string;
  at: number;
}

/** A name as the catalog stores it: unquoted, folded and cut to PostgreSQL's maximum length. */
export interface Name {
  /** `null` if the statement names no schema. */
  readonly schema: string | null;
  readonly name: string;
}

/** Accepts a sequence of unquoted words, given in lower case. It accepts all of them or none. */
export function accept(cursor: Cursor, ...words: readonly string[]): boolean {
  let at = cursor.at;
  for (const word of words) {
    const token = nextToken(cursor.text, at);
    if (token?.kind !== "word" || token.end - token.start !== word.length) return false;
    if (fold(cursor.text.slice(token.start, token.end)) !== word) return false;
    at = token.end;
  }
  cursor.at = at;
  return true;
}

export function acceptSymbol(cursor: Cursor, symbol: string): boolean {
  const token = peek(cursor);
  if (token === null || cursor.text.slice(token.start, token.end) !== symbol) return false;
  cursor.at = token.end;
  return true;
}

/** Accepts a group in parentheses and returns its content, or `null` if there is none. */
export function acceptGroup(cursor: Cursor): string | null {
  if (!acceptSymbol(cursor, "(")) return null;
  const start = cursor.at;
  for (let depth = 1, token = peek(cursor); token !== null; token = peek(cursor)) {
    cursor.at = token.end;
    if (token.kind !== "punctuation") continue;
    if (cursor.text[token.start] === "(") depth++;
    else if (cursor.text[token.start] === ")" && --depth === 0) return cursor.text.slice(start, token.start);
  }
  return cursor.text.slice(start);
}

/** Accepts a name, with or without a schema. A leading database name is ignored, as the server does. */
export function acceptName(cursor: Cursor): Name | null {
  const parts: string[] = [];
  do {
    const part = acceptIdentifier(cursor);
    if (part === null) return null;
    parts.push(part);
  } while (acceptSymbol(cursor, "."));
  const name = parts.pop();
  return name === undefined ? null : { schema: parts.pop() ?? null, name };
}

/** Accepts a string literal and returns its value. */
export function acceptString(cursor: Cursor): string | null {
  const token = peek(cursor);
  if (token === null || (token.kind !== "string" && token.kind !== "dollar")) return null;
  const literal = uescaped(cursor.text, token);
  cursor.at = literal.end;
  return literalValue(literal);
}

export function peek(cursor: Cursor): Token | null {
  return nextToken(cursor.text, cursor.at);
}

function acceptIdentifier(cursor: Cursor): string | null {
  const token = peek(cursor);
  if (token === null || (token.kind !== "word" && token.kind !== "quoted")) return null;
  const identifier = uescaped(cursor.text, token);
  cursor.at = identifier.end;
  return identifierValue(identifier);
}

/** Accepts a table that may be written as `ONLY name`, `ONLY (name)` or `name *`. */
export function acceptRelation(cursor: Cursor): Name | null {
  const only = accept(cursor, "only");
  const parenthesis = only && acceptSymbol(cursor, "(");
  const table = acceptName(cursor);
  if (parenthesis) acceptSymbol(cursor, ")");
  else acceptSymbol(cursor, "*");
  return table;
}
