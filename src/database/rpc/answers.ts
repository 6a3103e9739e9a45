/** From what the function answers to the values that every connection of ours gives. */

import type { Row } from "../connection.ts";
import { readComposite } from "../values/composite.ts";
import type { RawResult } from "../values/rows.ts";
import type { Answered } from "./exec-sql.ts";

/** The driver's parser for a type, so that a value is the same over every connection. */
export type ParserOf = (typeId: number) => (text: string) => unknown;

export function rowsOf(answered: Answered, parserOf: ParserOf): readonly Row[] {
  const { names = [], rows = [], types, json } = answered;
  if (types == null)
    return (json ?? []).map((object, index) => untyped(object, names ?? [], rows[index] ?? ""));
  const parsers = types.map((id) => parserOf(Number(id)));
  return rows.map((row) =>
    Object.fromEntries(
      readComposite(row, types.length).map((text, index) => [
        names?.[index] ?? "",
        text === null ? null : (parsers[index]?.(text) ?? text),
      ]),
    ),
  );
}

export function rawOf(answered: Answered, command: string): RawResult {
  const { names, rows = [], types, count } = answered;
  return {
    fields: (names ?? []).map((name, index) => ({ name, typeId: Number(types?.[index] ?? TEXT) })),
    rows: rows.map((row) => readComposite(row, names?.length ?? 0)),
    rowCount: count ?? null,
    command,
  };
}

const TEXT = 25;

/**
 * A server before 16 does not tell the types of what a change returns. JSON tells most of them. A number that JavaScript does not
 * have exactly stays text, and a time is what JSON writes with a `T`.
 */
function untyped(object: Readonly<Record<string, unknown>>, names: readonly string[], row: string): Row {
  const texts = readComposite(row, names.length);
  return Object.fromEntries(
    names.map((name, index) => {
      const [value, text] = [object[name], texts[index] ?? null];
      if (typeof value === "number") return [name, String(value) === text ? value : text];
      if (typeof value !== "string" || text === null || value === text) return [name, value ?? null];
      return [name, TIME.test(value) ? new Date(value) : text];
    }),
  );
}

const TIME = /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d/;
