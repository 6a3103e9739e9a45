/** Reads `CREATE INDEX`: its names, its table, and what it says of the columns. */
import { accept, acceptName, acceptRelation, type Cursor, type Name } from "./cursor.ts";

/** `CREATE INDEX`, concurrently or not. */
export interface IndexStatement {
  readonly concurrently: boolean;
  /** In the schema of its table. `null`: the server chooses the name. */
  readonly index: Name | null;
  readonly table: Name;
  readonly unique: boolean;
  readonly ifNotExists: boolean;
  /** `ON ONLY`: the partitions of the table get no index. */
  readonly only: boolean;
}

/** `null`: the text is another statement. */
export function readCreateIndex(text: string): IndexStatement | null {
  return readIndex({ text, at: 0 });
}

/** The text behind the table: method, columns and options. `null`: the text is another statement. */
export function indexDefinition(text: string): { readonly unique: boolean; readonly rest: string } | null {
  const cursor: Cursor = { text, at: 0 };
  const found = readIndex(cursor);
  return found === null ? null : { unique: found.unique, rest: text.slice(cursor.at) };
}

function readIndex(cursor: Cursor): IndexStatement | null {
  return accept(cursor, "create") ? readIndexAfterCreate(cursor) : null;
}

/** Goes on behind the word `CREATE`. */
export function readIndexAfterCreate(cursor: Cursor): IndexStatement | null {
  const unique = accept(cursor, "unique");
  if (!accept(cursor, "index")) return null;
  const concurrently = accept(cursor, "concurrently");
  const ifNotExists = accept(cursor, "if", "not", "exists");
  const name = accept(cursor, "on") ? null : acceptName(cursor);
  if (name !== null && !accept(cursor, "on")) return null;
  const only = accept({ ...cursor }, "only");
  const table = acceptRelation(cursor);
  if (table === null) return null;
  const index = name === null ? null : { schema: table.schema, name: name.name };
  return { concurrently, index, table, unique, ifNotExists, only };
}
