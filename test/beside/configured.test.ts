/** Histories under names that only the tool's own configuration has: the originals run with it, and so do we. */
import pg from "pg";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { ADOPT, drop, make, numbered, once, TABLES } from "../support/chain.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { succeed } from "../support/tool.ts";
import { targetIn } from "../support/tools.ts";

interface Original {
  readonly tool: string;
  files(count: number): Files;
  /** What says where its history is. */
  readonly says: Files;
  readonly table: string;
  migrate(db: TestDatabase, folder: string): Promise<unknown>;
}

const ORIGINALS: readonly Original[] = [
  {
    tool: "dbmate",
    says: { ".env": "DBMATE_MIGRATIONS_TABLE=app.done\n" },
    table: "app.done",
    files: (count) =>
      numbered(count, (index) => [
        `00${index + 1}_${TABLES[index]}.sql`,
        `-- migrate:up\n${make(index)}-- migrate:down\n${drop(index)}`,
      ]),
    migrate: (db, folder) =>
      succeed("dbmate", ["--url", `${db.url}?sslmode=disable`, "-d", ".", "--no-dump-schema", "up"], {
        folder,
      }),
  },
  {
    tool: "node-pg-migrate",
    says: { "config/default.json": '{"db": {"migrations-table": "done", "migrations-schema": "app"}}' },
    table: "app.done",
    files: (count) =>
      numbered(count, (index) => [
        `170000000000${index + 1}_${TABLES[index]}.sql`,
        `-- Up Migration\n${make(index)}\n-- Down Migration\n${drop(index)}`,
      ]),
    async migrate(db, folder) {
      const { runner } = await import("node-pg-migrate");
      await runner({
        ...{ databaseUrl: db.url, dir: folder, direction: "up", log: () => {} },
        ...{ migrationsTable: "done", migrationsSchema: "app", createMigrationsSchema: true },
        ignorePattern: "(config|\\..*)",
      });
    },
  },
  {
    tool: "drizzle",
    says: {
      "drizzle.config.ts": 'export default { out: ".", migrations: { table: "done", schema: "app" } };\n',
    },
    table: "app.done",
    files(count) {
      const entries = TABLES.slice(0, count).map((name, idx) => ({
        ...{
          idx,
          version: "7",
          when: Date.UTC(2024, 0, 1 + idx),
          tag: `000${idx}_${name}`,
          breakpoints: true,
        },
      }));
      return {
        "meta/_journal.json": JSON.stringify({ version: "7", dialect: "postgresql", entries }),
        ...Object.fromEntries(entries.map(({ tag, idx }) => [`${tag}.sql`, make(idx)])),
      };
    },
    async migrate(db, folder) {
      const { drizzle } = await import("drizzle-orm/node-postgres");
      const { migrate } = await import("drizzle-orm/node-postgres/migrator");
      const pool = new pg.Pool({ connectionString: db.url });
      const where = { migrationsTable: "done", migrationsSchema: "app" };
      await migrate(drizzle(pool), { migrationsFolder: folder, ...where }).finally(() => pool.end());
    },
  },
];

describe.for(ORIGINALS)("$tool", ({ tool, files, says, table, migrate }) => {
  const targetWith = (db: TestDatabase, folder: string, settings = {}) =>
    targetIn(tool, { url: db.url, folder, settings });

  test("half by it, the other half by us, and it has nothing left", async ({ db }) => {
    const folder = folderOf({ ...says, ...files(2) });
    await migrate(db, folder);
    writeFiles(folder, files(3));
    const target = await targetWith(db, folder, { mirror: tool });
    expect((await up(target)).steps).toHaveLength(1);
    writeFiles(folder, files(4));
    await migrate(db, folder);
    expect(await db.sql(`select from ${table}`)).toHaveLength(4);
    expect((await up(await targetWith(db, folder, { mirror: tool }))).steps).toEqual([]);
    await once(db, 4);
  });

  test("first by us: the table is made where it looks for it", async ({ db }) => {
    const folder = folderOf({ ...says, ...files(3) });
    const target = await targetWith(db, folder, { mirror: tool });
    expect((await up(target)).steps).toHaveLength(3);
    expect(await db.sql(`select from ${table}`)).toHaveLength(3);
    await migrate(db, folder);
    await once(db, 3);
    await db.sql(`drop schema "${ledgerSchema}" cascade`);
    expect((await up(target)).steps).toEqual([]);
  });

  test("where nothing says it, it is asked about or proven, and nothing is run twice", async ({ db }) => {
    const folder = folderOf({ ...says, ...files(2) });
    await migrate(db, folder);
    const bare = folderOf(files(2));
    if (tool === "drizzle") {
      // Its rows have the checksums of these files.
      expect((await up(await targetWith(db, bare))).steps).toEqual([]);
    } else {
      expect((await refusalOf(up(await targetWith(db, bare)))).codes).toEqual(["ADOPT_AMBIGUOUS"]);
      await adopt(await targetWith(db, bare), { ...ADOPT, table }, recorder());
      expect((await up(await targetWith(db, bare))).steps).toEqual([]);
    }
    await once(db, 2);
  });
});

test("what only a program knows is refused by name, and --mirror says it", async ({ db }) => {
  const drizzle = ORIGINALS[2] as Original;
  const says = { "drizzle.config.ts": "export default { migrations: { table: process.env.TABLE } };\n" };
  const folder = folderOf({ ...says, ...drizzle.files(2) });
  const { codes, error } = await refusalOf(up(await targetIn("drizzle", { url: db.url, folder })));
  expect(codes).toEqual(["ADOPT_CONFLICT"]);
  expect(error.message).toContain("drizzle.config.ts");
  const settings = { mirror: "drizzle:app.done" };
  expect((await up(await targetIn("drizzle", { url: db.url, folder, settings }))).steps).toHaveLength(2);
  await drizzle.migrate(db, folder);
  await once(db, 2);
});
