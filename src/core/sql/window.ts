/**
 * The place in the statement of a backfill where the condition of its window goes: `:window`, or `:window(p)` where the
 * table has the alias `p`.
 */
import { identifierValue, uescaped } from "./literals.ts";
import { fold, tokenize } from "./tokens.ts";

export interface WindowMark {
  /** Offsets in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** The name that stands before each column, as the catalog stores names. `null`: none. */
  readonly alias: string | null;
}

/** The marks of a statement, in order. What only looks like one, in a string or a comment, is none. */
export function windowMarks(text: string): readonly WindowMark[] {
  const tokens = tokenize(text);
  return tokens.flatMap((colon, index): readonly WindowMark[] => {
    const word = tokens[index + 1];
    if (text.slice(colon.start, colon.end) !== ":" || word?.kind !== "word" || word.start !== colon.end)
      return [];
    if (fold(text.slice(word.start, word.end)) !== "window") return [];
    const mark = { start: colon.start, end: word.end, alias: null };
    const [open, name, close] = tokens.slice(index + 2, index + 5);
    if (open === undefined || open.start !== word.end || text[open.start] !== "(") return [mark];
    if (name === undefined || close === undefined || text[close.start] !== ")") return [mark];
    if (name.kind !== "word" && name.kind !== "quoted") return [mark];
    return [{ ...mark, end: close.end, alias: identifierValue(uescaped(text, name)) }];
  });
}

export interface WindowedText {
  readonly text: string;
  /** The offset in the author's statement of an offset in `text`, both in UTF-16 units. */
  readonly written: (offset: number) => number;
}

/** Puts a condition in the place of each mark. */
export function withWindow(
  statement: string,
  marks: readonly WindowMark[],
  condition: (alias: string | null) => string,
): WindowedText {
  let text = "";
  let at = 0;
  const shifts: { readonly from: number; readonly until: number; readonly start: number }[] = [];
  for (const mark of marks) {
    text += statement.slice(at, mark.start);
    const from = text.length;
    text += condition(mark.alias);
    shifts.push({ from, until: text.length, start: mark.start });
    at = mark.end;
  }
  text += statement.slice(at);
  const written = (offset: number): number => {
    let moved = 0;
    for (const [index, { from, until, start }] of shifts.entries()) {
      if (offset < from) break;
      if (offset < until) return start;
      const mark = marks[index] as WindowMark;
      moved += mark.end - mark.start - (until - from);
    }
    return offset + moved;
  };
  return { text, written };
}

/** The first mark whose table is one of the statement itself, and not of a sub-select. `RETURNING` sees that one. */
export function visibleMark(text: string): WindowMark | null {
  const tokens = tokenize(text);
  const word = (at: number) => {
    const token = tokens[at];
    return token?.kind === "word" ? fold(text.slice(token.start, token.end)) : "";
  };
  const marks = new Map(windowMarks(text).map((mark) => [mark.start, mark]));
  const selects: boolean[] = [];
  for (const [at, { start }] of tokens.entries()) {
    const mark = marks.get(start);
    if (mark !== undefined && !selects.includes(true)) return mark;
    if (text[start] === "(") selects.push(["select", "with", "values", "table"].includes(word(at + 1)));
    if (text[start] === ")") selects.pop();
  }
  return null;
}
