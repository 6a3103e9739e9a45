/** graphile-migrate itself against us. */
import { resolve } from "node:path";
import { hashOf } from "../../src/source/layouts/graphile-migrate.ts";
import { commandIn } from "../support/command.ts";
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

test("the database's name and owner are built in, for both", async ({ db }) => {
  const body =
    "create table t (who text default ':DATABASE_OWNER :DATABASE_NAME');\ngrant select on t to :DATABASE_OWNER;\ninsert into t default values;";
  const folder = folderOf({
    "migrations/committed/000001.sql": `--! Previous: -\n--! Hash: ${hashOf(body, null)}\n\n${body}\n`,
    ".gmrc": JSON.stringify({ databaseOwner: db.owner }),
  });
  const judge = await judgeBeside(db);
  await judge.run(TOOL, ["migrate"], {
    cwd: folder,
    environment: { DATABASE_URL: judge.url, ROOT_DATABASE_URL: db.adminUrl },
  });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: "migrations" } });
  const script = await godwit.fails(1, "up", "--sql");
  expect(script.stderr).toContain("--placeholder DATABASE_OWNER=<value>");
  const given = ["--placeholder", "DATABASE_OWNER=ann", "--placeholder", "DATABASE_NAME=x"];
  expect((await godwit("up", "--sql", ...given)).stdout).toContain("default 'ann x'");
  await godwit("plan");
  await godwit("up", "--dry-run");
  await godwit("up");
  const [theirs] = await judge.query("select replace(who, current_database(), '') as who from t");
  const [ours] = await db.sql("select replace(who, current_database(), '') as who from t");
  expect(ours).toEqual(theirs);
  expect(await db.sql(`select who = '${db.owner} ' || current_database() as same from t`)).toEqual([
    { same: true },
  ]);
});

test("values come from a flag, a variable and the file, name by name, and a secret is not shown", async ({
  db,
}) => {
  const body = "create table t (a text default ':FLAG', b text default ':VAR', c text default ':FILE');";
  const folder = folderOf({
    "migrations/committed/000001.sql": `--! Previous: -\n--! Hash: ${hashOf(body, null)}\n\n${body}\n`,
    ".gmrc": "{}",
    "godwit.config.json": JSON.stringify({
      dir: "migrations",
      placeholders: { FLAG: "file", VAR: "file", FILE: "file" },
    }),
  });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_PLACEHOLDERS: "FLAG=variable,VAR=a=b" } });
  const { stdout } = await godwit("up", "--sql", "--placeholder", "FLAG=flag, or so");
  expect(stdout).toContain("a text default 'flag, or so', b text default 'a=b', c text default 'file'");
  const json = godwit.with({ GODWIT_PLACEHOLDERS: '{"VAR":"x,y","API_TOKEN":"s3cret-value-9"}' });
  expect((await json("up", "--sql")).stdout).toContain("a text default 'file', b text default 'x,y'");
  for (const [wrong, code] of [
    ["s3cret-value-9", 2],
    ["=s3cret-value-9", 2],
  ] as const) {
    const said = await godwit.fails(code, "up", "--placeholder", wrong);
    expect(said.stderr).toContain("--placeholder");
    expect(said.stderr + said.stdout).not.toContain("s3cret-value-9");
  }
  await godwit("up", "--placeholder", "FLAG=other");
  expect((await godwit("up", "--placeholder", "FLAG=another", "--json")).json.report.steps).toEqual([]);
});
