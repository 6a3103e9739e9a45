/** Which rows a statement changes: the tables of the statement itself, and of the parts of its `WITH`. Pure. */
import {
  accept,
  acceptGroup,
  acceptName,
  acceptRelation,
  acceptSymbol,
  type Cursor,
  peek,
} from "./cursor.ts";
import { identifier } from "./quote.ts";
import { fold, tokenize } from "./tokens.ts";

export interface DataChange {
  readonly verb: "update" | "delete" | "insert" | "merge";
  /** The quoted name of the table, with a schema where the statement has one. */
  readonly table: string;
  /** The name that stands before its columns, as the catalog stores names. */
  readonly alias: string;
  /** `ON CONFLICT DO UPDATE`: it changes rows that are there. Any other `INSERT` only adds some. */
  readonly upserts: boolean;
  /** It says itself what it returns. */
  readonly returns: boolean;
  /** The text, without a `WITH` of its own. */
  readonly text: string;
}

export interface DataChanges {
  /** What the statement does itself. `null`: it reads. */
  readonly main: DataChange | null;
  /** The parts of its `WITH` that change data. They stand at the top level, or the server refuses them. */
  readonly parts: readonly DataChange[];
}

/** `null`: it is another kind of statement, or cannot be read. */
export function dataChanges(statement: string): DataChanges | null {
  const cursor: Cursor = { text: statement, at: 0 };
  const bodies = acceptParts(cursor);
  const main = bodies === null ? null : changeAt(cursor);
  if (bodies === null || main === null) return null;
  const parts: DataChange[] = [];
  for (const body of bodies) {
    const inner: Cursor = { text: body, at: 0 };
    const change = acceptParts(inner) === null ? null : changeAt(inner);
    if (change === null) return null;
    if (change !== "reads") parts.push(change);
  }
  return { main: main === "reads" ? null : main, parts };
}

/** The texts in the parentheses of a `WITH`. `null`: they cannot be read. */
function acceptParts(cursor: Cursor): readonly string[] | null {
  const bodies: string[] = [];
  if (!accept(cursor, "with")) return bodies;
  accept(cursor, "recursive");
  do {
    if (acceptName(cursor) === null) return null;
    acceptGroup(cursor);
    if (!accept(cursor, "as")) return null;
    if (!accept(cursor, "not", "materialized")) accept(cursor, "materialized");
    const body = acceptGroup(cursor);
    if (body === null) return null;
    bodies.push(body);
  } while (acceptSymbol(cursor, ","));
  return bodies;
}

function changeAt(cursor: Cursor): DataChange | "reads" | null {
  const first = peek(cursor);
  const text = cursor.text.slice(first?.start ?? cursor.text.length);
  const verb = acceptVerb(cursor);
  if (verb === null) {
    const read = first === null ? "" : fold(cursor.text.slice(first.start, first.end));
    return ["select", "values", "table", "("].includes(read) ? "reads" : null;
  }
  const table = acceptRelation(cursor);
  if (table === null) return null;
  const names = table.schema === null ? [table.name] : [table.schema, table.name];
  return {
    verb,
    table: names.map(identifier).join("."),
    alias: acceptAlias(cursor, verb) ?? table.name,
    ...clausesOf(text),
    text,
  };
}

function acceptVerb(cursor: Cursor): DataChange["verb"] | null {
  if (accept(cursor, "update")) return "update";
  if (accept(cursor, "delete", "from")) return "delete";
  if (accept(cursor, "insert", "into")) return "insert";
  return accept(cursor, "merge", "into") ? "merge" : null;
}

function acceptAlias(cursor: Cursor, verb: DataChange["verb"]): string | null {
  const written = accept(cursor, "as");
  // An INSERT has its columns or its SELECT there.
  if (!written && verb === "insert") return null;
  const next = peek(cursor);
  if (!written && next?.kind === "word" && BEHIND.has(fold(cursor.text.slice(next.start, next.end))))
    return null;
  return acceptName(cursor)?.name ?? null;
}

/** What may stand where the alias is left out. */
const BEHIND = new Set(["set", "using", "where", "returning"]);

function clausesOf(text: string): Pick<DataChange, "upserts" | "returns"> {
  let depth = 0;
  let before = "";
  let upserts = false;
  let returns = false;
  for (const { kind, start, end } of tokenize(text)) {
    const here = kind === "word" ? fold(text.slice(start, end)) : text.slice(start, end);
    if (here === "(") depth++;
    else if (here === ")") depth--;
    else if (depth === 0) {
      if (here === "returning" && before !== "as" && before !== ".") returns = true;
      if (here === "update" && before === "do") upserts = true;
    }
    before = here;
  }
  return { upserts, returns };
}
