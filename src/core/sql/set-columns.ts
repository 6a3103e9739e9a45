/** Which columns a plain `UPDATE` sets. Pure. */
import { identifierValue, uescaped } from "./literals.ts";
import { fold, type Token, tokenize } from "./tokens.ts";

/** The names as the catalog has them, each once. `null`: they cannot be read. */
export function setColumns(statement: string): readonly string[] | null {
  const tokens = tokenize(statement);
  const text = (at: number): string => {
    const token = tokens[at];
    return token === undefined ? "" : statement.slice(token.start, token.end);
  };
  const word = (at: number): string => (tokens[at]?.kind === "word" ? fold(text(at)) : "");
  let at = tokens.findIndex((_, index) => word(index) === "set");
  if (at === -1) return null;
  const names = new Set<string>();
  const take = (token: Token | undefined): boolean => {
    if (token === undefined || (token.kind !== "word" && token.kind !== "quoted")) return false;
    names.add(identifierValue(uescaped(statement, token)));
    return true;
  };
  for (;;) {
    at++;
    if (text(at) === "(") {
      do if (!take(tokens[++at])) return null;
      while (text(++at) === ",");
      if (text(at) !== ")") return null;
    } else if (!take(tokens[at])) return null;
    // A column of an array or of a composite type may be set in part: `tags[1] =`, `place.town =`.
    at = endOfExpression(at + 1, { count: tokens.length, text, word });
    if (text(at) !== ",") return [...names];
  }
}

interface Reading {
  readonly count: number;
  readonly text: (at: number) => string;
  readonly word: (at: number) => string;
}

/** The next comma that is in no parentheses, or the end of what is set. */
function endOfExpression(from: number, { count, text, word }: Reading): number {
  let depth = 0;
  let at = from;
  for (; at < count; at++) {
    const here = text(at);
    if (here === "(" || here === "[") depth++;
    else if (here === ")" || here === "]") depth--;
    else if (depth > 0) continue;
    else if (here === ",") break;
    else if (word(at) === "where" || word(at) === "returning") break;
    // `IS DISTINCT FROM` stands in an expression.
    else if (word(at) === "from" && word(at - 1) !== "distinct") break;
  }
  return at;
}
