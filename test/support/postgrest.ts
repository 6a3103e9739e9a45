/**
 * A stand-in for Supabase's API: the gateway that knows keys, and PostgREST's way of calling functions, before a real PostgreSQL.
 * `postgrest.test.ts` lets PostgREST's own client make the calls that Godwit makes.
 */
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { functionSql } from "../../src/database/rpc/exec-sql.ts";
import { asSecret, canary } from "./canaries.ts";
import type { TestDatabase } from "./database.ts";

/** What becomes of a request that is lost. `late` has its effect when the promise resolves. */
export type Fault = "before" | "after" | "html" | { readonly late: Promise<unknown> } | undefined;

export interface PostgrestOptions {
  readonly tls?: { readonly cert: Buffer | string; readonly key: Buffer | string };
  /** After this the gateway gives up, and the database goes on. */
  readonly limitMs?: number;
  /** Asked of each request, with its number from 1. */
  readonly fault?: (body: string, number: number) => Fault;
}

export interface Postgrest extends AsyncDisposable {
  /** The project's URL. */
  readonly url: string;
  /** By kind: a legacy key (a JWT) for a role, and a new secret key. */
  readonly keys: { readonly service: string; readonly anon: string; readonly secret: string };
  readonly requests: {
    readonly body: string;
    readonly headers: IncomingMessage["headers"];
    status: number | null;
  }[];
  /** For the command. */
  readonly env: Readonly<Record<string, string>>;
  fault: PostgrestOptions["fault"];
  /** Resolves when it has read the schema again, as it does when the channel is notified. */
  reloaded(): Promise<void>;
  /** Resolves when nothing is in flight any more, also what nobody waits for. */
  settled(): Promise<void>;
}

const ROLES = `do $$ declare r text; begin
  perform pg_advisory_lock(20261127);
  foreach r in array array['anon nologin', 'authenticated nologin', 'service_role nologin bypassrls', 'authenticator login noinherit'] loop
    if not exists (select from pg_roles where rolname = split_part(r, ' ', 1)) then execute 'create role ' || r; end if;
  end loop;
  grant anon, authenticated, service_role to authenticator;
  perform pg_advisory_unlock(20261127); end $$`;

/** The database behind it. */
export type Behind = Pick<TestDatabase, "admin" | "name" | "port">;

/** What the owner of a project does once: Supabase's roles are there already, and its function is made. */
export async function installFunction(
  db: Pick<TestDatabase, "admin" | "sql">,
  text = functionSql(),
): Promise<void> {
  await db.admin(ROLES);
  await db.sql(text);
}

