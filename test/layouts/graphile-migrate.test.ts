/** graphile-migrate itself against us. */
import { resolve } from "node:path";
import { hashOf } from "../../src/source/layouts/graphile-migrate.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { judgeBeside, targetFor, upAll, withoutHistory } from "./judge.ts";

const TOOL = resolve("node_modules/.bin/graphile-migrate");
const HISTORY = /\bgraphile_migrate\b/;

test("both make the same of committed migrations, and know them by the same rows", async ({ db }) => {
  const bodies = [
    "create table t (id int primary key, who text default ':WHO');\ninsert into t values (1);",
    "--! no-transaction\ncreate index concurrently t_who on t (who);",
    "do $$ begin\n  execute 'create table :TABLE_NAME (id int)'; -- :WHO; :WHOEVER\nend $$;\ninsert into :TABLE_NAME values (1);",
  ];
  let previous: string | null = null;
  const committed: Record<string, string> = {};
  for (const [index, body] of bodies.entries()) {
    const hash = hashOf(body, previous);
    const name = `migrations/committed/00000${index + 1}${index === 1 ? "-an-index" : ""}.sql`;
    committed[name] = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n${body}\n`;
    previous = hash;
  }
  const folder = folderOf({
    ...committed,
    ".gmrc": JSON.stringify({
      databaseOwner: db.owner,
      placeholders: { ":WHO": "me", ":TABLE_NAME": "made" },
    }),
    "migrations/current.sql": "select nonsense;\n",
  });
  const judge = await judgeBeside(db);
  await judge.run(TOOL, ["migrate"], {
    cwd: folder,
    environment: { DATABASE_URL: judge.url, ROOT_DATABASE_URL: db.adminUrl },
  });
  const target = await targetFor(db, { layout: "graphile-migrate", folder: `${folder}/migrations` });
  await upAll(target);
  expect(await withoutHistory(db.admin, HISTORY)).toEqual(await withoutHistory(judge.query, HISTORY));

  const { migrations } = await target.source.list();
  const rows = await judge.query(
    "select hash, previous_hash, filename from graphile_migrate.migrations order by filename",
  );
  expect(migrations.map(({ tool }) => tool?.columns)).toEqual(rows);
});

test("both refuse a file that was edited after it was committed", async ({ db }) => {
  const text = `--! Previous: -\n--! Hash: ${hashOf("select 1;", null)}\n\nselect 2;\n`;
  const folder = folderOf({
    "migrations/committed/000001.sql": text,
    ".gmrc": JSON.stringify({ databaseOwner: db.owner }),
  });
  const judge = await judgeBeside(db);
  const theirs = judge.run(TOOL, ["migrate"], {
    cwd: folder,
    environment: { DATABASE_URL: judge.url, ROOT_DATABASE_URL: db.adminUrl },
  });
  await expect(theirs).rejects.toThrow(/tampered/);
  const target = await targetFor(db, { layout: "graphile-migrate", folder: `${folder}/migrations` });
  await expect(upAll(target)).rejects.toThrow(/not what its hash was made over/);
});
