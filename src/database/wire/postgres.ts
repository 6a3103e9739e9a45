/** A `Connection` on the `pg` driver: TCP, TLS or a socket, with pipelining. */

import { setMaxListeners } from "node:events";
import type { Socket } from "node:net";
import type { Client as PgClient } from "pg";
import { hideLiterals } from "../../core/sql/secrets.ts";
import type { DatabaseError } from "../../errors.ts";
import type { Address } from "../address/address.ts";
import { looksPooled } from "../address/pooling.ts";
import type {
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
import { quotesOf } from "../private-data.ts";
import { type KindRow, kindsOf } from "../values/kinds.ts";
import type { Encoded, ParameterKind } from "../values/parameters.ts";
import type { RawResult } from "../values/rows.ts";
import { connectionLost, databaseError } from "./failure.ts";
import { Heartbeat, type Sign } from "./heartbeat.ts";
import { connect, endQuietly, type Link, requestCancel } from "./link.ts";
import type { TypeParser } from "./script-query.ts";
import { SERVER_QUERY } from "./server-query.ts";
import { sharesSessions } from "./sharing.ts";
import { stopWith } from "./stopping.ts";

export interface OpenOptions {
  /** What the server shows in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Ends the attempt to connect, and later what the connection waits for. */
  readonly signal?: AbortSignal | undefined;
  /** `session` or `transaction` overrules what is found out about a pooler in between. */
  readonly pooling?: "session" | "transaction" | undefined;
  /** How long a statement may be in flight without a sign of life before somebody asks; default 15 s. */
  readonly heartbeatMs?: number | undefined;
  /** While nothing is asked of it, it does not keep the process alive. */
  readonly background?: boolean | undefined;
}

const HEARTBEAT_MS = 15_000;

/**
 * Opens one dedicated connection, trying the hosts of the address in order. Throws `DatabaseError`
 * (`DATABASE_UNREACHABLE`, `DATABASE_REFUSED_LOGIN`); never says the password.
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

const BLOCKERS = `select pid, usename as "user", application_name as "applicationName", state,
  (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "transactionAgeMs",
  left(query, 200) as query from pg_stat_activity`;
const BLOCKERS_OF_PID = `${BLOCKERS} where pid = any(pg_blocking_pids($1))`;
/** Behind a pooler our process id changes; the name that every transaction of ours sets does not. */
const BLOCKERS_OF_NAME = `${BLOCKERS} where pid in (
  select unnest(pg_blocking_pids(pid)) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock')`;

const STATE_QUERY = `select state, (extract(epoch from clock_timestamp() - state_change) * 1000)::float8 as "forMs"
  from pg_stat_activity where pid = $1`;

/** What the driver makes of an answer whose values nobody reads. */
interface RawAnswer {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rowCount?: number | null;
  readonly command?: string | null;
}

const AS_TEXT = { getTypeParser: () => (text: string) => text };

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
  #observer: Promise<PgClient> | undefined;
  /** Of the statements in flight, when each was sent. */
  readonly #sent = new Set<{ readonly at: number; readonly listen: (said: string) => void }>();
  #inFlight = 0;
  /** What the server takes our bytes for, by its last word. */
  #encoding = UTF8;

  private constructor(link: Link, address: Address, options: OpenOptions) {
    this.lost = this.#lost.signal;
    // Every step under way listens for it.
    setMaxListeners(0, this.lost);
    this.#link = link;
    this.#client = link.client;
    this.#address = address;
    this.#options = options;
    link.client.on("error", (cause) => this.#gone(connectionLost(address.display, cause)));
    link.client.on("end", () => this.#gone(connectionLost(address.display)));
    wireOf(link.client).on("parameterStatus", ({ parameterName, parameterValue }) => {
      if (parameterName === "client_encoding") this.#encoding = parameterValue;
    });
    // TLS puts its own in the place of the first.
    const stream = () => streamOf(link.client);
    this.#heartbeat = new Heartbeat({
      intervalMs: options.heartbeatMs ?? HEARTBEAT_MS,
      progress: () => `${stream().bytesRead} ${stream().bytesWritten - stream().writableLength}`,
      ask: (quietMs) => this.#look(quietMs),
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
    return { session: this.#session, pipeline: this.#session, observer: true };
  }

  get pooler(): string | undefined {
    if (this.#session) return undefined;
    return looksPooled(this.#address)?.advice ?? "Use the direct URL of the database itself.";
  }

  get server(): Server {
    if (this.#server === undefined) throw new Error("The connection has not been identified.");
    return this.#server;
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

  /** Lets the process end, where it is one for the background and nothing is in flight. */
  rest(): void {
    if (this.#options.background === true && this.#inFlight === 0) refOf(this.#client).unref();
  }

  async query<R extends Row = Row>(text: string, parameters: readonly Parameter[] = []): Promise<Result<R>> {
    // Said explicitly, because without parameters the driver would take the protocol that allows several statements.
    const config = { text, values: parameters as unknown[], queryMode: "extended" };
    const result = await this.#send(text, () => this.#client.query(config));
    return result as unknown as Result<R>;
  }

  async ask(text: string, parameters: readonly Encoded[]): Promise<RawResult> {
    const asked = { text, values: [...parameters], rowMode: "array", queryMode: "extended", types: AS_TEXT };
    const result = await this.#send(text, () => this.#client.query(asked as never));
    const { fields, rows, rowCount, command } = result as unknown as RawAnswer;
    return {
      fields: fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID })),
      rows,
      rowCount: rowCount ?? null,
      command: command ?? "",
    };
  }

  async parameterKinds(text: string): Promise<readonly ParameterKind[]> {
    const typeIds = await this.#send(
      text,
      () =>
        new Promise<readonly number[]>((resolve, reject) => {
          const settle = (error: unknown, ids: readonly number[]) =>
            error === null ? resolve(ids) : reject(error);
          this.#client.query(new this.#link.DescribeQuery(text, settle) as never);
        }),
    );
    return kindsOf(typeIds, this.#kinds, async (lookup, unknown) => {
      const { rows } = await this.query<KindRow>(lookup, [unknown]);
      return rows;
    });
  }

  async execute(text: string, options?: ExecuteOptions): Promise<readonly Result[]> {
    return this.#send(
      text,
      () =>
        new Promise<readonly Result[]>((resolve, reject) => {
          const parserOf = ({ dataTypeID, format }: { dataTypeID: number; format: "text" | "binary" }) =>
            this.#client.getTypeParser(dataTypeID, format) as TypeParser;
          const settle = (error: unknown, results: readonly Result[]) =>
            error === null ? resolve(results) : reject(error);
          this.#client.query(new this.#link.ScriptQuery(text, parserOf, settle, options) as never);
        }),
    );
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    const forward = (notice: { severity?: string; message?: string; code?: string; routine?: string }) => {
      for (const { listen } of this.#sent) listen(notice.message ?? "");
      listener({
        severity: notice.severity ?? "NOTICE",
        message: notice.message ?? "",
        sqlState: notice.code,
        routine: notice.routine,
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
    const observer = await this.#observe();
    const [text, key] = this.#session
      ? [BLOCKERS_OF_PID, this.server.backendPid]
      : [BLOCKERS_OF_NAME, this.#options.applicationName];
    const { rows } = await observer.query<Blocker>(text, [key]);
    // What others run may hold anything, and is read by people and machines.
    return rows.map((row) => ({ ...row, query: hideLiterals(row.query) }));
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const observer = this.#observer?.then(endQuietly, () => {});
    // A dead connection hears no good-bye.
    if (this.lost.aborted) streamOf(this.#client).destroy();
    await Promise.all([this.lost.aborted ? undefined : endQuietly(this.#client), observer]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send<T>(text: string, query: () => Promise<T>): Promise<T> {
    if (this.lost.aborted) throw this.lost.reason;
    const sent = { at: performance.now(), listen: quotesOf(text) };
    this.#sent.add(sent);
    try {
      if (this.#inFlight++ === 0 && this.#options.background === true) refOf(this.#client).ref();
      this.#gather();
      this.#speakUtf8();
      return await this.#heartbeat.during(query());
    } catch (error) {
      if (this.lost.aborted) throw this.lost.reason;
      const failure = databaseError(error, this.#address.display, { sent: text });
      if (failure.code === "DATABASE_CONNECTION_LOST") this.#gone(failure);
      throw failure;
    } finally {
      this.#sent.delete(sent);
      this.#inFlight--;
      this.rest();
    }
  }

  /**
   * The driver writes and reads UTF-8 and nothing else: in another client encoding, which SQL of a migration may have
   * set, the server would take each accent for two characters and store them. In a transaction that has failed
   * nothing can be set, and nothing is stored.
   */
  #speakUtf8(): void {
    if (this.#encoding === UTF8) return;
    // Until the server says otherwise again: what is sent meanwhile waits behind this.
    this.#encoding = UTF8;
    this.#client.query(
      new this.#link.ScriptQuery(
        SPEAK_UTF8,
        () => String,
        () => {},
        { rows: "discard" },
      ) as never,
    );
  }

  /** Without its socket the driver rejects all that is in flight. */
  #gone(reason: DatabaseError): void {
    if (this.lost.aborted) return;
    this.#lost.abort(reason);
    streamOf(this.#client).destroy();
  }

  /** Messages that are sent in one go leave in one packet. */
  #gather(): void {
    const stream = streamOf(this.#client);
    if (stream.writableCorked > 0) return;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  #observe(): Promise<PgClient> {
    if (this.#observer !== undefined) return this.#observer;
    const forget = () => {
      if (this.#observer === observer) this.#observer = undefined;
    };
    const observer = connect(this.#address, {
      applicationName: `${this.#options.applicationName} (observer)`,
      signal: this.#closing.signal,
    }).then(({ client }) => {
      client.on("error", forget);
      client.on("end", forget);
      return client;
    });
    observer.catch(forget);
    this.#observer = observer;
    return observer;
  }

  /** What a second connection says of the first. */
  async #look(quietMs: number): Promise<Sign> {
    const asked = this.#observe();
    const unheard = setTimeout(() => {
      // It hangs as well: the next look needs another one.
      if (this.#observer === asked) this.#observer = undefined;
      asked.then(endQuietly, () => {});
    }, quietMs);
    try {
      const observer = await asked;
      // Behind a pooler only that somebody answers can be found out, and a login is enough for that.
      if (!this.#session || this.#server === undefined) return "alive";
      const { rows } = await observer.query<{ state: string | null; forMs: number }>(STATE_QUERY, [
        this.#server.backendPid,
      ]);
      const [row] = rows;
      if (row === undefined) return "gone";
      return row.state?.startsWith("idle") && row.forMs > quietMs ? "idle" : "alive";
    } catch (error) {
      // Whoever refuses is alive.
      return databaseError(error, "").sqlState === undefined ? "unheard" : "alive";
    } finally {
      clearTimeout(unheard);
    }
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

/** Two methods of the driver that its types do not have. */
function refOf(client: PgClient): { ref(): void; unref(): void } {
  return client as unknown as { ref(): void; unref(): void };
}

interface Wire {
  readonly stream: Socket;
  on(event: "parameterStatus", listener: (status: Status) => void): void;
}

interface Status {
  readonly parameterName: string;
  readonly parameterValue: string;
}

function wireOf(client: PgClient): Wire {
  return (client as unknown as { connection: Wire }).connection;
}

function streamOf(client: PgClient): Socket {
  return wireOf(client).stream;
}
