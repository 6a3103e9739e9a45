/** Whether a plain `UPDATE` can change nothing outside its window, by its text alone. Pure. */
import { setColumns } from "./set-columns.ts";
import { fold, tokenize } from "./tokens.ts";
import { isPlainUpdate, windowMarks } from "./window.ts";

/**
 * True only where the window is one of the terms that an `AND` joins in the statement's own `WHERE`, and no column of the
 * key is set. Everything else is `false`, whatever the statement does.
 */
export function staysInside(statement: string, key: readonly string[]): boolean {
  if (!isPlainUpdate(statement)) return false;
  const columns = setColumns(statement);
  if (columns === null || columns.some((name) => key.includes(name))) return false;
  const terms = ownCondition(statement);
  if (terms === null || terms.some(({ word }) => word === "or" || word === "between")) return false;
  const marks = windowMarks(statement);
  return marks.some(({ start, end }) => {
    const at = terms.findIndex((term) => term.start === start);
    if (at === -1 || (at > 0 && terms[at - 1]?.word !== "and")) return false;
    const behind = terms.slice(at).find((term) => term.start >= end);
    return behind === undefined || behind.word === "and";
  });
}

interface Term {
  readonly start: number;
  readonly word: string;
}

/** The tokens behind the statement's own `WHERE` that are in no parentheses. `null`: it has none. */
function ownCondition(statement: string): readonly Term[] | null {
  let depth = 0;
  let found: Term[] | null = null;
  for (const { kind, start, end } of tokenize(statement)) {
    const text = statement.slice(start, end);
    if (text === "(" || text === "[") depth++;
    else if (text === ")" || text === "]") depth--;
    else if (depth > 0 || text === ";") continue;
    else {
      const word = kind === "word" ? fold(text) : "";
      if (found !== null) found.push({ start, word });
      else if (word === "where") found = [];
    }
  }
  return found;
}
