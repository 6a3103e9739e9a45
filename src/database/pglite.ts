/**
 * A `Connection` on PGlite, which is PostgreSQL inside this process. It is meant for unit tests.
 *
 * The instance belongs to the caller. Godwit never imports PGlite, and closes the instance only when asked to.
 * An instance has a single session:
 *  - A second `openPglite` on the same instance waits until the first is closed. An advisory lock would be granted
 *    to both.
 *  - Closing puts the session back to its defaults. `LISTEN` and temporary tables of the test are lost.
 * While a statement runs, the event loop of the process stands still: `statement_timeout`, a lost lock and SIGTERM
 * take effect after it. Nothing can observe the statement from outside, so it is never cancelled.
 */
import { DatabaseError } from "../errors.ts";
import type {
  AskOptions,
  Connection,
  ExecuteOptions,
  Notice,
  Parameter,
  Result,
  Row,
  Server,
} from "./connection.ts";
import { type PgliteLike, type PgliteNotice, takeTurn } from "./pglite-instance.ts";
import { asItIs, type Parsers, parsersOf, queryMessage, resultsOf, textParsers } from "./pglite-messages.ts";
import { noticesOf } from "./private-notices.ts";
import type { Sent } from "./sent.ts";
import { sentBefore } from "./sent-before.ts";
import { type KindRow, kindsOf } from "./values/kinds.ts";
import type { Encoded, ParameterKind } from "./values/parameters.ts";
import type { RawResult } from "./values/rows.ts";
import { connectionLost, databaseError } from "./wire/failure.ts";
import { loadPg } from "./wire/link.ts";
import { SERVER_QUERY } from "./wire/server-query.ts";

export interface OpenPgliteOptions {
  /** Closes the instance together with the connection. Default `false`. */
  readonly close?: boolean;
  /** Ends the waiting for an earlier connection to the same instance. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the one session of the instance, as soon as no other connection of ours has it. Values arrive as they do
 * from a real server (`bigint` as text, for instance). Throws `DatabaseError`.
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
interface Parts {
  readonly parsers: Parsers;
  readonly leave: () => void;
  readonly options: OpenPgliteOptions;
}

class PgliteConnection implements Connection {
  readonly capabilities = { session: true, pipeline: true, spanning: true, role: true, observer: false };
  readonly lost: AbortSignal;
  readonly #instance: PgliteLike;
  readonly #parts: Parts;
  readonly #lost = new AbortController();
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #kinds = new Map<number, ParameterKind>();
  #server: Server | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #before = sentBefore();
  #notices = noticesOf({ text: "" });

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
    return this.#inOrder({ text, values: parameters }, async () => {
      const { rows, command, rowCount } = await this.#instance.query(text, [...parameters], {
        parsers,
        onNotice: this.#notice,
      });
      return { rows: rows as R[], command: command ?? "", rowCount: rowCount ?? null };
    });
  }

  ask(text: string, parameters: readonly Encoded[], options?: AskOptions): Promise<RawResult> {
    return this.#inOrder({ text, values: parameters, secret: options?.secret }, async () => {
      const described = await this.#instance.describeQuery(text);
      const typed = (typeId: number, index: number) => {
        const value = parameters[index] ?? null;
        return Buffer.isBuffer(value) && typeId !== BYTEA ? `\\x${value.toString("hex")}` : value;
      };
      const types = described.queryParams.map(({ dataTypeID }) => dataTypeID);
      const { rows, fields, command, rowCount } = await this.#instance.query(text, types.map(typed), {
        rowMode: "array",
        parsers: textParsers(described.resultFields ?? []),
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
    const { queryParams } = await this.#inOrder({ text }, () => this.#instance.describeQuery(text));
    const typeIds = queryParams.map(({ dataTypeID }) => dataTypeID);
    return kindsOf(typeIds, this.#kinds, async (lookup, unknown) => {
      const { rows } = await this.query<KindRow & Row>(lookup, [[...unknown]]);
      return rows;
    });
  }

  execute(text: string, options?: ExecuteOptions): Promise<readonly Result[]> {
    return this.#inOrder({ text, secret: options?.secret }, async () => {
      const { messages } = await this.#instance.runExclusive(() =>
        this.#instance.execProtocol(queryMessage(text), { throwOnError: false, onNotice: this.#notice }),
      );
      return resultsOf(messages, options?.rows === "discard" ? null : this.#parts.parsers, {
        byPosition: options?.rows === "by position",
      });
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
      // The owner of the instance goes on with this session.
      if (!this.lost.aborted) await this.execute(LEAVE_CLEAN).catch(() => {});
      if (options.close) await this.#instance.close();
    } finally {
      this.#lost.abort(connectionLost(DISPLAY));
      leave();
    }
  }

  /** The instance promises no order between `query` and `execProtocol`, so each call waits for the one before. */
  #inOrder<T>(sent: Sent, ask: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(async () => {
      if (this.lost.aborted) throw this.lost.reason;
      try {
        this.#notices = noticesOf(sent);
        const answer = await ask();
        this.#before.succeeded(sent);
        return answer;
      } catch (error) {
        const failure = databaseError(error, DISPLAY, { sent: { ...sent, before: this.#before.all() } });
        if (failure.code === "DATABASE_CONNECTION_LOST") this.#lost.abort(failure);
        throw failure;
      }
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  readonly #notice = (notice: PgliteNotice) => {
    const { severity = "NOTICE", code, routine } = notice;
    const message = this.#notices.withoutData({ message: notice.message ?? "", routine });
    for (const listener of this.#listeners) listener({ severity, message, sqlState: code, routine });
  };
}

const BYTEA = 17;
const LEAVE_CLEAN = "rollback; set session authorization default; reset all";

function closedBefore(): DatabaseError {
  return new DatabaseError({
    code: "DATABASE_ERROR",
    message: "The PGlite instance is closed.",
    hint: "Migrate before closing it.",
  });
}
