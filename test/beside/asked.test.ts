/** A history that may be another service's, with the real binary: what its hint says works, for yes and for no. */
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const file = (table: string) =>
  `-- migrate:up\ncreate table ${table} (id int);\n-- migrate:down\ndrop table ${table};\n`;

async function project(db: TestDatabase) {
  await db.sql(`create schema auth; create table auth.schema_migrations (version varchar primary key);
    insert into auth.schema_migrations values ('20240101000000')`);
  const folder = folderOf({
    "migrations/20240101000000_a.sql": file("a"),
    "migrations/20240102000000_b.sql": file("b"),
  });
  const godwit = commandIn({ folder, url: db.url });
  const said = (await godwit.fails(1, "up", "--mirror", "dbmate")).stderr;
  expect(said).toContain("[ADOPT_AMBIGUOUS]");
  const hint = /→ ([\s\S]*)/.exec(said)?.[1]?.replace(/\s+/g, " ") ?? "";
  for (const command of ["plan", "adopt"])
    expect((await godwit.fails(1, command)).stderr).toContain("[ADOPT_AMBIGUOUS]");
  return { godwit, hint };
}

/** The words of the hint from `first` on, until a sentence ends. */
const wordsFrom = (hint: string, first: string) =>
  (new RegExp(`${first} (\\S+?)[,.)\`]*(?: |$)`).exec(hint)?.[1] ?? "").trim();

test("yes: adopted, and kept in step from then on", async ({ db }) => {
  const { godwit, hint } = await project(db);
  await db.sql("create table a (id int)");
  await godwit("adopt", "--table", wordsFrom(hint, "godwit adopt --table"));
  const keep = /to mirror it: --mirror (\S+?)\)/.exec(hint)?.[1] ?? "";
  expect((await godwit("up", "--mirror", keep)).stdout).toContain("1 migration applied");
  expect(await db.sql("select version from auth.schema_migrations order by 1")).toHaveLength(2);
});

test("yes, as configured: adopt and up go to the table that --mirror names", async ({ db }) => {
  const { godwit } = await project(db);
  await db.sql("create table a (id int)");
  const keep = ["--mirror", "dbmate:auth.schema_migrations"];
  expect((await godwit("adopt", "--dry-run", ...keep)).stdout).toContain("20240101000000_a");
  expect((await godwit("up", ...keep)).stdout).toContain("1 migration applied");
});

test("no: it is another project's, and nothing of it is read or written", async ({ db }) => {
  const { godwit, hint } = await project(db);
  const keep = wordsFrom(hint, "another project's: --mirror");
  expect(keep).toBe("none:auth.schema_migrations");
  expect((await godwit("up", "--mirror", keep)).stdout).toContain("2 migrations applied");
  expect((await godwit("up")).stdout).toContain("nothing to do");
  expect(await db.sql("select version from auth.schema_migrations")).toHaveLength(1);
});

test("no, and ours is mirrored where the refusal's command makes it", async ({ db }) => {
  const { godwit } = await project(db);
  const keep = ["--mirror", "dbmate:public.schema_migrations"];
  const said = (await godwit.fails(1, "up", ...keep)).stderr.replace(/\s+/g, " ");
  const make = /make your own first: `([^`]+)`/.exec(said)?.[1] ?? "";
  expect(make).toContain("create table");
  await db.sql(make);
  expect((await godwit("up", ...keep)).stdout).toContain("2 migrations applied");
  expect((await godwit("up", ...keep)).stdout).toContain("nothing to do");
  expect((await godwit("down", "-1", ...keep)).stdout).toContain("1 migration");
  expect(await db.sql("select version from public.schema_migrations")).toHaveLength(1);
  expect(await db.sql("select version from auth.schema_migrations")).toHaveLength(1);
});
