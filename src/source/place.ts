/** Where in a file something is, ready to print. Columns count characters, as PostgreSQL does. */
import type { Place } from "../errors.ts";

/** The place of a UTF-16 offset of `text`. */
export function placeAt(file: string, text: string, offset: number): Place {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < start; at = text.indexOf("\n", at + 1)) line++;
  return placeOf(file, text, { line, column: offset - start + 1 });
}

/** The place of a line and a column that counts UTF-16 units, both from 1. */
export function placeOf(file: string, text: string, at: { line: number; column: number }): Place {
  const lineText = (text.split("\n", at.line)[at.line - 1] ?? "").replace(/\r$/, "");
  const before = [...lineText.slice(0, at.column - 1)];
  return { file, line: at.line, column: before.length + 1, excerpt: excerptOf(lineText, before) };
}

/** The line with a caret below; of a very long line the part around the caret. */
function excerptOf(lineText: string, before: readonly string[]): string {
  const from = Math.max(0, before.length - 80);
  const shown = [...lineText].slice(from, before.length + 80).join("");
  const padding = before.slice(from).map((character) => (character === "\t" ? "\t" : " "));
  return `${shown}\n${padding.join("")}^`;
}