export async function startPostgrest(db: Behind, options: PostgrestOptions = {}): Promise<Postgrest> {
  await db.admin(ROLES);
  await db.admin("grant usage on schema public to anon, authenticated, service_role");
  const url = `postgres://authenticator@127.0.0.1:${db.port}/${db.name}`;
  const pool = new pg.Pool({ connectionString: url, max: 10, application_name: "postgrest" });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const jwtSecret = canary("the secret of Supabase's tokens");
  const keys = {
    service: asSecret("the service role's key", signed({ role: "service_role", iss: "supabase" }, jwtSecret)),
    anon: signed({ role: "anon", iss: "supabase" }, jwtSecret),
    secret: asSecret("the new secret key", `sb_secret_${randomBytes(16).toString("hex")}`),
  };
  const cache = await schemaCache(url);
  const inFlight = new Set<Promise<unknown>>();
  const requests: Postgrest["requests"] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request);
    const seen: Postgrest["requests"][number] = { body, headers: request.headers, status: null };
    requests.push(seen);
    const reply = (status: number, said: unknown) => {
      seen.status = status;
      if (response.destroyed || response.headersSent) return;
      response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
      response.end(status === 204 ? undefined : JSON.stringify(said));
    };
    const fault = api.fault?.(body, requests.length);
    if (fault === "before") return void request.socket.destroy();
    if (fault === "html") {
      response.writeHead(502, { "content-type": "text/html" });
      return void response.end("<html><body><h1>502 Bad Gateway</h1></body></html>");
    }
    if (typeof fault === "object") {
      request.socket.destroy();
      await fault.late;
    }
    const refused = gateway(request, keys);
    if (refused !== null) return reply(401, refused);
    const role = roleOf(request, { keys, jwtSecret });
    if (typeof role !== "string") return reply(401, role);
    const name = /^\/rest\/v1\/rpc\/(\w+)$/.exec(request.url?.split("?")[0] ?? "")?.[1];
    if (name === undefined) return reply(404, apiError("PGRST125", "Invalid path specified in request URL"));
    // biome-ignore lint/plugin: the gateway's time limit is a part of what this stands for
    const limit = setTimeout(() => {
      if (response.headersSent || response.destroyed) return;
      seen.status = 504;
      response.writeHead(504, { "content-type": "text/plain" });
      response.end("upstream request timeout");
    }, options.limitMs ?? 60_000);
    const [status, said] = await call(pool, {
      name,
      body,
      role,
      method: request.method ?? "POST",
      cache,
    }).finally(() => clearTimeout(limit));
    if (fault === "after") return void request.socket.destroy();
    reply(status, said);
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const work = answer(request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error));
    });
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  };
  const server = options.tls === undefined ? createHttp(listener) : createHttps(options.tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const base = options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const api: Postgrest = {
    url: base,
    keys,
    requests,
    env: { NEXT_PUBLIC_SUPABASE_URL: base, SUPABASE_SERVICE_ROLE_KEY: keys.service },
    fault: options.fault,
    reloaded: () => cache.load(),
    async settled() {
      while (inFlight.size > 0) await Promise.allSettled(inFlight);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await api.settled();
      await pool.end();
      await cache.close();
    },
  };
  return api;
}

