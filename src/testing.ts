/**
 * `godwit/testing`: a migrated database per test. The migrations run once, into a template; each test gets a copy of
 * it, which takes PostgreSQL a few hundredths of a second. An edited migration makes a new template.
 */
import { checkGiven, TEXT } from "./config/given.ts";
import { loadConfig } from "./config/load.ts";
import { identifier } from "./core/sql/quote.ts";
import { databaseName } from "./testing/leftovers.ts";
import { verify } from "./testing/server.ts";
import { copyTemplate } from "./testing/template.ts";
import { enterWorkshop } from "./testing/workshop.ts";

export interface TestDatabaseOptions {
  /** The folder of the migrations. */
  readonly dir: string;
  /**
   * A server on which the role may make databases: a URL or a `key=value` string, with or without a database, which is only
   * connected to. Default: `DATABASE_URL`, else the embedded PostgreSQL.
   */
  readonly databaseUrl?: string | undefined;
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** With user and password. */
  readonly url: string;
  /** Drops the database, whoever is still connected to it. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Any number at once, from any number of processes: each process makes its databases one after the other, by one
 * connection. What a killed process leaves behind is dropped by the next one. Throws what a run of these migrations would
 * throw.
 *
 * ```ts
 * await using database = await createTestDatabase({ dir: "migrations" });
 * const client = new pg.Client(database.url);
 * ```
 */
export async function createTestDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const program = "createTestDatabase";
  checkGiven(options, { name: program, keys: { dir: TEXT, databaseUrl: TEXT }, required: ["dir"] });
  const config = await loadConfig({ flags: { ...options }, program, file: false });
  const workshop = await enterWorkshop(config);
  const name = databaseName(workshop.token);
  const url = workshop.urlOf(name);
  const drop = `drop database if exists ${identifier(name)} with (force)`;
  try {
    await workshop.use(async (connection, { first }) => {
      await copyTemplate(connection, { config, workshop, name });
      if (!first) return;
      await verify(config, url, name).catch(async (error: unknown) => {
        await connection.execute(drop);
        throw error;
      });
    });
  } catch (error) {
    await workshop.leave();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const end = async () => {
    try {
      await workshop.use((connection) => connection.execute(drop));
    } finally {
      await workshop.leave();
    }
  };
  const close = () => {
    closing ??= end();
    return closing;
  };
  return { name, url, close, [Symbol.asyncDispose]: close };
}
