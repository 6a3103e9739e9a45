/**
 * New tables with their columns in the desired order. pg-delta makes a table before the types that some of its columns need, and
 * adds these columns at the end. Here the types come first, and the columns stand in the table. Pure.
 */
import { nextToken } from "../core/sql/tokens.ts";
import { IN_ORDER } from "../schema/compare.ts";
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import { bareStatement, texts } from "./change.ts";
import type { DiffStatement } from "./statement.ts";

const TABLE = /^CREATE (?:UNLOGGED )?TABLE (\S+) \(/;
const ADDS = /^ALTER TABLE (\S+) ADD COLUMN (.+)$/s;
const TYPE = /^CREATE (?:TYPE|DOMAIN|COLLATION) /;

/** `null`: there is nothing to do. The result may need an order that the server refuses, so it has to be tried. */
export function inlined(
  statements: readonly DiffStatement[],
  { objects }: SchemaSnapshot,
): readonly DiffStatement[] | null {
  const tables = new Set(statements.flatMap(({ text }) => TABLE.exec(text)?.[1] ?? []));
  const added = new Map<string, string[]>();
  const rest = statements.filter(({ text }) => {
    const [, table = "", column = ""] = ADDS.exec(text) ?? [];
    if (!tables.has(table)) return true;
    added.set(table, [...(added.get(table) ?? []), column]);
    return false;
  });
  if (added.size === 0) return null;
  const types = rest.filter(({ text }) => TYPE.test(text));
  const others = rest.filter(({ text }) => !TYPE.test(text));
  const first = others.findIndex(({ text }) => TABLE.test(text));
  const made = others.map((statement) => {
    const table = TABLE.exec(statement.text)?.[1] ?? "";
    const more = added.get(table);
    if (more === undefined) return statement;
    const goal = objects.find(
      ({ kind, name }) => kind === "table" && bareStatement(table) === bareStatement(name),
    );
    return {
      ...statement,
      text: withColumns(statement.text, more, texts(goal?.attributes[IN_ORDER] ?? null)),
    };
  });
  return [...made.slice(0, first), ...types, ...made.slice(first)];
}

function withColumns(text: string, more: readonly string[], order: readonly string[]): string {
  const { start, end, parts } = partsOf(text);
  const place = (part: string) => {
    const at = order.findIndex((name) => bareStatement(part).startsWith(`${bareStatement(name)} `));
    return at === -1 ? order.length : at;
  };
  const sorted = [...parts, ...more].sort((a, b) => place(a) - place(b));
  return `${text.slice(0, start)}${sorted.join(", ")}${text.slice(end)}`;
}

/** What stands between the commas of the first parentheses. */
function partsOf(text: string) {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  let start = 0;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const sign = token.kind === "punctuation" ? text.slice(token.start, token.end) : "";
    if (sign === "(" && ++depth === 1) {
      start = token.end;
      from = start;
    }
    if (depth === 1 && (sign === "," || sign === ")")) {
      parts.push(text.slice(from, token.start).trim());
      from = token.end;
    }
    if (sign === ")" && --depth === 0)
      return { start, end: token.start, parts: parts.filter((part) => part !== "") };
  }
  return { start: text.length, end: text.length, parts };
}
