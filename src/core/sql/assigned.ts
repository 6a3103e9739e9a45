/** The columns that an `UPDATE` sets. Pure. */
import { identifierValue, uescaped } from "./literals.ts";
import { fold, tokenize } from "./tokens.ts";

/** As the catalog stores them, with those of `(a, b) = (…)`. Empty: it is no `UPDATE`. */
export function assignedColumns(statement: string): readonly string[] {
  const tokens = tokenize(statement);
  const at = (index: number): string => {
    const token = tokens[index];
    return token === undefined ? "" : statement.slice(token.start, token.end);
  };
  const isWord = (index: number, word: string) => tokens[index]?.kind === "word" && fold(at(index)) === word;
  if (!isWord(0, "update")) return [];
  const begin = tokens.findIndex((_, index) => isWord(index, "set"));
  const columns: string[] = [];
  let depth = 0;
  /** Behind SET and behind a comma stands what is set. */
  let isTarget = true;
  for (let index = begin + 1; index < tokens.length && begin !== -1; index++) {
    const text = at(index);
    if (depth === 0 && (isWord(index, "where") || isWord(index, "from") || isWord(index, "returning"))) break;
    const token = tokens[index];
    if (text === "(") depth++;
    else if (text === ")") depth--;
    else if (text === "=" && depth === 0) isTarget = false;
    else if (text === "," && depth === 0) isTarget = true;
    else if (isTarget && token !== undefined && (token.kind === "word" || token.kind === "quoted"))
      columns.push(identifierValue(uescaped(statement, token)));
  }
  return columns;
}
