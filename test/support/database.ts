/** `import { test, expect } from "./database.ts"`: every test that asks for `db` has a database of its own. */
import pg from "pg";
import { test as base, inject } from "vitest";
import { canary } from "./canaries.ts";
import { OWNER, TEMPLATE } from "./global.ts";
import { expectNoSecretsInLedgers } from "./ledger-secrets.ts";
import { leftAfter } from "./until.ts";

export { expect } from "vitest";

/** The ledger's schema in this pass of the suite. */
export const ledgerSchema = process.env.GODWIT_TEST_SCHEMA ?? "godwit";

export interface TestDatabase {
  readonly name: string;
  readonly port: number;
  /** As the owner, who is neither superuser nor BYPASSRLS. */
  readonly url: string;
  /** As superuser. */
  readonly adminUrl: string;
  readonly owner: string;
  sql<Row = Record<string, unknown>>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  admin<Row = Record<string, unknown>>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** One more session as the owner (or as superuser); closed at the end of the test. */
  connect(options?: { as?: "owner" | "superuser" }): Promise<pg.Client>;
}

export const test = base.extend<{ db: TestDatabase }>({
  db: async ({ task }, use) => {
    const { port, version } = inject("postgres");
    // Half of the time of a copy through the WAL, which nobody needs here. Earlier versions know only this one.
    const strategy = Number.parseInt(version, 10) >= 15 ? "strategy file_copy" : "";
    const name = `t_${process.pid}_${(++made).toString(36)}_${Math.random().toString(36).slice(2, 8)}`;
    const server = await connected(`postgres://postgres@127.0.0.1:${port}/postgres`);
    await server.query(`create database ${name} template ${TEMPLATE} owner ${OWNER} ${strategy}`);
    const mine: pg.Client[] = [];
    const url = `postgres://${OWNER}:${DATABASE_PASSWORD}@127.0.0.1:${port}/${name}`;
    const adminUrl = `postgres://postgres@127.0.0.1:${port}/${name}`;
    const connect = async (target: string) => {
      const client = await connected(target);
      mine.push(client);
      return client;
    };
    let owner: Promise<pg.Client> | undefined;
    let superuser: Promise<pg.Client> | undefined;
    const rowsOf = async (client: Promise<pg.Client>, text: string, parameters?: readonly unknown[]) =>
      (await (await client).query(text, parameters === undefined ? undefined : [...parameters])).rows;

    let leaks: readonly string[];
    let secrets: unknown;
    try {
      await use({
        name,
        port,
        url,
        adminUrl,
        owner: OWNER,
        sql: (text, parameters) => {
          owner ??= connect(url);
          return rowsOf(owner, text, parameters);
        },
        admin: (text, parameters) => {
          superuser ??= connect(adminUrl);
          return rowsOf(superuser, text, parameters);
        },
        connect: ({ as = "owner" } = {}) => connect(as === "owner" ? url : adminUrl),
      });
    } finally {
      await Promise.all(mine.map((client) => client.end().catch(() => undefined)));
      leaks = await waitForLeaks(server, name);
      secrets = await secretsIn(adminUrl);
      await server.query(`drop database if exists ${name} with (force)`);
      await server.end();
    }
    if (leaks.length > 0) {
      throw new Error(`"${task.name}" left open in its database:\n${leaks.join("\n")}`);
    }
    if (secrets !== undefined) throw secrets;
  },
});

let made = 0;

/** The server asks nobody for a password. It is in every URL, so that whatever repeats it is found out. */
export const DATABASE_PASSWORD = canary("the password of a test's database");

/** What is wrong with its ledgers. A test may have made the database unusable. */
async function secretsIn(adminUrl: string): Promise<unknown> {
  const client = await connected(adminUrl).catch(() => undefined);
  if (client === undefined) return undefined;
  try {
    return await expectNoSecretsInLedgers(client).catch((error: unknown) => error);
  } finally {
    await client.end();
  }
}

/** A URL of the same database, with another password. */
export function withPassword(url: string, password: string): string {
  return url.replace(/^([a-z]+:\/\/[^:@/]*)(?::[^@/]*)?@/, (_, before: string) => `${before}:${password}@`);
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "godwit test" });
  client.on("error", () => undefined); // a test may cut it; the next query says so
  await client.connect();
  return client;
}

/** A session that was just closed takes the server a moment to forget; what is still there after it is a leak. */
function waitForLeaks(server: pg.Client, name: string): Promise<readonly string[]> {
  const look = async () => (await server.query(LEAKS, [name])).rows.map(({ leak }): string => leak);
  return leftAfter(look, { withinMs: 10_000 });
}

const LEAKS = `
  select format('session %s of %s (%s, %s): %s', pid, usename, application_name, state, left(query, 200)) as leak
    from pg_stat_activity where datname = $1 and backend_type = 'client backend'
  union all
  select format('advisory lock %s/%s of session %s', classid, objid, pid)
    from pg_locks l join pg_database d on d.oid = l.database where d.datname = $1 and locktype = 'advisory'
  union all
  select format('prepared transaction %s', gid) from pg_prepared_xacts where database = $1`;
