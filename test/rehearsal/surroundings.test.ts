/** What a database has around its tables: its encoding, and the search_path that its sessions begin with. */
import pg from "pg";
import { onTestFinished, vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

async function worldOf(url: string, applied: Files) {
  const folder = folderOf(applied);
  const godwit = commandIn({ folder, url });
  await godwit("up");
  return { godwit, add: (files: Files) => writeFiles(folder, files) };
}

const BASE = "create schema app; create table a (id int primary key, t text);";
const NEXT = "alter table a add column b int; create index on a (t);";

test.for<[by: string, setting: (db: TestDatabase) => string]>([
  ["the database", ({ name }) => `alter database ${name} set search_path = app, public`],
  ["the role", ({ name, owner }) => `alter role ${owner} in database ${name} set search_path = app, public`],
])("names mean what they mean on the target where %s has a search_path", async ([, setting], { db }) => {
  await db.admin(setting(db));
  const world = await worldOf(db.url, { "migrations/0001_base.sql": BASE });
  // The same name where a session without the search_path would look.
  await db.sql("create table public.a (other int)");
  world.add({ "migrations/0002_next.sql": NEXT });
  const { json } = await world.godwit("rehearse", "--json");
  expect(json.counts).toEqual({ rehearsed: 2, notRehearsed: 0, notUnderstood: 0, failed: 0 });
  const [{ statements }] = json.steps;
  expect(statements).toMatchObject([{ locks: [{ relation: "app.a" }] }, { locks: [{ relation: "app.a" }] }]);
  const drift = await world.godwit.fails(1, "drift", "--files", "--json");
  const names = drift.json.differences.map(({ name }: { name: string }) => name);
  expect(names).toContain("public.a");
  expect(names).not.toContainEqual(expect.stringMatching(/^app/));
});

test("a database whose encoding lacks characters of our own questions is copied and compared", async ({
  db,
}) => {
  const name = `${db.name}_latin`;
  const url = db.url.replace(/[^/]+$/, name);
  const [server] = await db.admin<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  const provider = (server?.version ?? 0) >= 150_000 ? "locale_provider libc" : "";
  await db.admin(
    `create database ${name} template template0 owner ${db.owner} encoding 'LATIN1' ${provider} lc_collate 'C' lc_ctype 'C'`,
  );
  onTestFinished(async () => {
    const admin = new pg.Client(db.adminUrl.replace(/[^/]+$/, "postgres"));
    await admin.connect();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
  const world = await worldOf(url, { "migrations/0001_base.sql": "create table größe (id int, t text);" });
  world.add({
    "migrations/0002_next.sql": "alter table größe add column ü int;",
    "schema.sql": "create table größe (id int, t text, ß int);",
  });
  const { json } = await world.godwit("rehearse", "--json");
  expect(json).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 1 } });
  const diff = await world.godwit("diff", "--from", "database", "--to", "schema.sql");
  expect(diff.stdout).toContain('ADD COLUMN "ß" integer');
  await world.godwit("drift", "--files", "--sql");
  const hand = new pg.Client(url);
  await hand.connect();
  await hand.query("alter table größe add column é int");
  await hand.end();
  const drift = await world.godwit.fails(1, "drift", "--files", "--sql");
  expect(drift.stdout).toContain('DROP COLUMN "é"');
});

test("migrations that do not begin at an empty database are told so where they are run on one", async ({
  db,
}) => {
  await db.sql("create table before (id int)");
  const world = await worldOf(db.url, { "migrations/0001_a.sql": "alter table before add column a int;" });
  world.add({ "schema.sql": "create table before (id int, a int, b int);" });
  for (const words of [
    ["diff", "--to", "schema.sql"],
    ["drift", "--files"],
  ]) {
    const { stderr } = await world.godwit.fails(1, ...words);
    expect(stderr).toContain('relation "before" does not exist');
    expect(stderr).toContain("It ran on a scratch server, PostgreSQL ");
    expect(stderr).toContain("name what is there before them: baselineSchema");
  }
});

test("an event trigger that refuses is in the way of what it refuses, and of no copy", async ({ db }) => {
  const trigger = `create function refuse() returns event_trigger language plpgsql as $$ begin raise exception 'nobody may'; end $$;
    create event trigger refusing on sql_drop execute function refuse();`;
  const world = await worldOf(db.url, { "migrations/0001_a.sql": "create table a (id int);" });
  await db.admin(trigger);
  world.add({ "schema.sql": `create table a (id int, b int); ${trigger}` });
  const { stderr } = await world.godwit.fails(1, "diff", "--from", "database", "--to", "schema.sql");
  // The way back.
  expect(stderr).toContain('DROP COLUMN "b": nobody may [DIFF_UNPROVEN]');
  world.add({ "migrations/0002_b.sql": "alter table a add column b int;" });
  const { json } = await world.godwit("rehearse", "--json");
  expect(json).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 1 } });
});
