/** A name and an address mean what was written, or are refused in words that say why. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

describe("godwit new keeps the letters of every script", () => {
  test.for<[words: string, id: string]>([
    ["日本", "0001_日本"],
    ["Add が table", "0001_add_が_table"],
    ["Größe & Çelik!", "0001_große_celik"],
    ["Йод", "0001_йод"],
    ["हिन्दी", "0001_हिन्दी"],
    ["Add shop slugs!", "0001_add_shop_slugs"],
    ["𠮷".repeat(90), `0001_${"𠮷".repeat(40)}`],
  ])("%s", async ([words, id], { db }) => {
    const folder = folderOf({});
    const godwit = commandIn({ folder, url: db.url });
    expect((await godwit("new", words, "--ts", "--json")).json.revision).toBe(id.normalize("NFC"));
    expect(readdirSync(join(folder, "migrations"))).toEqual([`${id.normalize("NFC")}.ts`]);
    await godwit("up");
  });

  test("and refuses one without any", async () => {
    const folder = folderOf({});
    expect((await commandIn({ folder }).fails(2, "new", "!?")).stderr).toContain("A migration needs a name.");
    expect(existsSync(join(folder, "migrations"))).toBe(false);
  });
});

test.for([
  "Host=127.0.0.1;Port=5432;Database=shop;Username=app;Password=Zq4anary",
  "server=db; user id=app; pwd=Zq4anary; initial catalog=shop",
])("a connection string of ADO.NET is called one, and its password is not said: %s", async (url) => {
  const folder = folderOf({ "migrations/0001_a.sql": "select 1" });
  const godwit = commandIn({ folder, url });
  const looked = await godwit.start("doctor").exits(0, 1);
  const ran = await godwit.fails(1, "up");
  expect(looked.stdout).toMatch(/databaseUrl +\*\*\* \(an ADO\.NET connection string/);
  expect(ran.stderr).toMatch(/connection string of ADO\.NET[\s\S]*postgres:\/\/user:password@host/);
  expect(looked.stdout + looked.stderr + ran.stderr).not.toContain("anary");
});
