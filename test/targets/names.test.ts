/** Names that the server would cut are refused, so that no two targets become one. */
import { describe } from "vitest";
import { schemasOf } from "../../src/config/targets/names.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator, createTestDatabase } from "../support/watched.ts";

const FILES = { "migrations/0001_shops.sql": "create table shops (id int primary key);" };
const BEGINNING = "tenant_".padEnd(53, "x");
const TENANTS = [`${BEGINNING}_one`, `${BEGINNING}_two`];

describe("a name of more than 63 bytes", () => {
  test("two tenants that share their first bytes never share a ledger", async ({ db }) => {
    for (const name of TENANTS) await db.sql(`create schema ${name}`);
    const query = `select nspname::text from pg_namespace where nspname like 'tenant%' order by 1`;
    for (const schemas of [TENANTS, { query }]) {
      const targets = { tenants: { url: db.url, schemas, ledgerSchema: "ledger_of_{schema}" } };
      const godwit = commandIn({
        folder: folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ targets }) }),
      });
      for (const command of ["up", "status", "plan"]) {
        const { json } = await godwit.fails(1, command, "--json");
        expect(json.problems.map(({ code }: { code: string }) => code)).toEqual([
          "CONFIG_INVALID",
          "CONFIG_INVALID",
        ]);
        expect(json.problems[0].message).toContain(
          `"ledger_of_${TENANTS[0]}" (ledgerSchema of target tenants/`,
        );
        expect(json.problems[0].message).toContain("has 67 bytes");
      }
      const { json } = await godwit.fails(1, "up", `tenants/${TENANTS[1]}`, "--sql", "--json");
      expect(json.problems[0].message).toContain("has 67 bytes");
      const root = folderOf(FILES);
      await using fleet = createFleet({ root, targets, environment: {} });
      await expect(fleet.up()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
      await expect(fleet.target(`tenants/${TENANTS[0]}`).up()).rejects.toMatchObject({
        code: "CONFIG_INVALID",
      });
    }
    expect(await db.sql("select from pg_class where relname in ('shops', 'migration_ledger')")).toEqual([]);
    // With names that fit, as the hint says, each is migrated.
    const targets = { tenants: { url: db.url, schemas: TENANTS, ledgerSchema: "l_{schema}" } };
    const godwit = commandIn({
      folder: folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ targets }) }),
    });
    await godwit("up");
    expect(
      await db.sql(
        "select relnamespace::regnamespace::text as schema from pg_class where relname = 'shops' order by 1",
      ),
    ).toEqual(TENANTS.map((schema) => ({ schema })));
  });

  test("is refused wherever it may stand, counted in bytes", async ({ db }) => {
    const long = "ä".repeat(32);
    const base = { environment: {}, ledgerSchema, root: folderOf(FILES), databaseUrl: db.url };
    const refused = async (config: object, what: string) => {
      await using migrator = createMigrator({ ...base, ...config });
      await expect(migrator.up()).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`(${what}) has 64 bytes`),
      });
    };
    await refused({ ledgerSchema: long }, "ledgerSchema");
    await refused({ role: long }, "role");
    await refused({ searchPath: `app, "${long}"` }, "searchPath");
    await refused({ mirror: `drizzle:${long}.migrations` }, "mirror");
    await refused(
      { databaseUrl: db.url.replace(db.name, encodeURIComponent(long)) },
      "the database of the URL",
    );
    await refused({ imports: { nas: { from: "designs", table: long } } }, "imports.nas.table");
    const databaseUrl = db.adminUrl.replace(db.name, encodeURIComponent(long));
    await expect(createTestDatabase({ dir: `${base.root}/migrations`, databaseUrl })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    await using migrator = createMigrator({ ...base, ledgerSchema: "ä".repeat(31) });
    expect((await migrator.up()).steps).toHaveLength(1);
  });
});

test("two targets that are one database under two names are found out by their ledgers", async ({ db }) => {
  const root = folderOf(FILES);
  await db.sql("create schema a");
  const alias = db.url.replace("127.0.0.1", "127.1");
  const one = { url: db.url, ledgerSchema: "l_a" };
  const cases = [
    { first: one, second: { url: alias, ledgerSchema: "l_a" } },
    { first: one, second: { url: db.url, schemas: { query: "select 'a'" }, ledgerSchema: "l_{schema}" } },
  ];
  for (const { first, second } of cases) {
    await db.sql("drop schema if exists l_a cascade; drop table if exists shops");
    await using fleet = createFleet({ root, targets: { first, second }, environment: {} });
    const error = await fleet.up().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "LEDGER_FOREIGN",
      report: { targets: [{ ok: true }, { ok: false }] },
    });
  }
});

test("the entries of a search path", () => {
  expect(schemasOf(`app, "Two Words" ,"with "" quote, and comma",$user`)).toEqual([
    "app",
    "Two Words",
    'with " quote, and comma',
    "$user",
  ]);
});
