/** Whether an `UPDATE` or `DELETE` can change nothing outside its window, by its text alone. Pure. */
import type { DataChange } from "./data-changes.ts";
import { setColumns } from "./set-columns.ts";
import { fold, tokenize } from "./tokens.ts";
import { windowMarks } from "./window.ts";

/**
 * The window must be a term that an `AND` joins in the statement's own `WHERE`, and no column of the key may be set. A
 * statement that changes the table of the backfill (`isOwn`) needs a window of the rows that it changes. Windows of joined
 * rows do not count. Everything else is `false`, whatever the statement does.
 */
export function staysInside(
  { verb, text, alias }: Pick<DataChange, "verb" | "text" | "alias">,
  { key, isOwn }: { readonly key: readonly string[]; readonly isOwn: boolean },
): boolean {
  if (verb !== "update" && verb !== "delete") return false;
  const columns = verb === "update" ? setColumns(text) : [];
  if (columns === null || columns.some((name) => key.includes(name))) return false;
  const terms = ownCondition(text);
  if (terms === null || terms.some(({ word }) => UNCLEAR.has(word))) return false;
  return windowMarks(text).some((mark) => {
    // Without an alias it can be of the changed table only: another one with these columns makes it ambiguous.
    if (isOwn && mark.alias !== null && mark.alias !== alias) return false;
    const at = terms.findIndex((term) => term.start === mark.start);
    if (at === -1 || (at > 0 && terms[at - 1]?.word !== "and")) return false;
    const behind = terms.slice(at).find((term) => term.start >= mark.end);
    return behind === undefined || behind.word === "and" || behind.word === "returning";
  });
}

/** Beside one of these, an `AND` may join something else than the whole condition. */
const UNCLEAR = new Set(["or", "between", "case"]);

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
