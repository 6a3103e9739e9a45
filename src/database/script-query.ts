/**
 * A message of many statements, as something that `pg` can submit. The driver's own query makes a result object
 * with ten fields for every one of them; a thousand migrations have thirty thousand, nearly all without a row.
 */
import type { Result, Row } from "./connection.ts";

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format: "text" | "binary";
}

export type TypeParser = (value: string) => unknown;

/** Calls back once, with the results in order or with the driver's error, to which it adds `completed`. */
export class ScriptQuery {
  readonly #text: string;
  readonly #parserOf: (field: Field) => TypeParser;
  readonly #done: (error: unknown, results: readonly Result[]) => void;
  readonly #results: Result[] = [];
  #fields: readonly { readonly name: string; readonly parse: TypeParser }[] = [];
  #rows: Row[] = [];
  #failed = false;
  /** `pg` replaces it where it is missing. */
  readonly callback = (): void => {};

  constructor(
    text: string,
    parserOf: (field: Field) => TypeParser,
    done: (error: unknown, results: readonly Result[]) => void,
  ) {
    this.#text = text;
    this.#parserOf = parserOf;
    this.#done = done;
  }

  submit(connection: { query(text: string): void }): null {
    connection.query(this.#text);
    return null;
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#fields = fields.map((field) => ({ name: field.name, parse: this.#parserOf(field) }));
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    for (const [index, { name, parse }] of this.#fields.entries()) {
      const value = fields[index] ?? null;
      row[name] = value === null ? null : parse(value);
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#results.push({ ...tagOf(text), rows: this.#rows.length === 0 ? NO_ROWS : this.#rows });
    if (this.#rows.length > 0) this.#rows = [];
    this.#fields = [];
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail("a migration has no data to send");
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    if (typeof error === "object" && error !== null)
      Object.assign(error, { completed: this.#results.length });
    this.#done(error, NO_RESULTS);
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#done(null, this.#results);
  }
}

const NO_ROWS: readonly Row[] = [];
const NO_RESULTS: readonly Result[] = [];

/** `INSERT 0 1`, `UPDATE 3`, `CREATE TABLE`: the words in front, the last number behind. */
function tagOf(tag: string): { command: string; rowCount: number | null } {
  const [command = ""] = tag.split(" ", 1);
  const count = /(\d+)$/.exec(tag)?.[1];
  return { command, rowCount: count === undefined ? null : Number(count) };
}
