/**
 * A `Connection` on PGlite, PostgreSQL inside of this process: for people's own unit tests.
 *
 * The instance is theirs: it is described by its structure, never imported, and not closed unless asked for.
 * It has one session for everybody, which is why
 *  - a second `openPglite` on the same instance waits until the first is closed (an advisory lock would be
 *    granted to both),
 *  - closing puts the session back to its defaults, and `LISTEN` or temporary tables of the test are lost.
 * While a statement runs, the event loop of the process stands still: `statement_timeout`, a lost lock
 * and SIGTERM take effect after it. Nothing can look at it from outside, so it is never cancelled.
 */
import type { types as PgTypes } from "pg";
import { DatabaseError } from "../errors.ts";
import { orAbort } from "../std/time.ts";
import type { Connection, ExecuteOptions, Notice, Parameter, Result, Row, Server } from "./connection.ts";
import { quotesOf } from "./private-data.ts";
import { type KindRow, kindsOf } from "./values/kinds.ts";
import type { Encoded, ParameterKind } from "./values/parameters.ts";
import type { RawResult } from "./values/rows.ts";
import { connectionLost, databaseError } from "./wire/failure.ts";
import { loadPg } from "./wire/link.ts";
import { SERVER_QUERY } from "./wire/server-query.ts";

/** What we use of `PGlite` (0.4 or newer). */
export interface PgliteLike {
  readonly closed?: boolean;
  readonly waitReady?: Promise<void>;
  execProtocol(
    message: Uint8Array,
    options?: { throwOnError?: boolean; onNotice?: (notice: PgliteNotice) => void },
  ): Promise<{ messages: readonly { readonly name: string }[] }>;
  describeQuery(text: string): Promise<{
    readonly queryParams: readonly { readonly dataTypeID: number }[];
    readonly resultFields?: readonly { readonly dataTypeID: number }[];
  }>;
  query(
    text: string,
    parameters?: unknown[],
    options?: {
      rowMode?: "array" | "object";
      serializers?: Record<number, (value: unknown) => string>;
      parsers?: Record<number, (value: string) => unknown>;
      onNotice?: (notice: PgliteNotice) => void;
    },
  ): Promise<{
    rows: unknown[];
    fields?: readonly { name: string; dataTypeID: number }[];
    command?: string;
    rowCount?: number;
  }>;
  runExclusive<T>(use: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface OpenPgliteOptions {
  /** Closes the instance together with the connection. Default `false`. */
  readonly close?: boolean;
  /** Ends the waiting for an earlier connection to the same instance. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the one session of the instance, as soon as nobody else of us has it. Values arrive as they do from a
 * real server (`bigint` as text, for instance). Throws `DatabaseError`.
 *
 * @example
 * const database = new PGlite();
 * await using connection = await openPglite(database);
 */
export async function openPglite(instance: PgliteLike, options: OpenPgliteOptions = {}): Promise<Connection> {
  const leave = await takeTurn(instance, options.signal);
  try {
    if (instance.closed) throw closedBefore();
    await instance.waitReady;
    const { default: pg } = await loadPg();
    const connection = new PgliteConnection(instance, { parsers: parsersOf(pg.types), leave, options });
    await connection.identify();
    return connection;
  } catch (error) {
    leave();
    throw error;
  }
}

const DISPLAY = "PGlite";
/** Kept on the instance, because it is the instance that has one session. */
const LAST = Symbol.for("godwit.pglite.last");

async function takeTurn(instance: PgliteLike, signal: AbortSignal | undefined): Promise<() => void> {
  const holder = instance as PgliteLike & { [LAST]?: Promise<void> };
  const before = holder[LAST] ?? Promise.resolve();
  let leave = () => {};
  const mine = new Promise<void>((resolve) => {
    leave = resolve;
  });
  holder[LAST] = before.then(() => mine);
  try {
    await (signal === undefined ? before : orAbort(before, signal));
  } catch (error) {
    leave();
    throw error;
  }
  return leave;
}

type Parsers = Record<number, (value: string) => unknown>;

interface Parts {
  readonly parsers: Parsers;
  readonly leave: () => void;
  readonly options: OpenPgliteOptions;
}

class PgliteConnection implements Connection {
  readonly capabilities = { session: true, pipeline: true, observer: false };
  readonly lost: AbortSignal;
  readonly #instance: PgliteLike;
  readonly #parts: Parts;
  readonly #lost = new AbortController();
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #kinds = new Map<number, ParameterKind>();
  #server: Server | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #listen = quotesOf("");

  constructor(instance: PgliteLike, parts: Parts) {
    this.lost = this.#lost.signal;
    this.#instance = instance;
    this.#parts = parts;
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("The connection has not been identified.");
    return this.#server;
  }

  async identify(): Promise<void> {
    this.#server = (await this.query<Row & Server>(SERVER_QUERY)).rows[0] as Server;
  }

  query<R extends Row = Row>(text: string, parameters: readonly Parameter[] = []): Promise<Result<R>> {
    const { parsers } = this.#parts;
    return this.#inOrder(text, async () => {
      const { rows, command, rowCount } = await this.#instance.query(text, [...parameters], {
        parsers,
        onNotice: this.#notice,
      });
      return { rows: rows as R[], command: command ?? "", rowCount: rowCount ?? null };
    });
  }

  ask(text: string, parameters: readonly Encoded[]): Promise<RawResult> {
    return this.#inOrder(text, async () => {
      const described = await this.#instance.describeQuery(text);
      const typed = (typeId: number, index: number) => {
        const value = parameters[index] ?? null;
        return Buffer.isBuffer(value) && typeId !== BYTEA ? `\\x${value.toString("hex")}` : value;
      };
      const types = described.queryParams.map(({ dataTypeID }) => dataTypeID);
      const { rows, fields, command, rowCount } = await this.#instance.query(text, types.map(typed), {
        rowMode: "array",
        parsers: everyType(described.resultFields ?? []),
        serializers: Object.fromEntries(types.map((id) => [id, asItIs])),
        onNotice: this.#notice,
      });
      return {
        fields: (fields ?? []).map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID })),
        rows: rows as (string | null)[][],
        command: command ?? "",
        rowCount: rowCount ?? null,
      };
    });
  }

  async parameterKinds(text: string): Promise<readonly ParameterKind[]> {
    const { queryParams } = await this.#inOrder(text, () => this.#instance.describeQuery(text));
    const typeIds = queryParams.map(({ dataTypeID }) => dataTypeID);
    return kindsOf(typeIds, this.#kinds, async (lookup, unknown) => {
      const { rows } = await this.query<KindRow & Row>(lookup, [[...unknown]]);
      return rows;
    });
  }

  execute(text: string, options?: ExecuteOptions): Promise<readonly Result[]> {
    return this.#inOrder(text, async () => {
      const { messages } = await this.#instance.runExclusive(() =>
        this.#instance.execProtocol(queryMessage(text), { throwOnError: false, onNotice: this.#notice }),
      );
      return resultsOf(messages, options?.rows === "discard" ? null : this.#parts.parsers);
    });
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async cancel(): Promise<void> {}

  async blockers(): Promise<readonly []> {
    return [];
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { options, leave } = this.#parts;
    try {
      await this.#last;
      // Somebody else goes on with this session.
      if (!this.lost.aborted) await this.execute(LEAVE_CLEAN).catch(() => {});
      if (options.close) await this.#instance.close();
    } finally {
      this.#lost.abort(connectionLost(DISPLAY));
      leave();
    }
  }

  /** The instance promises no order between its two ways of asking. */
  #inOrder<T>(sent: string, ask: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(async () => {
      if (this.lost.aborted) throw this.lost.reason;
      try {
        this.#listen = quotesOf(sent);
        return await ask();
      } catch (error) {
        const failure = databaseError(error, DISPLAY, { sent });
        if (failure.code === "DATABASE_CONNECTION_LOST") this.#lost.abort(failure);
        throw failure;
      }
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  readonly #notice = (notice: PgliteNotice) => {
    const { severity = "NOTICE", message = "", code, routine } = notice;
    this.#listen(message);
    for (const listener of this.#listeners) listener({ severity, message, sqlState: code, routine });
  };
}

