/** Names of tables for `to_regclass`, which reads a text and not SQL: `U&"…"` is no name there. Pure. */
import { identifierText, uescaped } from "./literals.ts";
import { literal, quotedName } from "./quote.ts";
import { tokenize } from "./tokens.ts";

/** The name of a table in a statement, as `to_regclass` reads it. What is no name stays as it is. */
export function regclassText(name: string): string {
  return tokenize(name).reduceRight((text, token) => {
    const written = name.slice(token.start, token.end);
    if (token.kind !== "quoted" || written.startsWith('"')) return text;
    const escaped = uescaped(name, token);
    return `${text.slice(0, token.start)}${quotedName(identifierText(escaped))}${text.slice(escaped.end)}`;
  }, name);
}

/** An expression for the table of that name. It is NULL where there is none. */
export function regclass(name: string): string {
  return `pg_catalog.to_regclass(${literal(regclassText(name))})`;
}
