/** Three services, three databases, Drizzle folders in place: with the variables of the system itself, and Drizzle as the judge. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { describe } from "vitest";
import { root } from "../scripts/fresh.mjs";
import { type Command, commandIn, type Json } from "./support/command.ts";
import { expect, ledgerSchema, test as withDatabase } from "./support/database.ts";
import { createDatabases } from "./support/databases.ts";
import { folderOf } from "./support/target.ts";

interface Service {
  readonly name: string;
  readonly url: string;
  /** The folder of its migrations, absolute. */
  readonly migrations: string;
}

interface MeterLab {
  readonly services: readonly [Service, Service, Service];
  readonly env: Readonly<Record<string, string>>;
  readonly godwit: Command;
}

const FOLDERS = {
  backend: "apps/backend/db/migrations",
  "auth-next": "apps/auth-next/lib/db/migrations",
  auth: "apps/auth/services/db/migrations",
};
const COUNTS = { backend: 4, "auth-next": 3, auth: 3 };

const test = withDatabase.extend<{ lab: MeterLab }>({
  lab: async ({ db }, use) => {
    const more = await createDatabases(db, 2);
    const urls = [db.url, ...more.urls];
    const folder = folderOf({});
    cpSync(join(root, "examples", "meter-lab"), folder, { recursive: true });
    const services = Object.entries(FOLDERS).map(([name, path], index) => ({
      name,
      url: urls[index] ?? "",
      migrations: join(folder, path),
    }));
    const [backend = "", next = "", auth = ""] = urls;
    const parts = new URL(next);
    const env = {
      BACKEND_DATABASE_URL: backend,
      AUTH_DATABASE_URL: auth,
      AUTH_NEXT_DATABASE_HOST: parts.hostname,
      AUTH_NEXT_DATABASE_PORT: parts.port,
      AUTH_NEXT_DATABASE_USER: parts.username,
      AUTH_NEXT_DATABASE_PASSWORD: "not asked for here",
      AUTH_NEXT_DATABASE_NAME: parts.pathname.slice(1),
    };
    await use({ services: services as never, env, godwit: commandIn({ folder, env }) });
    await more.drop();
  },
});

const appliedBy = ({ json }: { json: Json }): Record<string, number> =>
  Object.fromEntries(json.targets.map(({ name, report }: Json) => [name, report?.steps.length]));

