/** A `Connection` on the `pg` driver: TCP, TLS or a socket, with pipelining. */

import { setMaxListeners } from "node:events";
import type { Client as PgClient } from "pg";
import type { DatabaseError } from "../../errors.ts";
import type { Address } from "../address/address.ts";
import { looksPooled } from "../address/pooling.ts";
import type {
  AskOptions,
  Blocker,
  Capabilities,
  Connection,
  ExecuteOptions,
  Notice,
  Parameter,
  Result,
  Row,
  Server,
} from "../connection.ts";
import { heardDuring, type NoticeReader, noticesOf } from "../private-notices.ts";
import type { Sent } from "../sent.ts";
import { sentBefore } from "../sent-before.ts";
import { type KindRow, kindsOf } from "../values/kinds.ts";
import type { Encoded, ParameterKind } from "../values/parameters.ts";
import type { RawResult } from "../values/rows.ts";
import { AS_TEXT, describeParameters, type RawAnswer, refOf, runScript, streamOf, wireOf } from "./driver.ts";
import { connectionLost, databaseError } from "./failure.ts";
import { Heartbeat } from "./heartbeat.ts";
import { connect, endQuietly, type Link, requestCancel } from "./link.ts";
import { Observer } from "./observer.ts";
import { SERVER_QUERY } from "./server-query.ts";
import { sharesSessions } from "./sharing.ts";
import { stopWith } from "./stopping.ts";

export interface OpenOptions {
  /** What the server shows in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Ends the attempt to connect. Later it ends the statement in flight. */
  readonly signal?: AbortSignal | undefined;
  /** Says what kind of pooler is in between, instead of finding it out. */
  readonly pooling?: "session" | "transaction" | undefined;
  /** A statement without a sign of life for this long makes the observer look. Default: 15 s. */
  readonly heartbeatMs?: number | undefined;
  /** The connection keeps the process alive only while a statement is in flight. */
  readonly background?: boolean | undefined;
}

const HEARTBEAT_MS = 15_000;

/**
 * Opens one dedicated connection, trying the hosts of the address in order. Throws `DatabaseError`
 * (`DATABASE_UNREACHABLE`, `DATABASE_REFUSED_LOGIN`). Its message never holds the password.
 */
