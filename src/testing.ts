/**
 * `godwit/testing`: a migrated database per test. The migrations run once, into a template; each test gets a copy of
 * it, which takes PostgreSQL a few hundredths of a second. An edited migration makes a new template.
 */
import { createHash, randomBytes } from "node:crypto";
import { assemble, createContext, withSource } from "./assemble.ts";
import type { Config } from "./config/config.ts";
import { loadConfig } from "./config/load.ts";
import { PHASES } from "./core/migration.ts";
import { identifier, literal } from "./core/sql/quote.ts";
import type { Connection } from "./database/connection.ts";
import { ConfigError } from "./errors.ts";
import { migrate } from "./run/migrate.ts";

export interface TestDatabaseOptions {
  /** The folder of the migrations. */
  readonly dir: string;
  /** A server on which databases may be made. Default: `DATABASE_URL`, else the embedded PostgreSQL. */
  readonly databaseUrl?: string;
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** With user and password. */
  readonly url: string;
  /** Drops the database, whoever is still connected to it. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Throws what a run of these migrations would throw.
 *
 * ```ts
 * await using database = await createTestDatabase({ dir: "migrations" });
 * const client = new pg.Client(database.url);
 * ```
 */
export async function createTestDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const config = await loadConfig({ flags: { ...options }, file: false });
  const server = await openServer(config);
  try {
    const name = `godwit_test_${process.pid}_${randomBytes(5).toString("hex")}`;
    await using connection = await server.connect();
    const template = await templateFor(config, server, connection);
    await connection.execute(`create database ${identifier(name)} template ${identifier(template)}`);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= drop(server, name);
      return closing;
    };
    return { name, url: server.urlOf(name), close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await server.close();
    throw error;
  }
}

interface Server {
  /** To the database that the configuration names, where others are made from. */
  readonly connect: () => Promise<Connection>;
  readonly urlOf: (database: string) => string;
  readonly close: () => Promise<void>;
}

async function openServer(config: Config): Promise<Server> {
  const url = config.values.databaseUrl;
  if (url === null) {
    const { openEmbedded } = await import("./database/embedded.ts");
    // The server's own session does not keep a process alive, and while it is being opened nothing else does.
    const alive = setInterval(() => {}, 60_000);
    const folder = `${config.root}/.godwit`;
    const embedded = await openEmbedded({ folder, environment: config.environment, log: () => {} }).finally(
      () => clearInterval(alive),
    );
    return serverAt(config, embedded.url, () => embedded.close());
  }
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new ConfigError({
      code: "URL_INVALID",
      message: "createTestDatabase needs a URL, so that it can put another database's name into it.",
      hint: "Write postgres://user:password@host:5432/postgres.",
    });
  return serverAt(config, url, () => Promise.resolve());
}

function serverAt(config: Config, url: string, close: () => Promise<void>): Server {
  return {
    close,
    urlOf: (database) => url.replace(/^(\w+:\/\/[^/]*)\/?[^?]*/, `$1/${encodeURIComponent(database)}`),
    async connect() {
      const { target } = await assemble(atUrl(config, url), { say: () => {} });
      return target.open({ applicationName: "godwit testing", signal: new AbortController().signal });
    },
  };
}

/** Made under a lock, and under its final name only when it is complete. */
async function templateFor(config: Config, server: Server, connection: Connection): Promise<string> {
  const prefix = `godwit_template_${hash(config.folder).slice(0, 8)}_`;
  const { migrations } = await withSource(config, {}, (source) => source.list());
  const content = migrations.map(({ id, checksum, phase }) => `${id} ${checksum} ${phase}`);
  const name = `${prefix}${hash(content.join("\n")).slice(0, 16)}`;
  const exists = async (sql: string) => (await connection.query(sql)).rows.length > 0;
  const present = `select from pg_database where datname = ${literal(name)}`;
  if (await exists(present)) return name;
  const key = BigInt.asIntN(64, BigInt(`0x${hash(prefix).slice(0, 16)}`));
  await connection.execute(`select pg_advisory_lock(${key})`);
  try {
    if (await exists(present)) return name;
    const draft = `${name}_draft`;
    await connection.execute(`drop database if exists ${identifier(draft)} with (force)`);
    await connection.execute(`create database ${identifier(draft)}`);
    await fill(config, server.urlOf(draft));
    await connection.execute(`alter database ${identifier(draft)} rename to ${identifier(name)}`);
    await dropOlder(connection, prefix, name);
    return name;
  } finally {
    await connection.execute(`select pg_advisory_unlock(${key})`);
  }
}

async function fill(config: Config, url: string): Promise<void> {
  await using assembled = await assemble(atUrl(config, url), { say: () => {} });
  const signal = new AbortController().signal;
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  const context = createContext(config, { observe: () => {}, signal });
  await migrate(assembled.target, { goal, failure: "stop", outOfOrder: false }, context);
}

/** Templates of the same folder before it was edited. One that is being copied stays until the next time. */
async function dropOlder(connection: Connection, prefix: string, name: string): Promise<void> {
  const { rows } = await connection.query<{ datname: string }>(
    `select datname from pg_database where starts_with(datname, ${literal(prefix)}) and datname <> ${literal(name)}`,
  );
  for (const { datname } of rows)
    await connection.execute(`drop database if exists ${identifier(datname)}`).catch(() => {});
}

async function drop(server: Server, name: string): Promise<void> {
  try {
    await using connection = await server.connect();
    await connection.execute(`drop database if exists ${identifier(name)} with (force)`);
  } finally {
    await server.close();
  }
}

function atUrl(config: Config, url: string): Config {
  return { ...config, values: { ...config.values, databaseUrl: url } };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
