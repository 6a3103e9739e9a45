/** Names of tables for `to_regclass`, which reads a text and not SQL: `U&"…"` is no name there. Pure. */
import { identifierText, uescaped } from "./literals.ts";
import { literal, quotedName } from "./quote.ts";
import { tokenize } from "./tokens.ts";

/** The name of a table in a statement, as `to_regclass` reads it. What is no name stays as it is. */
export function regclassText(name: string): string {
  return withNames(name, (each, written) => (written.startsWith('"') ? written : quotedName(each)));
}

/** The same for people: without quotes. */
export function shownTable(name: string): string {
  return withNames(name, (each) => each);
}

/** With each quoted name in another form. */
function withNames(text: string, form: (name: string, written: string) => string): string {
  return tokenize(text).reduceRight((changed, token) => {
    if (token.kind !== "quoted") return changed;
    const escaped = uescaped(text, token);
    const name = form(identifierText(escaped), escaped.text);
    return `${changed.slice(0, token.start)}${name}${changed.slice(escaped.end)}`;
  }, text);
}

/** An expression for the table of that name. It is NULL where there is none. */
export function regclass(name: string): string {
  return `pg_catalog.to_regclass(${literal(regclassText(name))})`;
}
