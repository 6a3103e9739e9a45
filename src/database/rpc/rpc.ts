/**
 * A `Connection` over Supabase's HTTPS API, for a container that has the project's URL and key and no way to the database itself.
 *
 * There is no session. Each request calls our function (`exec-sql.ts`) and is one transaction. What must be together is one message.
 *
 * A request without an answer may have taken effect, and may even take effect later. Then this connection is lost, as a socket
 * is: the run opens another, waits for the lock, and asks the ledger. The fence in front of every transaction keeps a request
 * that comes late from having an effect.
 */
import { setMaxListeners } from "node:events";
import { quoted } from "../../core/sql/quote.ts";
import type { DatabaseError } from "../../errors.ts";
import type {
  AskOptions,
  Connection,
  ExecuteOptions,
  Notice,
  Parameter,
  Result,
  Row,
  Server,
} from "../connection.ts";
import { quotesOf, type Sent as SentText } from "../sent.ts";
import { writeArray } from "../values/arrays.ts";
import { type KindRow, kindsOf } from "../values/kinds.ts";
import type { Encoded, ParameterKind } from "../values/parameters.ts";
import { encodeParameters } from "../values/parameters.ts";
import type { RawResult } from "../values/rows.ts";
import { connectionLost, databaseError } from "../wire/failure.ts";
import { loadPg } from "../wire/link.ts";
import { SERVER_QUERY } from "../wire/server-query.ts";
import { stopWith } from "../wire/stopping.ts";
import { type ParserOf, rawOf, rowsOf } from "./answers.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Answer, type Answered, FUNCTION_VERSION, type FunctionRequest } from "./exec-sql.ts";
import { failureOf, functionOutdated, type Sent, withoutReply } from "./failure.ts";
import { type Http, NoReply, openHttp } from "./http.ts";
import { commandOf, messageOf, returnsRows } from "./message.ts";

export interface OpenRpcOptions {
  /** What the steps of a run are called in `pg_stat_activity`; a running one is cancelled by it. */
  readonly applicationName?: string | undefined;
  /** Ends the attempt to reach the API. Later it gives up the request in flight. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws `DatabaseError`, also where the function is missing or of another version. */
export async function openRpc(endpoint: Endpoint, options: OpenRpcOptions = {}): Promise<Connection> {
  const { default: pg } = await loadPg();
  const parserOf: ParserOf = (typeId) => pg.types.getTypeParser(typeId, "text") as (text: string) => unknown;
  const connection = new RpcConnection(openHttp(endpoint), endpoint, { parserOf, options });
  try {
    await connection.identify();
    return connection;
  } catch (error) {
    // Nothing was asked for yet, so nothing can have been done.
    const told = connection.lost.aborted ? connection.unreachable(error) : error;
    await connection.close();
    throw told;
  }
}

interface Parts {
  readonly parserOf: ParserOf;
  readonly options: OpenRpcOptions;
}

class RpcConnection implements Connection {
  readonly capabilities = { session: false, pipeline: false, spanning: false, role: false, observer: false };
  readonly lost: AbortSignal;
  readonly #http: Http;
  readonly #endpoint: Endpoint;
  readonly #parserOf: ParserOf;
  readonly #options: OpenRpcOptions;
  readonly #lost = new AbortController();
  readonly #closing = new AbortController();
  readonly #kinds = new Map<number, ParameterKind>();
  readonly #sent = new Set<{ readonly at: number }>();
  #server: Server | undefined;
  /** Requests are answered in the order in which they were asked for. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(http: Http, endpoint: Endpoint, { parserOf, options }: Parts) {
    this.lost = this.#lost.signal;
    setMaxListeners(0, this.lost);
    this.#http = http;
    this.#endpoint = endpoint;
    this.#parserOf = parserOf;
    this.#options = options;
    stopWith(options.signal, {
      busySince: () => this.#sent.values().next().value?.at ?? null,
      cancel: () => this.cancel(),
      drop: () =>
        this.#gone(connectionLost(endpoint.display, new Error("the request to stop was not answered"))),
      over: AbortSignal.any([this.#closing.signal, this.lost]),
    });
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("The connection has not been identified.");
    return this.#server;
  }

  async identify(): Promise<void> {
    this.#server = (await this.query<Row & Server>(SERVER_QUERY)).rows[0] as Server;
  }

  /** The same failure, where nothing had been begun. */
  unreachable(error: unknown): unknown {
    const cause = (error as DatabaseError).cause;
    if (!(cause instanceof Error)) return error;
    return withoutReply(new NoReply(cause.message, { mayHaveArrived: false, cause }), this.#endpoint.display);
  }

  async query<R extends Row = Row>(text: string, parameters: readonly Parameter[] = []): Promise<Result<R>> {
    const asked = { text, values: parameters };
    const [result] = await this.#one(asked, parameters.map(written), (answered) => ({
      rows: rowsOf(answered, this.#parserOf) as R[],
      command: commandOf(text),
      rowCount: countOf(commandOf(text), answered),
    }));
    return result as Result<R>;
  }

  async ask(text: string, parameters: readonly Encoded[], options?: AskOptions): Promise<RawResult> {
    const values = parameters.map((value) =>
      Buffer.isBuffer(value) ? quoted(`\\x${value.toString("hex")}`) : quoted(value),
    );
    const asked = { text, values: parameters, secret: options?.secret };
    const [result] = await this.#one(asked, values, (answered) => rawOf(answered, commandOf(text)));
    return result as RawResult;
  }

