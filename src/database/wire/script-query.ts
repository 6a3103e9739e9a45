/**
 * A message of many statements, as something that `pg` can submit. The driver's own query makes a result object
 * with ten fields for every one of them; a thousand migrations have thirty thousand, nearly all without a row.
 */
import type { ExecuteOptions, Result, Row } from "../connection.ts";

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format: "text" | "binary";
}

export type TypeParser = (value: string) => unknown;

type Settle = (error: unknown, results: readonly Result[]) => void;
type ParserOf = (field: Field) => TypeParser;

/** What we use of the driver's `Query`; in a pipeline `pg` submits nothing else. */
type QueryClass = new (text: string) => { submit(connection: object): unknown };

export type ScriptQueryClass = new (
  text: string,
  parserOf: ParserOf,
  settle: Settle,
  options?: ExecuteOptions,
) => object;

/** Settles once, with the results in order or with the driver's error, to which it adds `completed`. */
export function scriptQueryClass(Query: QueryClass): ScriptQueryClass {
  return class ScriptQuery extends Query {
    readonly callback: () => void = () => {};
    readonly #parserOf: ParserOf;
    readonly #settle: Settle;
    readonly #results: Result[] = [];
    #fields: readonly { readonly name: string; readonly parse: TypeParser }[] = [];
    #rows: Row[] = [];

    readonly #discards: boolean;
    readonly #byPosition: boolean;

    constructor(text: string, parserOf: ParserOf, settle: Settle, options?: ExecuteOptions) {
      super(text);
      this.#discards = options?.rows === "discard";
      this.#byPosition = options?.rows === "by position";
      this.#parserOf = parserOf;
      this.#settle = settle;
    }

    handleRowDescription({ fields }: { fields: readonly Field[] }): void {
      this.#fields = fields.map((field) => ({ name: field.name, parse: this.#parserOf(field) }));
    }

    handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
      if (this.#discards) return;
      const row: Record<string, unknown> = {};
      for (const [index, { name, parse }] of this.#fields.entries()) {
        const value = fields[index] ?? null;
        row[this.#byPosition ? index : name] = value === null ? null : parse(value);
      }
      this.#rows.push(row);
    }

    handleCommandComplete({ text }: { text: string }): void {
      this.#results.push({ ...tagOf(text), rows: this.#rows.length === 0 ? NO_ROWS : this.#rows });
      if (this.#rows.length > 0) this.#rows = [];
    }

    handleError(error: unknown): void {
      if (typeof error === "object" && error !== null)
        Object.assign(error, { completed: this.#results.length });
      this.#settle(error, NO_RESULTS);
    }

    handleReadyForQuery(): void {
      this.#settle(null, this.#results);
    }
  };
}

const NO_ROWS: readonly Row[] = [];
const NO_RESULTS: readonly Result[] = [];

/** `INSERT 0 1`, `UPDATE 3`, `CREATE TABLE`: the words in front, the last number behind. */
function tagOf(tag: string): { command: string; rowCount: number | null } {
  const [command = ""] = tag.split(" ", 1);
  const count = /(\d+)$/.exec(tag)?.[1];
  return { command, rowCount: count === undefined ? null : Number(count) };
}
