/**
 * One link to one server: which host, with which TLS, and how to ask from outside that a statement be
 * cancelled. Several ways may be tried; of all failures the one that tells most is thrown.
 */
import type { ClientConfig, Client as PgClient } from "pg";
import { DatabaseError } from "../../errors.ts";
import { homeFolder } from "../../std/home-folder.ts";
import { delay, orAbort, timeLimit } from "../../std/time.ts";
import type { Address, Host } from "../address/address.ts";
import { lookUpPassword } from "../address/pgpass.ts";
import { type DescribeQueryClass, describeQueryClass } from "./describe-query.ts";
import { databaseError } from "./failure.ts";
import { type ScriptQueryClass, scriptQueryClass } from "./script-query.ts";
import { type TlsAttempt, tlsAttempts } from "./tls.ts";

export interface LinkOptions {
  readonly applicationName: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Link {
  readonly client: PgClient;
  readonly place: Host;
  readonly ssl: TlsAttempt;
  readonly sslNegotiation: "postgres" | "direct";
  readonly ScriptQuery: ScriptQueryClass;
  readonly DescribeQuery: DescribeQueryClass;
}

/** Tries the hosts in order. Throws `DatabaseError`, or the reason of the signal. */
export async function connect(address: Address, options: LinkOptions): Promise<Link> {
  const { default: pg } = await loadPg();
  const home = homeFolder();
  let telling: DatabaseError | undefined;
  for (const place of address.hosts) {
    const password =
      address.password ?? (await lookUpPassword(address, { homeFolder: home, host: place })).password;
    let here: DatabaseError | undefined;
    for (const ssl of await tlsAttempts(address.tls, { host: place, homeFolder: home })) {
      const client = new pg.Client({
        host: place.host,
        port: place.port,
        user: address.user,
        // As a function: in the place of an empty one the driver would offer PGPASSWORD, which may be another target's.
        password: () => password?.reveal(),
        database: address.database,
        ssl,
        sslnegotiation: ssl === false ? "postgres" : address.tls.negotiation,
        pipeline: true,
        keepAlive: true,
        keepAliveInitialDelayMillis: 15_000,
        connectionTimeoutMillis: timeoutOf(address),
        // The server shows a `?` for anything else.
        application_name: (address.applicationName ?? options.applicationName)
          .replace(/[^ -~]/gu, "?")
          .slice(0, 63),
        options: address.options,
      } as unknown as ClientConfig);
      forgetEnvironment(client, address);
      client.on("error", () => {});
      try {
        await (options.signal === undefined ? client.connect() : orAbort(client.connect(), options.signal));
        here = await refuseSession(client, address);
        if (here === undefined)
          return {
            client,
            place,
            ssl,
            sslNegotiation: address.tls.negotiation,
            ScriptQuery: scriptQueryClass(pg.Query as never),
            DescribeQuery: describeQueryClass(pg.Query as never),
          };
        await endQuietly(client);
        break;
      } catch (error) {
        void endQuietly(client);
        if (options.signal?.aborted) throw options.signal.reason;
        const failure = databaseError(timeoutNamed(error, address), address.display, { connecting: true });
        if (here === undefined || tells(failure) >= tells(here)) here = failure;
        // Nobody there: the other way would only wait for the same again.
        if (failure.code === "DATABASE_UNREACHABLE" && failure.sqlState === undefined) break;
      }
    }
    if (telling === undefined || (here !== undefined && tells(here) > tells(telling))) telling = here;
  }
  throw telling ?? new Error("The address names no host.");
}

/**
 * PostgreSQL's own cancel request: it needs no login, it counts against no connection limit, and a pooler
 * passes it on to the session that is working for this link at that moment. A process id would not do there: by
 * then it may be working for somebody else.
 */
export async function requestCancel(link: Link): Promise<void> {
  const { client, place, ssl, sslNegotiation } = link;
  const { default: pg } = await loadPg();
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const { Connection } = pg as unknown as { Connection: new (config: object) => CancelWire };
  const request = new Connection({ ssl, sslNegotiation });
  const timer = new AbortController();
  try {
    const delivered = new Promise<void>((resolve, reject) => {
      request.on("error", reject);
      request.on("end", resolve);
      request.on("connect", () => {
        if (!ssl) request.cancel(processID, secretKey);
        else if (sslNegotiation !== "direct") request.requestSsl();
      });
      request.on("sslconnect", () => request.cancel(processID, secretKey));
    });
    if (place.host.startsWith("/")) request.connect(`${place.host}/.s.PGSQL.${place.port}`);
    else request.connect(place.port, place.host);
    await Promise.race([delivered, delay(CANCEL_TIMEOUT_MS, timer.signal)]);
  } finally {
    timer.abort();
    request.stream.destroy();
  }
}

interface CancelWire extends NodeJS.EventEmitter {
  readonly stream: { destroy(): void };
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

const CANCEL_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 15_000;

/** A dead peer never answers the good-bye: wait for a moment, then drop the socket. */
export async function endQuietly(client: PgClient): Promise<void> {
  const stream = (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
  const timer = new AbortController();
  await Promise.race([client.end().catch(() => {}), delay(500, timer.signal).catch(() => {})]);
  timer.abort();
  stream.destroy();
}

/** `pg` looks for Cloudflare by making a `Response`, which loads undici: 14–20 ms and 8 MB for nothing. */
export async function loadPg(): Promise<typeof import("pg")> {
  const holder = globalThis as { navigator?: { userAgent?: string } };
  // What Node 21 and later have by themselves; the driver looks at it with every connection.
  holder.navigator ??= { userAgent: "Node.js" };
  return (await import("pg")) as unknown as typeof import("pg");
}

/** What the driver was not given it reads from the process; what of that counts is in the address already. */
function forgetEnvironment(client: PgClient, { options }: Address): void {
  const { connectionParameters } = client as unknown as {
    connectionParameters: Record<"options" | "replication", string | undefined>;
  };
  connectionParameters.options = options;
  connectionParameters.replication = undefined;
}

/** A wrong password tells more than that the server wants TLS, and that more than silence. */
function tells({ sqlState }: DatabaseError): number {
  return sqlState === INVALID_PASSWORD ? 2 : sqlState === undefined ? 0 : 1;
}

const INVALID_PASSWORD = "28P01";

function timeoutNamed(error: unknown, address: Address): unknown {
  if (!(error instanceof Error) || error.message !== "timeout expired") return error;
  return new Error(`no answer within ${timeoutOf(address) / 1000} s (connect_timeout)`, { cause: error });
}

function timeoutOf(address: Address): number {
  return address.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
}

/** `target_session_attrs`: of several hosts, only one that fits is taken. */
async function refuseSession(client: PgClient, address: Address): Promise<DatabaseError | undefined> {
  const { targetSession, display } = address;
  if (targetSession === "any" || targetSession === "prefer-standby") return undefined;
  const limitMs = timeoutOf(address) || CONNECT_TIMEOUT_MS;
  using limit = timeLimit(limitMs);
  const { rows } = await orAbort(
    client.query<{ standby: boolean; readonly: string }>(
      "select pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('transaction_read_only') as readonly",
    ),
    limit.signal,
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