  async parameterKinds(text: string): Promise<readonly ParameterKind[]> {
    const sent = { display: this.#endpoint.display, ...messageOf(text, "discard"), text };
    const [answered] = await this.#inOrder(() =>
      this.#send([{ sql: text, describe: true }], { ...sent, places: [0] }),
    );
    const takes = (answered?.takes ?? []).map(Number);
    return kindsOf(takes, this.#kinds, async (lookup, unknown) => {
      const { rows } = await this.query<KindRow>(lookup, [[...unknown]]);
      return rows;
    });
  }

  async execute(
    text: string,
    { rows, secret }: ExecuteOptions = { rows: "keep" },
  ): Promise<readonly Result[]> {
    const message = messageOf(text, rows);
    const results: Result[] = message.commands.map((command) => ({ command, rows: [], rowCount: null }));
    await this.#inOrder(async () => {
      for (const { asked, places } of message.requests) {
        const { display } = this.#endpoint;
        const { statements } = message;
        const answers = await this.#send(asked, { display, text, secret, statements, places });
        for (const [index, place] of places.entries()) {
          const answered = answers[index] ?? {};
          const command = message.commands[place] ?? "";
          const byPosition = rows === "by position";
          const kept = rows === "discard" ? [] : rowsOf(answered, this.#parserOf, { byPosition });
          results[place] = { command, rows: kept, rowCount: countOf(command, answered) };
        }
      }
    });
    return results;
  }

  /** The API does not pass on what the server says beside its answers. */
  onNotice(_listener: (notice: Notice) => void): () => void {
    return () => {};
  }

  /** In a request of its own. Where the owner may not do that, the function's time limit ends what is running. */
  async cancel(): Promise<void> {
    const { applicationName } = this.#options;
    if (applicationName === undefined) return;
    const http = openHttp(this.#endpoint, { limitMs: CANCEL_LIMIT_MS });
    try {
      await http.post(JSON.stringify({ statements: [{ sql: cancelling(applicationName) }] }));
    } catch {
      // It was a wish.
    } finally {
      http.close();
    }
  }

  async blockers(): Promise<readonly []> {
    return [];
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#gone(connectionLost(this.#endpoint.display));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #one<T>(
    given: SentText,
    values: readonly string[],
    read: (answered: Answered) => T,
  ): Promise<readonly T[]> {
    const { text } = given;
    const { statements } = messageOf(text, "discard");
    const { text: sql = text } = statements[0] ?? {};
    const asked: FunctionRequest =
      values.length > 0
        ? { sql, as: returnsRows(sql) ? "prepared" : "call", values: values.join(", ") }
        : {
            sql,
            ...(returnsRows(sql)
              ? { as: /^(show|explain|fetch|execute)\b/i.test(sql) ? "rows" : "prepared" }
              : {}),
          };
    const sent = { ...given, display: this.#endpoint.display, statements, places: [0] };
    return (await this.#inOrder(() => this.#send([asked], sent))).map(read);
  }

  #inOrder<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(ask);
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #send(asked: readonly FunctionRequest[], sent: Sent): Promise<readonly Answered[]> {
    if (this.lost.aborted) throw this.lost.reason;
    const flight = { at: performance.now() };
    this.#sent.add(flight);
    try {
      const reply = await this.#http.post(JSON.stringify({ statements: asked }));
      quotesOf(sent.text)(reply.status === 200 ? "" : reply.body);
      if (reply.status !== 200) throw failureOf(reply, sent);
      const answer = answerIn(reply.body);
      if (answer === null || !reply.type.includes("json")) throw failureOf({ ...reply, status: 404 }, sent);
      if (answer.version !== FUNCTION_VERSION) throw functionOutdated(sent.display, answer.version);
      return answer.results;
    } catch (error) {
      if (this.lost.aborted) throw this.lost.reason;
      const failure =
        error instanceof NoReply ? withoutReply(error, sent.display) : databaseError(error, sent.display);
      if (GONE.has(failure.code)) this.#gone(failure);
      throw this.lost.aborted ? this.lost.reason : failure;
    } finally {
      this.#sent.delete(flight);
    }
  }

  #gone(reason: DatabaseError): void {
    if (this.lost.aborted) return;
    this.#lost.abort(reason);
    this.#http.close();
  }
}

const CANCEL_LIMIT_MS = 5_000;

function cancelling(applicationName: string): string {
  return `select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
    where datname operator(pg_catalog.=) pg_catalog.current_database() and application_name operator(pg_catalog.=) ${quoted(applicationName)}
    and pid operator(pg_catalog.<>) pg_catalog.pg_backend_pid()`;
}

const GONE: ReadonlySet<string> = new Set(["DATABASE_CONNECTION_LOST", "DATABASE_UNREACHABLE"]);

function answerIn(body: string): Answer | null {
  try {
    const answer = JSON.parse(body) as Partial<Answer> | null;
    return answer !== null && Array.isArray(answer.results) ? (answer as Answer) : null;
  } catch {
    return null;
  }
}

const COUNTED = new Set(["INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "FETCH", "COPY"]);

function countOf(command: string, { count }: Answered): number | null {
  return COUNTED.has(command) ? (count ?? null) : null;
}

/** A parameter as a literal whose type the server infers, as it does for one that is sent by itself. */
function written(value: Parameter): string {
  if (Array.isArray(value)) return quoted(writeArray(value, (each) => textOf(each as Parameter)));
  return quoted(textOf(value));
}

function textOf(value: Parameter): string | null {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  const [text = null] = encodeParameters([value]);
  return text === null ? null : String(text);
}
