/** From what the function answers to the values that every connection of ours gives. */

import type { Row } from "../connection.ts";
import { readComposite } from "../values/composite.ts";
import type { RawResult } from "../values/rows.ts";
import type { Answered } from "./exec-sql.ts";

/** The driver's parser for a type, so that a value is the same over every connection. */
export type ParserOf = (typeId: number) => (text: string) => unknown;

export function rowsOf(
  answered: Answered,
  parserOf: ParserOf,
  { byPosition = false }: { readonly byPosition?: boolean } = {},
): readonly Row[] {
  const { names, rows = [], types, json } = answered;
  const keyed = (values: readonly unknown[]) =>
    Object.fromEntries(values.map((value, index) => [byPosition ? index : (names?.[index] ?? ""), value]));
  if (types == null)
    return (json ?? []).map((object, index) => keyed(untyped(object, names ?? [], rows[index] ?? "")));
  const parsers = types.map((id) => parserOf(Number(id)));
  return rows.map((row) =>
    keyed(
      readComposite(row, types.length).map((text, index) =>
        text === null ? null : (parsers[index]?.(text) ?? text),
      ),
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
function untyped(
  object: Readonly<Record<string, unknown>>,
  names: readonly string[],
  row: string,
): readonly unknown[] {
  const texts = readComposite(row, names.length);
  return names.map((name, index) => {
    const [value, text] = [object[name], texts[index] ?? null];
    // JSON has the last of several columns with one name.
    if (names.indexOf(name) !== names.lastIndexOf(name))
      return text === "t" || text === "f" ? text === "t" : text;
    if (typeof value === "number") return String(value) === text ? value : text;
    if (typeof value !== "string" || text === null || value === text) return value ?? null;
    return TIME.test(value) ? new Date(value) : text;
  });
}

const TIME = /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d/;
