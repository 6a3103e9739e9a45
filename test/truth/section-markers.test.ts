/** A file whose sections are not recognised never runs as a whole: it is refused by name, at every door, in every layout. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const MIXED = "-- migrate up\ncreate table t (id int);\n\n-- migrate down\ndrop table t;\n";
const FOLDER = { "migrations/0001_a.sql": "create table a (id int);", "migrations/0002_t.sql": MIXED };

test("every command refuses it before anything runs, and says file, line and what to write", async ({
  db,
}) => {
  const folder = folderOf(FOLDER);
  const godwit = commandIn({ folder, url: db.url });
  for (const words of [["up"], ["plan"], ["up", "--sql"], ["up", "--dry-run"]]) {
    const refused = await godwit.fails(1, ...words);
    expect(refused.stderr + refused.stdout).toMatch(/0002_t\.sql:\d/);
    expect(refused.stderr + refused.stdout).toMatch(
      /`-- migrate down`, which looks like a section marker and is none: its way back would run/,
    );
    expect(refused.stderr + refused.stdout).toContain("Write `-- migrate:up` and `-- migrate:down`");
  }
  const status = await godwit.fails(1, "status", "--json");
  expect(JSON.stringify(status.json)).toContain("which looks like a section marker and is none");
  await using migrator = createMigrator({ dir: `${folder}/migrations`, databaseUrl: db.url });
  await expect(migrator.up()).rejects.toMatchObject({
    problems: [{ code: "PLAN_BROKEN_FILE", details: { code: "SOURCE_MARKER" } }],
  });
  expect(await db.sql("select to_regclass('a') as a, to_regclass('t') as t")).toEqual([{ a: null, t: null }]);
});

test("both ways out work: what the hint says to write, and the line that declares a comment a comment", async ({
  db,
}) => {
  const written = MIXED.replace("migrate up", "migrate:up").replace("migrate down", "migrate:down");
  const meant = "-- godwit: sections=none\n-- DOWN\ncreate table u (id int);\n";
  const folder = folderOf({ "migrations/0001_t.sql": written, "migrations/0002_u.sql": meant });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  expect(await db.sql("select to_regclass('t')::text as t, to_regclass('u')::text as u")).toEqual([
    { t: "t", u: "u" },
  ]);
});

test("one that is applied already stops no later run, and the declaration silences it", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_t.sql": "create table t (id int);\nselect 1;\n" });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const edited = { "migrations/0001_t.sql": "create table t (id int);\n-- DOWN\nselect 1;\n" };
  const later = { ...edited, "migrations/0002_u.sql": "create table u (id int);" };
  const warned = await commandIn({ folder: folderOf(later), url: db.url })("up");
  expect(warned.code).toBe(0);
  expect(await db.sql("select to_regclass('u')::text as u")).toEqual([{ u: "u" }]);
  const silent = {
    ...later,
    "migrations/0001_t.sql": "-- godwit: sections=none\ncreate table t (id int);\n-- DOWN\nselect 1;\n",
  };
  const quiet = await commandIn({ folder: folderOf(silent), url: db.url })("status");
  expect(quiet.stdout + quiet.stderr).not.toContain("looks like a section marker");
});

test("one that is applied already goes back by its own down file", async ({ db }) => {
  const applied = "create table t (id int);\nselect 1;\n";
  const down = { "migrations/0001_t.down.sql": "drop table t;" };
  await commandIn({ folder: folderOf({ ...down, "migrations/0001_t.up.sql": applied }), url: db.url })("up");
  const marked = { ...down, "migrations/0001_t.up.sql": applied.replace("select", "-- DOWN\nselect") };
  await commandIn({ folder: folderOf(marked), url: db.url })("down", "base");
  expect(await db.sql("select to_regclass('t') as t")).toEqual([{ t: null }]);
});

describe("a file that would run its way back too is refused in the layout", () => {
  const up = "create table t (id int);\n";
  const body = `${up}\n-- DOWN\ndrop table t;\n`;
  test.for<[layout: string, files: Readonly<Record<string, string>>]>([
    ["plain", { "db/0001_t.up.sql": body, "db/0001_t.down.sql": "drop table t;" }],
    ["plain", { "db/repeatable/v.sql": body }],
    [
      "plain",
      { "db/1_t.up.sql": up, "db/1_t.down.sql": "-- UP\ncreate table t (id int);\n-- DOWN\ndrop table t;" },
    ],
    [
      "dbmate",
      { "db/20250101000000_t.sql": `-- migrate:up\n${body}-- migrate:down\ndrop table if exists t;\n` },
    ],
    ["goose", { "db/1_t.sql": `-- +goose Up\n${up}\n -- +goose Down\ndrop table t;\n` }],
    ["node-pg-migrate", { "db/1_t.sql": `-- Up Migration\n${up}\n/* Down Migration */\ndrop table t;\n` }],
    ["sqlx", { "db/1_t.sql": body }],
    ["golang-migrate", { "db/1_t.up.sql": body, "db/1_t.down.sql": "drop table t;" }],
    ["diesel", { "db/1_t/up.sql": body, "db/1_t/down.sql": "drop table t;" }],
    ["flyway", { "db/V1__t.sql": `${up}--//@UNDO\ndrop table t;\n` }],
    ["prisma", { "db/1_t/migration.sql": body, "db/migration_lock.toml": 'provider = "postgresql"' }],
    ["supabase", { "db/20250101000000_t.sql": body }],
    [
      "liquibase",
      { "db/a.sql": `--liquibase formatted sql\n--changeset me:1\n${up}--rollback\ndrop table t;\n` },
    ],
  ])("%s", async ([layout, files], { db }) => {
    const godwit = commandIn({ folder: folderOf(files), url: db.url });
    const refused = await godwit.fails(1, "up", "--dir", "db", "--layout", layout, "--json");
    expect(JSON.stringify(refused.json)).toMatch(
      /which looks like a section marker and is none: its way (?:back|up)/,
    );
    expect(await db.sql("select to_regclass('t') as t")).toEqual([{ t: null }]);
  });
});