interface PgliteNotice {
  readonly severity?: string | undefined;
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  readonly routine?: string | undefined;
}

const BYTEA = 17;
const asItIs = (value: unknown) => value as string;

/** Nothing is read of what the server wrote. */
function everyType(fields: readonly { readonly dataTypeID: number }[]): Parsers {
  return Object.fromEntries(fields.map(({ dataTypeID }) => [dataTypeID, asItIs]));
}

const LEAVE_CLEAN = "rollback; set session authorization default; reset all";

/** The simple protocol's `Query`: the whole text, with several statements in it. */
function queryMessage(text: string): Uint8Array {
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

/** `parsers`: null where nobody reads the rows. */
function resultsOf(messages: readonly { name: string }[], parsers: Parsers | null): Result[] {
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
            name,
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

/** The real driver's, so that a migration sees the same values in a test and in production. */
function parsersOf(types: typeof PgTypes): Parsers {
  const ids = [...Object.values(types.builtins).filter((id) => typeof id === "number"), ...ARRAYS];
  return Object.fromEntries(ids.map((id) => [id, types.getTypeParser(id as number, "text")]));
}

/** The array types of which the driver knows more than the text. */
const ARRAYS = [
  199, 1000, 1001, 1002, 1005, 1006, 1007, 1008, 1009, 1014, 1015, 1016, 1017, 1021, 1022, 1028, 1040, 1041,
  1115, 1182, 1183, 1185, 1187, 1231, 1270, 2951, 3807, 3907,
];

function closedBefore(): DatabaseError {
  return new DatabaseError({
    code: "DATABASE_ERROR",
    message: "The PGlite instance is closed.",
    hint: "Migrate before closing it.",
  });
}
