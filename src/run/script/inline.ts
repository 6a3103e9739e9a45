/** Writes parameters as literals, for a script. Only the lexer knows which `$1` is a parameter. */
import { quoted } from "../../core/sql/quote.ts";
import { nextToken } from "../../core/sql/tokens.ts";
import type { Encoded, ParameterKind } from "../../database/values/parameters.ts";

interface Placeholder {
  readonly start: number;
  readonly end: number;
  /** Counted from 0. */
  readonly index: number;
}

/** The statement with its parameters written into it. */
export function inline(text: string, parameters: readonly Encoded[]): string {
  let written = "";
  let done = 0;
  for (const { start, end, index } of placeholdersOf(text)) {
    const value = parameters[index];
    if (value === undefined) continue;
    written += text.slice(done, start) + literalOf(value);
    done = end;
  }
  return written + text.slice(done);
}

/** Every type reads a quoted literal, so each parameter is written as text. */
function literalOf(value: Encoded): string {
  if (Buffer.isBuffer(value)) return `'\\x${value.toString("hex")}'::bytea`;
  return quoted(value).trimStart();
}

/** The kinds of parameters as the statement itself shows them (`$1::int[]`, `any($1)`). There is no server to ask. */
export function kindsWritten(text: string): readonly (ParameterKind | undefined)[] {
  const kinds: (ParameterKind | undefined)[] = [];
  for (const { start, end, index } of placeholdersOf(text)) {
    const cast = /^\s*::\s*("?[\w. ]+"?)\s*((?:\[\d*\])*)/.exec(text.slice(end));
    const isJson = /^jsonb?$/i.test(cast?.[1]?.trim() ?? "");
    const isArray =
      cast === null ? /\b(?:any|all|some)\s*\(\s*$/i.test(text.slice(0, start)) : cast[2] !== "";
    const isBytes = /^bytea$/i.test(cast?.[1]?.trim() ?? "");
    const array = isJson ? "json-array" : isBytes ? "bytes-array" : "array";
    kinds[index] ??= isArray ? array : isJson ? "json" : isBytes ? "bytes" : undefined;
  }
  return kinds;
}

function placeholdersOf(text: string): readonly Placeholder[] {
  const places: Placeholder[] = [];
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const number = /^\$(\d+)$/.exec(text.slice(token.start, token.end))?.[1];
    if (number !== undefined) places.push({ start: token.start, end: token.end, index: Number(number) - 1 });
  }
  return places;
}