function signed(claims: object, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

const apiError = (
  code: string,
  message: string,
  details: string | null = null,
  hint: string | null = null,
) => ({
  code,
  details,
  hint,
  message,
});

/** What stands in front of PostgREST: it knows the project's keys. */
function gateway({ headers }: IncomingMessage, keys: Postgrest["keys"]): object | null {
  const { apikey } = headers;
  if (apikey === undefined)
    return {
      message: "No API key found in request",
      hint: "No `apikey` request header or url param was found.",
    };
  if (!Object.values(keys).includes(String(apikey)))
    return {
      message: "Invalid API key",
      hint: "Double check your Supabase `anon` or `service_role` API key.",
    };
  if (apikey === keys.secret && /Mozilla/.test(headers["user-agent"] ?? ""))
    return {
      message: "Forbidden use of secret API key in browser",
      hint: "Secret API keys can only be used server-side.",
    };
  return null;
}

/** The role that PostgREST takes: that of the token, which the gateway makes of a secret key. */
function roleOf(
  { headers }: IncomingMessage,
  { keys, jwtSecret }: { keys: Postgrest["keys"]; jwtSecret: string },
): string | object {
  const [, token] = /^Bearer (.*)$/i.exec(headers.authorization ?? "") ?? [];
  if (headers.apikey === keys.secret && (token === undefined || token === keys.secret)) return "service_role";
  if (token === undefined) return "anon";
  const [head = "", payload = "", signature] = token.split(".");
  if (signature === undefined) return apiError("PGRST301", "Expected 3 parts in JWT; got 1");
  const right = createHmac("sha256", jwtSecret).update(`${head}.${payload}`).digest("base64url");
  if (signature !== right) return apiError("PGRST301", "No suitable key or wrong key type");
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")).role ?? "anon";
}

interface Callable {
  readonly takes: readonly string[];
  readonly types: readonly string[];
  readonly volatile: boolean;
  readonly timeout: string | null;
}

interface Cache {
  readonly functions: ReadonlyMap<string, readonly Callable[]>;
  load(): Promise<void>;
  close(): Promise<void>;
}

/** Read at the start, and again when somebody notifies the channel `pgrst`. */
async function schemaCache(url: string): Promise<Cache> {
  const client = new pg.Client({ connectionString: url, application_name: "postgrest" });
  client.on("error", () => {});
  await client.connect();
  const functions = new Map<string, Callable[]>();
  const load = async () => {
    const { rows } = await client.query(`select proname as name, coalesce(proargnames, '{}') as takes,
      array(select format_type(t, null) from unnest(proargtypes) t) as types, provolatile = 'v' as volatile,
      (select split_part(s, '=', 2) from unnest(proconfig) s where s like 'statement_timeout=%') as timeout
      from pg_proc where pronamespace = 'public'::regnamespace`);
    functions.clear();
    for (const { name, ...rest } of rows) functions.set(name, [...(functions.get(name) ?? []), rest]);
  };
  await load();
  client.on("notification", ({ payload }) => {
    if (payload === "reload schema" || payload === "") void load().catch(() => {});
  });
  await client.query("listen pgrst");
  return { functions, load, close: () => client.end() };
}

interface Call {
  readonly name: string;
  readonly body: string;
  readonly role: string;
  readonly method: string;
  readonly cache: Cache;
}

/** One request is one transaction. */
async function call(pool: pg.Pool, { name, body, role, method, cache }: Call): Promise<[number, unknown]> {
  let given: Record<string, unknown>;
  try {
    given = body === "" ? {} : JSON.parse(body);
  } catch {
    return [400, apiError("PGRST102", "Empty or invalid json")];
  }
  const names = Object.keys(given).sort();
  const found = cache.functions.get(name)?.find(({ takes }) => [...takes].sort().join() === names.join());
  if (found === undefined) {
    const what = `public.${name}${names.length === 0 ? " without parameters" : `(${names.join(", ")})`}`;
    const details = `Searched for the function ${what} in the schema cache, but no matches were found.`;
    return [404, apiError("PGRST202", `Could not find the function ${what} in the schema cache`, details)];
  }
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    return [503, apiError("PGRST000", "Database connection error. Retrying the connection.", String(error))];
  }
  const writes = method === "POST" && found.volatile;
  let broken: Error | undefined;
  try {
    await client.query(`begin isolation level read committed read ${writes ? "write" : "only"}`);
    await client.query(
      "select set_config('search_path', 'public, extensions', true), set_config('role', $1, true)",
      [role],
    );
    await client.query("select set_config('request.method', $1, true)", [method]);
    if (found.timeout !== null)
      await client.query("select set_config('statement_timeout', $1, true)", [
        found.timeout.replaceAll('"', ""),
      ]);
    const args = found.takes.map((take, index) => `"${take}" => $${index + 1}::${found.types[index]}`);
    const values = found.takes.map((take) =>
      typeof given[take] === "object" ? JSON.stringify(given[take]) : given[take],
    );
    const { rows } = await client.query(`select public."${name}"(${args.join(", ")}) as result`, values);
    await client.query("commit");
    const [{ result } = { result: null }] = rows;
    return [200, result];
  } catch (error) {
    await client.query("rollback").catch((cause) => {
      broken = cause;
    });
    const { code, message, detail, hint } = error as {
      code?: string;
      message: string;
      detail?: string;
      hint?: string;
    };
    if (code === undefined)
      return [503, apiError("PGRST001", "Database client error. Retrying the connection.", message)];
    return [statusOf(code, role), apiError(code, message, detail ?? null, hint ?? null)];
  } finally {
    client.release(broken);
  }
}

const STATUSES: readonly [RegExp, number][] = [
  [/^(23503|23505)$/, 409],
  [/^25006$/, 405],
  [/^(42883|42P01)$/, 404],
  [/^42P17$/, 500],
  [/^P0001$/, 400],
  [/^(08|53|57P01)/, 503],
  [/^(0L|0P|28)/, 403],
  [/^(09|25|2D|38|39|3B|40|54|55|57|58|F0|HV|P0|XX)/, 500],
];

function statusOf(code: string, role: string): number {
  if (code === "42501") return role === "anon" ? 401 : 403;
  const own = /^PT(\d{3})$/.exec(code)?.[1];
  return own === undefined ? (STATUSES.find(([pattern]) => pattern.test(code))?.[1] ?? 400) : Number(own);
}
