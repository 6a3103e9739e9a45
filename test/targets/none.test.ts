/** A target without a schema is never a silent success: its list is refused, and its query's silence is told. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const FILES = { "migrations/0001_shops.sql": "create table shops (id int primary key);" };
const QUERY = "select name from tenants order by 1";

const folderWith = (url: string, schemas: unknown) =>
  folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ targets: { tenants: { url, schemas } } }) });

test("an empty list in a configuration is refused, by the command and by the library", async ({ db }) => {
  const { json } = await commandIn({ folder: folderWith(db.url, []) }).fails(1, "up", "--json");
  expect(json.problems).toMatchObject([
    { code: "CONFIG_INVALID", message: "targets.tenants.schemas is empty." },
  ]);
  const fleet = createFleet({
    root: folderOf(FILES),
    targets: { tenants: { url: db.url, schemas: [] } },
    environment: {},
  });
  await expect(fleet.up()).rejects.toMatchObject({ message: "targets.tenants.schemas is empty." });
});

describe("a query without a row", () => {
  test("is a warning in text and JSON, and the run ends well", async ({ db }) => {
    await db.sql("create table tenants (name text)");
    const godwit = commandIn({ folder: folderWith(db.url, { query: QUERY }) });
    expect((await godwit("up")).stderr).toContain("Target tenants has no schemas: its query returned no row");
    for (const words of [["up"], ["plan"], ["status"]]) {
      const { json } = await godwit(...words, "--json");
      expect(json.targets).toMatchObject([{ ok: true, warnings: [{ code: "TARGET_NO_SCHEMAS" }] }]);
    }
  });

  test("keeps status --check from being green, until there is a schema that is up to date", async ({
    db,
  }) => {
    await db.sql("create table tenants (name text)");
    const godwit = commandIn({ folder: folderWith(db.url, { query: QUERY }) });
    expect((await godwit.fails(1, "status", "--check", "--json")).json).toMatchObject({
      ok: false,
      targets: [{ ok: false, warnings: [{ code: "TARGET_NO_SCHEMAS" }] }],
    });
    await db.sql("create schema one; insert into tenants values ('one')");
    await godwit("up");
    expect((await godwit("status", "--check", "--json")).json.targets[0]).not.toHaveProperty("warnings");
  });

  test("is told by the library", async ({ db }) => {
    await db.sql("create table tenants (name text)");
    const fleet = createFleet({
      root: folderOf(FILES),
      targets: { tenants: { url: db.url, schemas: { query: QUERY } } },
      environment: {},
    });
    expect((await fleet.up()).targets).toMatchObject([{ warnings: [{ code: "TARGET_NO_SCHEMAS" }] }]);
  });
});
