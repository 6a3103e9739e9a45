/** What `godwit diff` and `new --autogenerate` say fails on a table that has rows, and that it does. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

function project(db: TestDatabase, files: Readonly<Record<string, string>>) {
  const folder = folderOf({ "migrations/.gitkeep": "", ...files });
  const godwit = commandIn({ folder, url: db.url });
  const read = (name: string) => readFileSync(join(folder, "migrations", name), "utf8");
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  return { godwit, read, write };
}

const autogenerate = ["new", "--autogenerate", "--to", "schema.sql", "-m"] as const;

test("what fails on rows is said, and written above the statements", async ({ db }) => {
  const { godwit, read, write } = project(db, {
    "schema.sql": "create table t (a integer, b text not null);",
  });
  await godwit(...autogenerate, "first");
  write(
    "schema.sql",
    `create table t (a integer not null, c text not null, d text not null default 'd', n bigserial);
create table fresh (e integer not null);`,
  );
  const { stdout } = await godwit(...autogenerate, "second", "--allow-data-loss");
  const added = (name: string) =>
    `column public.t.${name} is added as NOT NULL without a default: give it one, or fill it first`;
  const there = [
    "Fails on rows: column public.t.a becomes NOT NULL: give each row a value there first",
    `Fails on rows: ${added("c")}`,
  ];
  for (const words of [...there, `Its way back fails on rows: ${added("b")}`])
    expect(stdout.split("\n")).toContain(words);
  expect(stdout).not.toMatch(/column public\.(?:t\.[dn]|fresh\.e) /);
  const [up = "", down = ""] = read("0002_second.sql").split("-- migrate:down\n");
  for (const words of there) expect(up.split("\n")).toContain(`-- ${words}`);
  expect(up).toContain('-- Loses data: ALTER TABLE "public"."t" DROP COLUMN "b"');
  expect(down.split("\n")).toContain(`-- Fails on rows: ${added("b")}`);
  await godwit("up");
  await godwit("down", "-1");
  const { json } = await godwit("diff", "--to", "schema.sql", "--json");
  expect(json).toMatchObject({ failsOnRows: [], backFailsOnRows: [], different: false });
});

test("a domain that allows no NULL fails on rows too, as it is said", async ({ db }) => {
  const domains = "create domain code as text not null; create domain later as integer;";
  const { godwit, write } = project(db, { "schema.sql": `${domains} create table t (n later);` });
  await godwit(...autogenerate, "first");
  await godwit("up");
  await db.sql("insert into t values (null)");
  const said = async (text: string, failure: string) => {
    write("schema.sql", text);
    const { stdout } = await godwit("diff", "--to", "schema.sql");
    expect(stdout).toContain(`-- Fails on rows: ${failure}`);
    const statements = stdout.split("\n").filter((line) => !line.startsWith("--"));
    await expect(db.sql(statements.join("\n"))).rejects.toThrow(/null/);
  };
  await said(
    `${domains} create table t (n later, c code);`,
    "column public.t.c is added without a default, and its type public.code is NOT NULL: give it one, or fill it first",
  );
  await said(
    `${domains.replace("integer", "integer not null")} create table t (n later);`,
    "column public.t.n becomes NOT NULL by its type public.later: give each row a value there first",
  );
});

test("what else fails on rows is said, and does fail on them", async ({ db }) => {
  const before = `create domain pos as integer; create type mood as enum ('sad', 'glad');
create table u (id integer primary key);
create table t (id integer, a text, b integer, p pos, m mood, span int4range);`;
  const { godwit, write } = project(db, { "schema.sql": before });
  await godwit(...autogenerate, "first");
  await godwit("up");
  await db.sql("insert into t select 1, 'x', -1, -1, 'sad', '[1,2]' from generate_series(1, 2)");
  const changes: readonly (readonly [from: string, to: string, failure: string])[] = [
    ["id integer, a", "id integer unique, a", "UNIQUE constraint public.t.t_id_key is added: "],
    ["int4range)", "int4range, check (b > 0))", "CHECK constraint public.t.t_b_check is added: "],
    ["b integer", "b integer references u", "FOREIGN KEY constraint public.t.t_b_fkey is added: "],
    [
      "int4range)",
      "int4range, exclude using gist (span with &&))",
      "EXCLUDE constraint public.t.t_span_excl",
    ],
    ["a text", "a integer", "column public.t.a: text becomes integer: "],
    [
      "pos as integer",
      "pos as integer check (value > 0)",
      "domain constraint public.pos.pos_check is added: ",
    ],
    ["'sad', 'glad'", "'glad'", "type public.mood loses sad: "],
    ["int4range);", "int4range); create unique index i on t (a);", "UNIQUE index public.i is added: "],
  ];
  for (const [from, to, failure] of changes) {
    write("schema.sql", before.replace(from, to));
    const { stdout } = await godwit("diff", "--to", "schema.sql");
    expect(stdout).toContain(`-- Fails on rows: ${failure}`);
    const statements = stdout.split("\n").filter((line) => !line.startsWith("--"));
    await expect(db.sql(`begin;\n${statements.join("\n")}`), to).rejects.toThrow();
    await db.sql("rollback");
  }
  write(
    "schema.sql",
    before.replace(
      "int4range)",
      "int4range, n bigserial primary key, o integer references u, q text unique, s text default 's' check (s <> ''))",
    ),
  );
  const { stdout } = await godwit("diff", "--to", "schema.sql");
  expect(stdout).not.toContain("Fails on rows");
  await db.sql(stdout);
});
