/** Which table the statement of a backfill changes, where its windows are ranges of that table. */
import { identifierValue, uescaped } from "./literals.ts";
import { identifier } from "./quote.ts";
import { fold, type Token, tokenize } from "./tokens.ts";
import { windowMarks } from "./window.ts";

/**
 * The quoted name in a plain `UPDATE` or `DELETE` to which every `:window` belongs. `null`: it is another statement, or a
 * window may be one of a table that is joined.
 */
export function windowedTable(statement: string): string | null {
  const tokens = tokenize(statement);
  const word = (at: number): string => {
    const token = tokens[at];
    return token?.kind === "word" ? fold(statement.slice(token.start, token.end)) : "";
  };
  const verb = word(0);
  if (verb !== "update" && !(verb === "delete" && word(1) === "from")) return null;
  let at = verb === "update" ? 1 : 2;
  if (word(at) === "only") at++;
  const parts: string[] = [];
  for (;;) {
    const part = tokens[at];
    if (part === undefined || !isName(part)) return null;
    parts.push(identifierValue(uescaped(statement, part)));
    at++;
    const dot = tokens[at];
    if (dot === undefined || statement.slice(dot.start, dot.end) !== ".") break;
    at++;
  }
  const alias = aliasAt(statement, tokens, at) ?? parts.at(-1);
  const depths = depthsOf(statement, tokens);
  const joins = tokens.flatMap((token, index) =>
    // `IS DISTINCT FROM` joins nothing.
    index >= at && ["from", "using"].includes(word(index)) && word(index - 1) !== "distinct"
      ? [{ depth: depths.get(token) ?? 0 }]
      : [],
  );
  const owned = windowMarks(statement).every(({ alias: given, start }) => {
    if (given !== null) return given === alias;
    // A sub-select beside the window has tables of its own, and one around it may be what the window is of.
    const isInside = (depths.get(tokens.find((token) => token.start === start)) ?? 0) > 0;
    return !joins.some(({ depth }) => isInside || depth === 0);
  });
  return owned ? parts.map(identifier).join(".") : null;
}

/** In how many parentheses each token stands. */
function depthsOf(statement: string, tokens: readonly Token[]): ReadonlyMap<Token | undefined, number> {
  let depth = 0;
  return new Map(
    tokens.map((token) => {
      const text = statement.slice(token.start, token.end);
      if (text === ")") depth--;
      const here = depth;
      if (text === "(") depth++;
      return [token, here];
    }),
  );
}

function aliasAt(statement: string, tokens: readonly Token[], from: number): string | null {
  const text = (at: number) => {
    const token = tokens[at];
    return token === undefined ? "" : statement.slice(token.start, token.end);
  };
  let at = from;
  if (text(at) === "*") at++;
  if (fold(text(at)) === "as") at++;
  const token = tokens[at];
  if (token === undefined || !isName(token)) return null;
  return token.kind === "word" && BEHIND.has(fold(text(at)))
    ? null
    : identifierValue(uescaped(statement, token));
}

/** What may stand where the alias is left out. */
const BEHIND = new Set(["set", "using", "where", "returning"]);

function isName({ kind }: Token): boolean {
  return kind === "word" || kind === "quoted";
}
