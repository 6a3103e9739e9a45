/** 71: a rename is taken for a drop and an add, and the data is gone; or a prompt waits where nobody is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000 });

const TABLE = "create table people (id integer primary key, mail text);";

test("a rename that nobody tells waits for a word about the data, without a question; one that is told keeps its rows", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_people.sql": `-- migrate:up\n${TABLE}\n-- migrate:down\ndrop table people;\n`,
    "schema.sql": "create table people (id integer primary key, email text);",
  });
  const godwit = commandIn({ folder, url: db.url });
  const written = () => readdirSync(join(folder, "migrations")).filter((name) => !name.startsWith("0001"));
  await godwit("up");
  await db.sql("insert into people values (1, 'ada@example.org')");
  const generate = ["new", "--autogenerate", "--to", "schema.sql", "-m", "email"] as const;
  const { json } = await godwit.fails(1, ...generate, "--json");
  expect(json.problems).toMatchObject([
    { code: "DIFF_LOSES_DATA", message: expect.stringContaining("mail") },
  ]);
  expect(written()).toEqual([]);
  writeFiles(folder, {
    "schema.sql": "create table people (\n  id integer primary key,\n  email text -- renamed from mail\n);\n",
  });
  await godwit(...generate);
  const text = readFileSync(join(folder, "migrations", written()[0] ?? ""), "utf8");
  expect(text).toMatch(/RENAME COLUMN "?mail"? TO "?email"?/i);
  expect(text).not.toMatch(/\bdrop\b/i);
  await godwit("up");
  expect(await db.sql("select * from people")).toEqual([{ id: 1, email: "ada@example.org" }]);
});
