/** Files are UTF-8 and so is what is sent, whatever client_encoding a file has set. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const OFF = "-- godwit: transaction=off\n";

const SPELLINGS = [
  "set client_encoding = 'LATIN1'",
  "set session client_encoding to latin1",
  `set "client_encoding" = 'LATIN1'`,
  "set names 'LATIN1'",
  "select pg_catalog.set_config('client_encoding', 'LATIN1', false)",
  "do $$ begin set client_encoding = 'LATIN1'; end $$",
  "do $$ begin perform set_config('client_encoding', 'LATIN1', false); end $$",
];

describe("an accent is stored as it is written, in a file that runs statement by statement, behind", () => {
  test.for(SPELLINGS)("%s", async (change, { db }) => {
    const text = `${OFF}create table t (x text);\n${change};\ninsert into t values ('café');\ncreate index concurrently t_x on t (x) where x <> 'é';\nset search_path = 'größe', public;\ninsert into public.t values ('naïve');`;
    await up(targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": text }) }));
    expect((await db.sql("select x from t")).map(({ x }) => x)).toEqual(["café", "naïve"]);
    const [last] = await db.sql(
      `select before->'session' as session from "${ledgerSchema}".migration_statements where position = 6`,
    );
    expect(last?.session).toEqual({ search_path: `"größe", public` });
  });
});

test("a row that an older version has kept brings no encoding back", async ({ db }) => {
  await db.sql("create table gate (n int); insert into gate values (0); grant select on gate to public");
  const gate = "do $$ begin perform 1 / n from gate; end $$";
  const text = `${OFF}create table t (x text);\n${gate};\ninsert into t values ('café');`;
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": text }) });
  await expect(up(target)).rejects.toMatchObject({ report: { failures: [{ committed: "some" }] } });
  await db.sql(
    `update "${ledgerSchema}".migration_statements set before = '{"session": {"client_encoding": "LATIN1"}}'; update gate set n = 1`,
  );
  await up(target);
  expect((await db.sql("select x from t")).map(({ x }) => x)).toEqual(["café"]);
});

test("a module may set it too: its next statement, its parameters and its answers stay UTF-8", async ({
  db,
}) => {
  const module = `export async function up({ sql }) {
  await sql\`create table t (x text)\`;
  await sql\`set client_encoding = 'LATIN1'\`;
  await sql\`insert into t values ('café'), (\${"naïve"})\`;
  const rows = await sql\`select x from t order by x\`;
  if (rows.map(({ x }) => x).join() !== "café,naïve") throw new Error(rows.map(({ x }) => x).join());
}`;
  await up(targetOf({ url: db.url, folder: folderOf({ "0001_a.mjs": module }) }));
  expect((await db.sql("select x from t order by x")).map(({ x }) => x)).toEqual(["café", "naïve"]);
});

describe("up --sql refuses by name and place what psql would send otherwise", () => {
  test.for([
    ...SPELLINGS,
    "do $$ begin execute 'set names LATIN1'; end $$",
    'set local U&"client\\005fencoding" = latin1',
  ])("%s", async (change) => {
    for (const head of ["", OFF]) {
      const text = `${head}create table t (x text); -- é\n${change};\ninsert into t values ('café');`;
      const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": text }) });
      const { problems } = (await godwit.fails(1, "up", "--sql", "--json")).json;
      expect(problems).toMatchObject([
        {
          code: "SOURCE_NOT_RENDERABLE",
          place: { file: "0001_a.sql", line: head === "" ? 2 : 3 },
        },
      ]);
      // The hint, followed.
      const without = text.replace(`${change};`, "");
      const mended = commandIn({ folder: folderOf({ "migrations/0001_a.sql": without }) });
      expect((await mended("up", "--sql")).stdout).toContain("café");
    }
  });

  test("but not without an accent behind it", async () => {
    const text =
      "create table t (x text default 'é');\nset client_encoding = 'LATIN1';\ninsert into t values ('cafe') -- é";
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": text }) });
    expect((await godwit("up", "--sql")).stdout).toContain("set client_encoding = 'LATIN1'");
  });
});

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

test.skipIf(withoutPsql)(
  "RESET ALL in a script for psql goes back to UTF-8, as it does in up",
  async ({ db }) => {
    const folder = folderOf({
      "migrations/0001_a.sql": "create table t (x text);\nreset all;\ninsert into t values ('café');",
      "migrations/0002_b.sql": `${OFF}reset /* é */\n ALL;\ninsert into t values ('naïve');`,
    });
    const { stdout } = await commandIn({ folder })("up", "--sql");
    const file = join(folder, "up.sql");
    writeFileSync(file, stdout);
    const env = { ...process.env, PGCLIENTENCODING: "LATIN1" };
    execFileSync("psql", ["--no-psqlrc", "--quiet", "--file", file, db.url], { env });
    expect((await db.sql("select x from t")).map(({ x }) => x)).toEqual(["café", "naïve"]);
  },
);
