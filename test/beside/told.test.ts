/** What is written says so: into the history of another tool, and into no other project's ledger. */
import { createHash } from "node:crypto";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { stateOf } from "../support/state.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const OLD = "create table a (id int);";
const NEW = "create table a (id int, name text);";
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex");
const journal = (text: string) => ({
  "meta/_journal.json": JSON.stringify({
    version: "7",
    dialect: "postgresql",
    entries: [{ idx: 0, version: "7", when: 1_700_000_000_000, tag: "0000_a", breakpoints: true }],
  }),
  "0000_a.sql": text,
});

describe("accept, where a tool that compares texts is kept in step", () => {
  test.for([
    [
      "sqlx",
      "1_a",
      (text: string) => ({ "1_a.sql": text }),
      "encode(checksum, 'hex') from _sqlx_migrations",
      "sha384",
    ],
    [
      "prisma",
      "1_a",
      (text: string) => ({ "1_a/migration.sql": text }),
      "checksum from _prisma_migrations",
      "sha256",
    ],
    ["drizzle", "0000_a", journal, "hash from drizzle.__drizzle_migrations", "sha256"],
    [
      "drizzle",
      "20240101102030_a",
      (text: string) => ({
        "20240101102030_a/migration.sql": text,
        "20240101102030_a/snapshot.json": '{"version":"8","dialect":"postgres"}',
      }),
      "hash from drizzle.__drizzle_migrations",
      "sha256",
    ],
  ] as const)(
    "%s (%s): its row has the checksum of the present text",
    async ([tool, revision, files, column, algorithm], { db }) => {
      const folder = folderOf(files(OLD));
      const target = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
      await up(target);
      writeFiles(folder, files(NEW));
      const edited = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
      const report = await repair(edited, { kind: "accept", revision }, { confirm: db.name }, recorder());
      expect(report).toMatchObject({ told: expect.stringContaining("migrations"), stale: null });
      expect(await db.sql(`select ${column}`)).toMatchObject([
        { [column.startsWith("encode") ? "encode" : (column.split(" ")[0] ?? "")]: hash(algorithm, NEW) },
      ]);
      expect((await up(edited)).steps).toEqual([]);
    },
  );
});

test("accept, where a history is not kept in step: that it has the old checksum is said", async ({ db }) => {
  await db.sql(`${OLD} create table _sqlx_migrations (version bigint primary key, description text not null,
    installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, execution_time bigint not null);
    insert into _sqlx_migrations values (1, 'a', now(), true, '\\x${hash("sha384", OLD)}', 1)`);
  const folder = folderOf({ "migrations/1_a.sql": OLD });
  const godwit = commandIn({ folder, url: db.url }).with({ GODWIT_LAYOUT: "sqlx" });
  await godwit("adopt");
  writeFiles(folder, { "migrations/1_a.sql": NEW });
  const { stdout } = await godwit("repair", "--accept", "1_a", "--confirm", db.name);
  expect(stdout).toContain("Only the ledger");
  expect(stdout).toContain(
    "The history of sqlx (public._sqlx_migrations) still has the checksum of the previous text.",
  );
});

test("forget, mark-done and baseline name the history that they write, and none that they do not", async ({
  db,
}) => {
  const text = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;";
  const folder = folderOf({ "1_a.sql": text, "2_b.sql": text });
  const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
  const fix = { confirm: db.name };
  const dbmate = "dbmate (public.schema_migrations)";
  expect(await baseline(target, "1_a", recorder())).toMatchObject({ told: dbmate });
  expect(await repair(target, { kind: "forget", revision: "1_a" }, fix, recorder())).toMatchObject({
    told: dbmate,
  });
  const done = await repair(target, { kind: "mark-done", revision: "1_a", position: null }, fix, recorder());
  expect(done).toMatchObject({ told: dbmate });
  expect(await db.sql("select version from schema_migrations")).toEqual([{ version: "1" }]);
  await db.sql("delete from schema_migrations");
  const gone = await repair(target, { kind: "forget", revision: "1_a" }, fix, recorder());
  expect(gone).toMatchObject({ told: null });
  const plain = targetOf({ url: db.url, folder, settings: { mirror: "none" } });
  expect(await baseline(plain, "2_b", recorder())).toMatchObject({ declared: ["1_a", "2_b"], told: null });
});

describe("the ledger of another project", () => {
  const writers: Readonly<Record<string, (target: Target, db: TestDatabase) => Promise<unknown>>> = {
    up: (target) => up(target),
    down: (target) => migrate(target, down("-1"), recorder()),
    baseline: (target) => baseline(target, "head", recorder()),
    adopt: (target) => adopt(target, { assume: false, dryRun: false }, recorder()),
    "repair --mark-done": (target, db) =>
      repair(
        target,
        { kind: "mark-done", revision: "20240102000000_b", position: null },
        { confirm: db.name },
        recorder(),
      ),
    "repair --rebuild": (target, db) => repair(target, { kind: "rebuild" }, { confirm: db.name }, recorder()),
  };
  test.for(Object.entries(writers))("%s writes nothing into it", async ([, write], { db }) => {
    const files = { "20240101000000_a.sql": "select 1;" };
    const settings = { project: "a" };
    await up(await targetIn("supabase", { url: db.url, folder: folderOf(files), settings }));
    await db.sql(
      "insert into supabase_migrations.schema_migrations (version, name) values ('20240102000000', 'b')",
    );
    const before = await stateOf(db.admin);
    const both = folderOf({ ...files, "20240102000000_b.sql": "select 1;" });
    const other = await targetIn("supabase", { url: db.url, folder: both, settings: { project: "b" } });
    const { codes, error } = await refusalOf(write(other, db));
    expect(codes).toEqual(["LEDGER_FOREIGN"]);
    expect(error.message).toContain('belongs to project "a"');
    expect(await stateOf(db.admin)).toEqual(before);
  });
});
