/**
 * Finds where one statement ends and the next begins. A `;` separates statements unless it is inside
 * - a token (a string, a dollar-quoted body, a comment);
 * - parentheses: `CREATE RULE … DO ALSO (a; b)`;
 * - the body of a routine, `BEGIN ATOMIC a; b; END`. The grammar requires a `;` after each statement of the body and
 *   allows no `END` as a statement in it. The body therefore ends at the first `END` directly after a `;` (or after
 *   `ATOMIC`). `CASE … END` needs no counting, and a column named `end` does no harm.
 *
 * A backslash where a statement would start is a psql command. It extends to the end of its line.
 */
import { accept } from "./cursor.ts";
import { endOfLine, nextToken, type Token } from "./tokens.ts";

/** One statement without its `;`, from its first token to its last. Offsets count UTF-16 units. */
export interface Statement {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The line of its first token, from 1. */
  readonly line: number;
}

/**
 * Splits a script. Each token is in exactly one statement, except the separating `;` and comments. Empty statements are
 * dropped. Never throws: text that is not terminated belongs to the last statement.
 */
export function splitStatements(text: string): readonly Statement[] {
  const statements: Statement[] = [];
  let line = 1;
  let lineBreak = text.indexOf("\n");
  for (let first = nextToken(text, 0); first !== null; ) {
    let next = first.end;
    if (text[first.start] !== ";") {
      const range = text[first.start] === "\\" ? psqlCommand(text, first) : statementAt(text, first);
      for (; lineBreak !== -1 && lineBreak < first.start; lineBreak = text.indexOf("\n", lineBreak + 1))
        line++;
      statements.push({ text: text.slice(first.start, range.end), start: first.start, end: range.end, line });
      next = range.next;
    }
    first = nextToken(text, next);
  }
  return statements;
}

interface Range {
  readonly end: number;
  /** Where reading continues. */
  readonly next: number;
}

function statementAt(text: string, first: Token): Range {
  const mayHaveBody = isRoutine(text, first.start);
  let depth = 0;
  let body = false;
  let mayEndBody = false;
  let end = first.end;
  for (let token: Token | null = first; token !== null; token = nextToken(text, token.end)) {
    const separates = token.kind === "punctuation" && text[token.start] === ";";
    if (separates && depth === 0 && !body) return { end, next: token.end };
    end = token.end;
    if (token.kind === "punctuation") {
      if (text[token.start] === "(") depth++;
      else if (text[token.start] === ")") depth = Math.max(0, depth - 1);
    } else if (token.kind === "word" && depth === 0 && mayHaveBody) {
      if (body && mayEndBody && accept({ text, at: token.start }, "end")) body = false;
      else if (!body && accept({ text, at: token.start }, "begin", "atomic")) {
        body = true;
        token = nextToken(text, token.end) ?? token;
        end = token.end;
        mayEndBody = true;
        continue;
      }
    }
    mayEndBody = separates;
  }
  return { end, next: text.length };
}

function isRoutine(text: string, start: number): boolean {
  const cursor = { text, at: start };
  if (!accept(cursor, "create")) return false;
  accept(cursor, "or", "replace");
  return accept(cursor, "function") || accept(cursor, "procedure");
}

function psqlCommand(text: string, first: Token): Range {
  const next = endOfLine(text, first.start);
  let end = next;
  while (end > first.start && " \t\r\n\f\v".includes(text.charAt(end - 1))) end--;
  return { end, next };
}