async function withPool<T>({ url }: Service, use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

/** Drizzle's own `migrate`, of the first so many. */
async function migrateWithDrizzle(service: Service, count = Number.POSITIVE_INFINITY): Promise<void> {
  const journal = join(service.migrations, "meta", "_journal.json");
  const whole = readFileSync(journal, "utf8");
  const some = JSON.parse(whole) as { entries: unknown[] };
  writeFileSync(journal, JSON.stringify({ ...some, entries: some.entries.slice(0, count) }));
  try {
    await withPool(service, (pool) => migrate(drizzle(pool), { migrationsFolder: service.migrations }));
  } finally {
    writeFileSync(journal, whole);
  }
}

/** What `drizzle-orm` says of its own history. */
async function rowsOfDrizzle(service: Service): Promise<readonly unknown[]> {
  return withPool(service, async (pool) => {
    const { rows } = await pool.query(
      "select hash, created_at from drizzle.__drizzle_migrations order by created_at",
    );
    return rows;
  });
}

/** Tables, columns and indexes, without what tools keep for themselves. */
async function schemaOf(service: Service): Promise<readonly unknown[]> {
  return withPool(service, async (pool) => {
    const { rows } = await pool.query(
      `select table_schema, table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
       where table_schema not in ('pg_catalog', 'information_schema', 'drizzle', $1) union all
       select schemaname, tablename, indexname, indexdef, '', '' from pg_indexes
       where schemaname not in ('pg_catalog', 'drizzle', $1) order by 1, 2, 3`,
      [ledgerSchema],
    );
    return rows;
  });
}

describe("meter-lab", () => {
  test("SYSTEMS 3.1, 3.2, 3.5, 3.7: migrates all three, one after the other, with a line for each", async ({
    lab: { godwit },
  }) => {
    const { stdout, stderr } = await godwit("up");
    expect(stdout).toMatch(
      /^backend: 4 migrations .*\nauth-next: 3 migrations .*\nauth: 3 migrations .*\n3 of 3 targets are done\.\n$/,
    );
    const at = (text: string) => stderr.indexOf(text);
    expect(at("backend: 0003_alerts applied")).toBeLessThan(at("auth-next: 0000_"));
    expect(at("auth-next: 0002_invitations applied")).toBeLessThan(at("auth: 0000_"));
    expect(appliedBy(await godwit("up", "--json"))).toEqual({ backend: 0, "auth-next": 0, auth: 0 });
    await godwit("status", "--check");
  });

  test("SYSTEMS 3.4, 3.6: one service alone needs its own variables only", async ({
    lab: { godwit, env },
  }) => {
    const blank = Object.fromEntries(Object.keys(env).map((name) => [name, ""]));
    const alone = godwit.with({ ...blank, AUTH_DATABASE_URL: env.AUTH_DATABASE_URL ?? "" });
    expect(appliedBy(await alone("up", "auth", "--json"))).toEqual({ auth: COUNTS.auth });
    const { json } = await alone.fails(1, "up", "--json");
    expect(json.problems.map(({ details }: Json) => details.variable)).toEqual(
      Object.keys(blank)
        .filter((name) => name !== "AUTH_DATABASE_URL")
        .toSorted(byOrder),
    );
  });

  test("SYSTEMS 3.12: several replicas at once migrate once", async ({ lab: { godwit, services } }) => {
    const runs = Array.from({ length: 4 }, () => godwit.start("up", "--json"));
    const done = await Promise.all(runs.map((run) => run.exits(0)));
    const sum = (name: string) => done.reduce((total, each) => total + (appliedBy(each)[name] ?? 0), 0);
    for (const { name } of services) expect(sum(name)).toBe(COUNTS[name as keyof typeof COUNTS]);
  });
});

describe("with Drizzle", () => {
  test("SYSTEMS 3.8, 3.9: what Drizzle has migrated so far is carried on, and then Drizzle finds nothing left", async ({
    lab: { godwit, services },
  }) => {
    const [backend, next, auth] = services;
    await migrateWithDrizzle(backend, 2);
    await migrateWithDrizzle(next, 1);
    await migrateWithDrizzle(auth);
    expect(appliedBy(await godwit("up", "--json"))).toEqual({ backend: 2, "auth-next": 2, auth: 0 });
    for (const service of services) {
      const before = await rowsOfDrizzle(service);
      expect(before).toHaveLength(COUNTS[service.name as keyof typeof COUNTS]);
      const made = await schemaOf(service);
      // It would fail on the first table that is there already.
      await migrateWithDrizzle(service);
      expect(await rowsOfDrizzle(service)).toEqual(before);
      expect(await schemaOf(service)).toEqual(made);
    }
    expect(appliedBy(await godwit("up", "--json"))).toEqual({ backend: 0, "auth-next": 0, auth: 0 });
  });

  test("SYSTEMS 3.8: what we begin Drizzle carries on, and what it did is not done again", async ({
    lab: { godwit, services },
  }) => {
    await godwit("up", "backend", "+1");
    await godwit("up", "auth-next", "0001");
    for (const service of services) await migrateWithDrizzle(service);
    for (const service of services)
      expect(await rowsOfDrizzle(service)).toHaveLength(COUNTS[service.name as keyof typeof COUNTS]);
    expect(appliedBy(await godwit("up", "--json"))).toEqual({ backend: 0, "auth-next": 0, auth: 0 });
    await godwit("status", "--check");
  });
});

test("what we make is what Drizzle makes", async ({ lab: { godwit, services }, db }) => {
  await godwit("up");
  const other = await createDatabases({ ...db, name: `${db.name}_drizzle` }, services.length);
  for (const [index, service] of services.entries()) {
    const theirs = { ...service, url: other.urls[index] ?? "" };
    await migrateWithDrizzle(theirs);
    expect(await schemaOf(service)).toEqual(await schemaOf(theirs));
  }
  await other.drop();
});

/** As the configuration has them. */
function byOrder(one: string, other: string): number {
  const order = ["BACKEND", "AUTH_NEXT_DATABASE_HOST", "_PORT", "_USER", "_PASSWORD", "_NAME"];
  const rank = (name: string) => order.findIndex((part) => name.startsWith(part) || name.endsWith(part));
  return rank(one) - rank(other);
}
