/** A script of `--sql` knows from the ledger that its files stand for what has run under other names. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

async function applied(db: TestDatabase) {
  const folder = folderOf({
    "migrations/0001_a.sql": "create table if not exists eff (n int); insert into eff values (1);",
    "migrations/0002_b.sql": "insert into eff values (2);",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const replace = (old: readonly string[], files: Readonly<Record<string, string>>) => {
    for (const name of old) rmSync(join(folder, "migrations", `${name}.sql`));
    writeFiles(join(folder, "migrations"), files);
  };
  const run = async (...args: readonly string[]) =>
    psql(db.url, (await godwit("up", "--sql", ...args)).stdout);
  const effects = async () => (await db.sql("select n from eff order by n")).map(({ n }) => Number(n));
  return { godwit, replace, run, effects };
}

const ALL = { "0001_all.sql": "create table if not exists eff (n int); insert into eff values (1), (2);" };

describe.skipIf(withoutPsql)("a script stops, as up does,", () => {
  test("where one file stands for all that ran, and where a replaced file comes back", async ({ db }) => {
    const { godwit, replace, run, effects } = await applied(db);
    replace(["0001_a", "0002_b"], ALL);
    expect(await run()).toMatch(/none of the revisions in this ledger is among[\s\S]*godwit baseline/);
    await godwit("baseline", "0001_all", "--confirm", db.name);
    replace([], { "0002_b.sql": "insert into eff values (2);" });
    const said = await run("--from", "0001_all");
    expect(said).toMatch(/0002_b would be applied, and `godwit baseline` has put other files in its place/);
    const [, command = ""] = /`godwit (repair --mark-done [^`]+)`/.exec(said ?? "") ?? [];
    await godwit(...command.split(" "), "--confirm", db.name);
    replace([], { "0003_c.sql": "insert into eff values (3);" });
    expect(await run("--from", "0002_b")).toBe(null);
    expect(await effects()).toEqual([1, 2, 3]);
  });

  test("where a file that ran has another name now, and another comment", async ({ db }) => {
    const { godwit, replace, run, effects } = await applied(db);
    replace(["0002_b"], { "0003_c.sql": "-- new\ninsert into eff values (2);" });
    const said = await run("--from", "0001_a");
    expect(said).toContain("0003_c has the text of 0002_b, which is applied and has no file any more");
    await godwit("repair", "--mark-done", "0003_c", "--confirm", db.name);
    await godwit("repair", "--forget", "0002_b", "--confirm", db.name);
    expect(await run("--from", "0003_c")).toBe(null);
    expect(await effects()).toEqual([1, 2]);
  });

  test("where the ledger is that of another project", async ({ db }) => {
    const { godwit, replace, run, effects } = await applied(db);
    await db.sql(`update "${ledgerSchema}".migration_ledger set project = 'shop'`);
    replace([], { "0003_c.sql": "insert into eff values (3);" });
    const args = ["--from", "0002_b", "--project", "blog"];
    expect(await run(...args)).toContain('the ledger of this database belongs to project "shop"');
    await godwit.fails(1, "up", "--project", "blog");
    expect(await effects()).toEqual([1, 2]);
  });
});