export async function openPostgres(address: Address, options: OpenOptions): Promise<Connection> {
  const connection = await PostgresConnection.open(address, options);
  try {
    await connection.identify();
    connection.rest();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const UTF8 = "UTF8";
const SPEAK_UTF8 = "set client_encoding = 'UTF8'";

class PostgresConnection implements Connection {
  readonly lost: AbortSignal;
  readonly #link: Link;
  readonly #client: PgClient;
  readonly #address: Address;
  readonly #options: OpenOptions;
  readonly #heartbeat: Heartbeat;
  readonly #lost = new AbortController();
  readonly #closing = new AbortController();
  #server: Server | undefined;
  readonly #kinds = new Map<number, ParameterKind>();
  #session = true;
  readonly #observer: Observer;
  /** The statements in flight: when each was sent, and what takes the data out of its notices. */
  readonly #sent = new Set<{ readonly at: number; readonly notices: NoticeReader }>();
  readonly #before = sentBefore();
  #inFlight = 0;
  /** The client encoding, as the server reported it last. */
  #encoding = UTF8;

  private constructor(link: Link, address: Address, options: OpenOptions) {
    this.lost = this.#lost.signal;
    // Every step that is running adds a listener.
    setMaxListeners(0, this.lost);
    this.#link = link;
    this.#client = link.client;
    this.#address = address;
    this.#options = options;
    this.#observer = new Observer(address, {
      applicationName: options.applicationName,
      signal: this.#closing.signal,
    });
    link.client.on("error", (cause) => this.#gone(connectionLost(address.display, cause)));
    link.client.on("end", () => this.#gone(connectionLost(address.display)));
    wireOf(link.client).on("parameterStatus", ({ parameterName, parameterValue }) => {
      if (parameterName === "client_encoding") this.#encoding = parameterValue;
    });
    // TLS replaces the first stream by its own.
    const stream = () => streamOf(link.client);
    this.#heartbeat = new Heartbeat({
      intervalMs: options.heartbeatMs ?? HEARTBEAT_MS,
      progress: () => `${stream().bytesRead} ${stream().bytesWritten - stream().writableLength}`,
      ask: (quietMs) => this.#observer.look(this.#observablePid, quietMs),
      onLost: (why) => this.#gone(connectionLost(address.display, new Error(why))),
    });
    stopWith(options.signal, {
      busySince: () => this.#sent.values().next().value?.at ?? null,
      cancel: () => this.cancel(),
      drop: () => this.#gone(connectionLost(address.display, new Error("no answer to the request to stop"))),
      over: AbortSignal.any([this.#closing.signal, this.lost]),
    });
  }

  static async open(address: Address, options: OpenOptions): Promise<PostgresConnection> {
    return new PostgresConnection(await connect(address, options), address, options);
  }

  get capabilities(): Capabilities {
    return { session: this.#session, pipeline: this.#session, spanning: true, role: true, observer: true };
  }

  get pooler(): string | undefined {
    if (this.#session) return undefined;
    return looksPooled(this.#address)?.advice ?? "Use the direct URL of the database itself.";
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("The connection has not been identified.");
    return this.#server;
  }

  /** Behind a pooler the process id may be that of another session. */
  get #observablePid(): number | null {
    return this.#session ? (this.#server?.backendPid ?? null) : null;
  }

  /** Asks the server who it is, and finds out whether a pooler hands our statements to several sessions. */
  async identify(): Promise<void> {
    const { rows } = await this.query<Row & Server>(SERVER_QUERY);
    const [server] = rows;
    if (server === undefined)
      throw databaseError(new Error("The server did not say who it is."), this.#address.display);
    this.#server = { ...server };
    if (this.#options.pooling !== undefined) this.#session = this.#options.pooling === "session";
    // A pooler answers the start-up itself, so the process id of the greeting is not the server's.
    else if ((this.#client as unknown as { processID: number }).processID !== server.backendPid)
      this.#session = !(await this.#sharesSessions());
  }

  /** Lets the process end, if this is a background connection with nothing in flight. */
  rest(): void {
    if (this.#options.background === true && this.#inFlight === 0) refOf(this.#client).unref();
  }

  async query<R extends Row = Row>(text: string, parameters: readonly Parameter[] = []): Promise<Result<R>> {
    // Without parameters the driver would choose the simple protocol, which allows several statements.
    const config = { text, values: parameters as unknown[], queryMode: "extended" };
    const result = await this.#send({ text, values: parameters }, () => this.#client.query(config));
    return result as unknown as Result<R>;
  }

  async ask(text: string, parameters: readonly Encoded[], options?: AskOptions): Promise<RawResult> {
    const asked = { text, values: [...parameters], rowMode: "array", queryMode: "extended", types: AS_TEXT };
    const sent = { text, values: parameters, secret: options?.secret };
    const result = await this.#send(sent, () => this.#client.query(asked as never));
    const { fields, rows, rowCount, command } = result as unknown as RawAnswer;
    return {
      fields: fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID })),
      rows,
      rowCount: rowCount ?? null,
      command: command ?? "",
    };
  }

  async parameterKinds(text: string): Promise<readonly ParameterKind[]> {
    const typeIds = await this.#send({ text }, () => describeParameters(this.#link, text));
    return kindsOf(typeIds, this.#kinds, async (lookup, unknown) => {
      const { rows } = await this.query<KindRow>(lookup, [unknown]);
      return rows;
    });
  }

  async execute(text: string, options?: ExecuteOptions): Promise<readonly Result[]> {
    return this.#send({ text, secret: options?.secret }, () => runScript(this.#link, text, options));
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    const forward = (notice: { severity?: string; message?: string; code?: string; routine?: string }) => {
      const { message = "", routine } = notice;
      const inFlight = [...this.#sent].map(({ notices }) => notices);
      listener({
        severity: notice.severity ?? "NOTICE",
        message: heardDuring(inFlight, { message, routine }),
        sqlState: notice.code,
        routine,
      });
    };
    this.#client.on("notice", forward as never);
    return () => this.#client.off("notice", forward as never);
  }

  async cancel(): Promise<void> {
    await requestCancel(this.#link).catch((error) => {
      throw databaseError(error, this.#address.display, { connecting: true });
    });
  }

  async blockers(): Promise<readonly Blocker[]> {
    // Nothing is in flight, so nothing waits.
    if (this.#sent.size === 0) return [];
    const { applicationName } = this.#options;
    return this.#observer.blockersOf(this.#session ? { pid: this.server.backendPid } : { applicationName });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const observer = this.#observer.close();
    // A dead connection cannot be ended in an orderly way.
    if (this.lost.aborted) streamOf(this.#client).destroy();
    await Promise.all([this.lost.aborted ? undefined : endQuietly(this.#client), observer]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send<T>(given: Sent, query: () => Promise<T>): Promise<T> {
    if (this.lost.aborted) throw this.lost.reason;
    const sent = { at: performance.now(), notices: noticesOf(given) };
    this.#sent.add(sent);
    try {
      if (this.#inFlight++ === 0 && this.#options.background === true) refOf(this.#client).ref();
      this.#gather();
      this.#speakUtf8();
      const answer = await this.#heartbeat.during(query());
      this.#before.succeeded(given);
      return answer;
    } catch (error) {
      if (this.lost.aborted) throw this.lost.reason;
      const told = { sent: { ...given, before: this.#before.all() }, tookMs: performance.now() - sent.at };
      const failure = databaseError(error, this.#address.display, told);
      if (failure.code === "DATABASE_CONNECTION_LOST") this.#gone(failure);
      throw failure;
    } finally {
      this.#sent.delete(sent);
      this.#inFlight--;
      this.rest();
    }
  }

  /**
   * The driver writes and reads UTF-8 only. SQL of a migration may have set another client encoding: then the server
   * would store each accent as two characters. In a failed transaction nothing can be set, and nothing is stored.
   */
  #speakUtf8(): void {
    if (this.#encoding === UTF8) return;
    // What is sent from now on waits behind this statement, and is read as UTF-8.
    this.#encoding = UTF8;
    runScript(this.#link, SPEAK_UTF8, { rows: "discard" }).catch(() => {});
  }

  /** Destroys the socket, so the driver rejects every statement in flight. */
  #gone(reason: DatabaseError): void {
    if (this.lost.aborted) return;
    this.#lost.abort(reason);
    streamOf(this.#client).destroy();
  }

  /** Messages that are sent within one tick leave in one packet. */
  #gather(): void {
    const stream = streamOf(this.#client);
    if (stream.writableCorked > 0) return;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  async #sharesSessions(): Promise<boolean> {
    const { client } = await connect(this.#address, this.#options);
    client.on("error", () => {});
    try {
      return await sharesSessions(this.server.backendPid, {
        ours: async () =>
          (await this.query<{ pid: number }>("select pg_catalog.pg_backend_pid() as pid")).rows[0]?.pid ?? 0,
        other: client,
      });
    } finally {
      await endQuietly(client);
    }
  }
}