test("a comment is no mark of another tool: what stands above it runs", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_t.sql": "create table t (id int);\n-- Up migration: fill\nselect 1;\n",
  });
  await commandIn({ folder, url: db.url })("up");
  expect(await db.sql("select to_regclass('t')::text as t")).toEqual([{ t: "t" }]);
});

test("where the up marker is missing, following the hint gives the file both of its sections", async ({
  db,
}) => {
  const half = "create table t (id int);\n-- migrate:down\ndrop table t;\n";
  const refused = await commandIn({ folder: folderOf({ "migrations/0001_t.sql": half }), url: db.url }).fails(
    1,
    "up",
  );
  expect(refused.stderr + refused.stdout).toContain("Write the line `-- migrate:up` above it");
  const whole = folderOf({ "migrations/0001_t.sql": `-- migrate:up\n${half}` });
  await commandIn({ folder: whole, url: db.url })("up");
  expect(await db.sql("select to_regclass('t')::text as t")).toEqual([{ t: "t" }]);
  await commandIn({ folder: whole, url: db.url })("down", "base");
  expect(await db.sql("select to_regclass('t') as t")).toEqual([{ t: null }]);
});

test("sections=none does not make one of two sections that count: the file is refused", async ({ db }) => {
  const body = "-- migrate:up\ncreate table t (id int);\n-- migrate:down\ndrop table t;\n";
  const folder = folderOf({ "migrations/0001_t.sql": `-- godwit: sections=none\n${body}` });
  const refused = await commandIn({ folder, url: db.url }).fails(1, "up");
  expect(refused.stderr + refused.stdout).toContain("says `sections=none` and has the section marker");
});

test("a file with sections beside a down file is told of its section", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_t.up.sql": "-- migrate:up\ncreate table t (id int);\n-- migrate:down\ndrop table t;\n",
    "migrations/0001_t.down.sql": "drop table t;",
  });
  const refused = await commandIn({ folder, url: db.url }).fails(1, "up");
  expect(refused.stderr + refused.stdout).toContain(
    "0001_t.up.sql has the section `-- migrate:down`, and its way back is 0001_t.down.sql as well",
  );
});
