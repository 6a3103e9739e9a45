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
  const joined = tokens.slice(at).some((_, index) => ["from", "using"].includes(word(at + index)));
  const owned = windowMarks(statement).every(({ alias: given }) =>
    given === null ? !joined : given === alias,
  );
  return owned ? parts.map(identifier).join(".") : null;
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
