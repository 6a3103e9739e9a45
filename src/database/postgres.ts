/** A `Connection` on the `pg` driver: TCP, TLS or a socket, with pipelining. */

import { homedir } from "node:os";
import type { ClientConfig, Client as PgClient, QueryResult } from "pg";
import { DatabaseError } from "../errors.ts";
import { delay, orAbort } from "../std/time.ts";
import type { Address } from "./address.ts";
import type {
  Blocker,
  Capabilities,
  Connection,
  Notice,
  Parameter,
  Result,
  Row,
  Server,
} from "./connection.ts";
import { connectionLost, databaseError } from "./failure.ts";
import { lookUpPassword } from "./pgpass.ts";
import { tlsAttempts } from "./tls.ts";

export interface OpenOptions {
  /** What the server shows in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly signal?: AbortSignal | undefined;
  /** `session` or `transaction` overrules what is found out about a pooler in between. */
  readonly pooling?: "session" | "transaction" | undefined;
}

/**
 * Opens one dedicated connection, trying the hosts of the address in order. Throws `DatabaseError`
 * (`DATABASE_UNREACHABLE`, `DATABASE_REFUSED_LOGIN`); never says the password.
 */
export async function openPostgres(address: Address, options: OpenOptions): Promise<Connection> {
  const connection = await PostgresConnection.open(address, options);
  try {
    await connection.identify();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

const SERVER_QUERY = `select current_setting('server_version_num')::int as version, current_database() as database,
  current_user as "user", pg_backend_pid() as "backendPid", r.rolsuper as superuser,
  pg_is_in_recovery() as "inRecovery"
  from pg_roles r where r.rolname = current_user`;

const BLOCKERS_QUERY = `select pid, usename as "user", application_name as "applicationName", state,
  (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "transactionAgeMs",
  left(query, 200) as query from pg_stat_activity where pid = any(pg_blocking_pids($1))`;

class PostgresConnection implements Connection {
  readonly lost: AbortSignal;
  readonly #client: PgClient;
  readonly #address: Address;
  readonly #options: OpenOptions;
  readonly #lost = new AbortController();
  #server: Server | undefined;
  #session = true;
  #closing = false;
  #observer: Promise<PgClient> | undefined;

  private constructor(client: PgClient, address: Address, options: OpenOptions) {
    this.lost = this.#lost.signal;
    this.#client = client;
    this.#address = address;
    this.#options = options;
    const gone = (cause?: unknown) => {
      if (!this.#lost.signal.aborted) this.#lost.abort(connectionLost(address.display, cause));
    };
    client.on("error", gone);
    client.on("end", () => gone());
    countStatements(client);
  }

  static async open(address: Address, options: OpenOptions): Promise<PostgresConnection> {
    return new PostgresConnection(await connect(address, options), address, options);
  }

  get capabilities(): Capabilities {
    return { session: this.#session, pipeline: this.#session, observer: true };
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

  async query<R extends Row = Row>(text: string, parameters: readonly Parameter[] = []): Promise<Result<R>> {
    const result = await this.#send(() => this.#client.query({ text, values: parameters as unknown[] }));
    return result as unknown as Result<R>;
  }

  async execute(text: string): Promise<readonly Result[]> {
    const result = (await this.#send(() => this.#client.query(text))) as unknown as
      | QueryResult
      | QueryResult[];
    return (Array.isArray(result) ? result : [result]) as unknown as Result[];
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    const forward = (notice: { severity?: string; message?: string; code?: string }) =>
      listener({
        severity: notice.severity ?? "NOTICE",
        message: notice.message ?? "",
        sqlState: notice.code,
      });
    this.#client.on("notice", forward as never);
    return () => this.#client.off("notice", forward as never);
  }

  async cancel(): Promise<void> {
    const observer = await this.#observe();
    await observer.query("select pg_cancel_backend($1)", [this.server.backendPid]);
  }

  async blockers(): Promise<readonly Blocker[]> {
    const observer = await this.#observe();
    return (await observer.query<Blocker>(BLOCKERS_QUERY, [this.server.backendPid])).rows;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const observer = this.#observer?.then(endQuietly, () => {});
    await Promise.all([endQuietly(this.#client), observer]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send<T>(query: () => Promise<T>): Promise<T> {
    if (this.lost.aborted) throw this.lost.reason;
    try {
      return await orAbort(query(), this.lost);
    } catch (error) {
      if (this.lost.aborted) throw this.lost.reason;
      const failure = databaseError(error, this.#address.display);
      if (failure.code === "DATABASE_CONNECTION_LOST") this.#lost.abort(failure);
      throw failure;
    }
  }

  #observe(): Promise<PgClient> {
    // Without the run's signal: it is after it has aborted that the statement is to be cancelled.
    this.#observer ??= connect(this.#address, {
      ...this.#options,
      signal: undefined,
      applicationName: `${this.#options.applicationName} (observer)`,
    }).then((client) => {
      client.on("error", () => {
        this.#observer = undefined;
      });
      return client;
    });
    this.#observer.catch(() => {
      this.#observer = undefined;
    });
    return this.#observer;
  }

  /**
   * In transaction mode a pooler gives a session away between two transactions. A second client that holds
   * a transaction open must then either get our very session, or push us to another one.
   */
  async #sharesSessions(): Promise<boolean> {
    const pid = "select pg_backend_pid() as pid";
    const other = await connect(this.#address, this.#options);
    other.on("error", () => {});
    try {
      await other.query("begin");
      const theirs = (await other.query<{ pid: number }>(pid)).rows[0]?.pid;
      if (theirs === this.server.backendPid) return true;
      const ours = (await this.query<{ pid: number }>(pid)).rows[0]?.pid;
      return ours !== this.server.backendPid;
    } finally {
      await endQuietly(other);
    }
  }
}

/** Tells each error how many statements of its message had succeeded: the driver forgets them. */
function countStatements(client: PgClient): void {
  const wire = (client as unknown as { connection: NodeJS.EventEmitter }).connection;
  let completed = 0;
  wire.on("commandComplete", () => completed++);
  wire.on("readyForQuery", () => {
    completed = 0;
  });
  wire.on("errorMessage", (message: { completed?: number }) => {
    message.completed = completed;
  });
}

async function connect(address: Address, options: OpenOptions): Promise<PgClient> {
  const { default: pg } = await loadPg();
  let first: DatabaseError | undefined;
  const homeFolder = homedir();
  for (const place of address.hosts) {
    const { host, port } = place;
    const password =
      address.password ?? (await lookUpPassword(address, { homeFolder, host: place })).password;
    for (const ssl of await tlsAttempts(address.tls, { host: place, homeFolder })) {
      const client = new pg.Client({
        host,
        port,
        user: address.user,
        password: password?.reveal() ?? "",
        database: address.database,
        ssl,
        pipeline: true,
        keepAlive: true,
        keepAliveInitialDelayMillis: 15_000,
        connectionTimeoutMillis: address.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        application_name: (address.applicationName ?? options.applicationName).slice(0, 63),
        options: address.options,
      } as unknown as ClientConfig);
      try {
        client.on("error", () => {});
        await (options.signal === undefined ? client.connect() : orAbort(client.connect(), options.signal));
        const refusal = await refuseSession(client, address);
        if (refusal === undefined) return client;
        first ??= refusal;
        await endQuietly(client);
        break;
      } catch (error) {
        void endQuietly(client);
        if (options.signal?.aborted) throw options.signal.reason;
        const failure = databaseError(error, address.display, { connecting: true });
        first ??= failure;
      }
    }
  }
  throw (
    first ?? new DatabaseError({ code: "DATABASE_UNREACHABLE", message: `${address.display} names no host.` })
  );
}

const CONNECT_TIMEOUT_MS = 15_000;

/** `target_session_attrs`: of several hosts, only one that fits is taken. */
async function refuseSession(
  client: PgClient,
  { targetSession, display }: Address,
): Promise<DatabaseError | undefined> {
  if (targetSession === "any" || targetSession === "prefer-standby") return undefined;
  const { rows } = await client.query<{ standby: boolean; readonly: string }>(
    "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as readonly",
  );
  const standby = rows[0]?.standby === true;
  const readOnly = standby || rows[0]?.readonly === "on";
  const fits = { "read-write": !readOnly, "read-only": readOnly, primary: !standby, standby }[targetSession];
  if (fits) return undefined;
  return new DatabaseError({
    code: "DATABASE_IN_RECOVERY",
    message: `No host of ${display} is ${targetSession}, which target_session_attrs asks for.`,
    hint: "Add the primary to the hosts of the URL, or wait until the failover is over.",
  });
}

/** `pg` looks for Cloudflare by making a `Response`, which loads undici: 14–20 ms and 8 MB for nothing. */
async function loadPg(): Promise<typeof import("pg")> {
  const holder = globalThis as { navigator?: { userAgent?: string } };
  holder.navigator ??= { userAgent: "Node.js" };
  return (await import("pg")) as unknown as typeof import("pg");
}

/** A dead peer never answers the good-bye: wait for a moment, then drop the socket. */
async function endQuietly(client: PgClient): Promise<void> {
  const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const timer = new AbortController();
  await Promise.race([client.end().catch(() => {}), delay(500, timer.signal).catch(() => {})]);
  timer.abort();
  stream.destroy();
}
