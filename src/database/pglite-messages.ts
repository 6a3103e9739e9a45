/** What travels to an instance of PGlite and back: the text of several statements, and their results as values. */
import type { types as PgTypes } from "pg";
import type { Result, Row } from "./connection.ts";

export type Parsers = Record<number, (value: string) => unknown>;

export const asItIs = (value: unknown) => value as string;

/** Parsers that leave each value as the text that the server wrote. */
export function textParsers(fields: readonly { readonly dataTypeID: number }[]): Parsers {
  return Object.fromEntries(fields.map(({ dataTypeID }) => [dataTypeID, asItIs]));
}

/** The simple protocol's `Query`: the whole text, with several statements in it. */
export function queryMessage(text: string): Uint8Array {
  const body = Buffer.from(text, "utf8");
  const message = Buffer.alloc(body.length + 6);
  message.write("Q");
  message.writeInt32BE(body.length + 5, 1);
  body.copy(message, 5);
  return message;
}

type Message =
  | { name: "rowDescription"; fields: readonly { name: string; dataTypeID: number }[] }
  | { name: "dataRow"; fields: readonly (string | null)[] }
  | { name: "commandComplete"; text: string }
  | { name: "error"; completed?: number };

/** One result for each statement. `parsers` is null where nobody reads the rows. Throws the error that the server sent. */
export function resultsOf(
  messages: readonly { name: string }[],
  parsers: Parsers | null,
  { byPosition = false }: { readonly byPosition?: boolean } = {},
): Result[] {
  const results: Result[] = [];
  let fields: readonly { name: string; dataTypeID: number }[] = [];
  let rows: Row[] = [];
  for (const message of messages as readonly Message[]) {
    if (message.name === "error") throw Object.assign(message, { completed: results.length });
    if (message.name === "rowDescription") fields = message.fields;
    if (message.name === "dataRow" && parsers !== null) {
      const value = (text: string | null, dataTypeID = 0) =>
        text === null ? null : (parsers[dataTypeID]?.(text) ?? text);
      rows.push(
        Object.fromEntries(
          fields.map(({ name, dataTypeID }, index) => [
            byPosition ? index : name,
            value(message.fields[index] ?? null, dataTypeID),
          ]),
        ),
      );
    }
    if (message.name === "commandComplete") {
      const words = message.text.split(" ");
      const count = words.length > 1 ? Number(words.at(-1)) : Number.NaN;
      results.push({ rows, command: words[0] ?? "", rowCount: Number.isNaN(count) ? null : count });
      [fields, rows] = [[], []];
    }
  }
  return results;
}

/** The parsers of the real driver, so that a migration sees the same values in a test and in production. */
export function parsersOf(types: typeof PgTypes): Parsers {
  const ids = [...Object.values(types.builtins).filter((id) => typeof id === "number"), ...ARRAYS];
  return Object.fromEntries(ids.map((id) => [id, types.getTypeParser(id as number, "text")]));
}

/** The array types that the driver turns into more than text. */
const ARRAYS = [
  199, 1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1014, 1015, 1016, 1017, 1021, 1022, 1028, 1040, 1041,
  1115, 1182, 1183, 1185, 1187, 1231, 1270, 2951, 3807, 3907,
];
