/** Where in a file something is, ready to print. Columns count characters, as PostgreSQL does. */
import type { Place } from "../errors.ts";
import { codePointOffset, locate } from "../std/text.ts";

/** The place of a UTF-16 offset of `text`. */
export function placeAt(file: string, text: string, offset: number): Place {
  const { line, column, excerpt } = locate(text, codePointOffset(text, offset) + 1);
  return { file, line, column, excerpt };
}

/** The place of a line and a column that counts UTF-16 units, both from 1. */
export function placeOf(file: string, text: string, at: { line: number; column: number }): Place {
  let start = 0;
  for (let line = 1; line < at.line; line++) {
    const next = text.indexOf("\n", start);
    if (next === -1) break;
    start = next + 1;
  }
  return placeAt(file, text, start + at.column - 1);
}
