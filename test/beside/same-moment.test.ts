/** What another tool does while a run is at work is never done a second time by us, though its history is not kept in step. */
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { waiters } from "../support/sessions.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";
import { until } from "../support/until.ts";

/** A file whose second run is quiet. */
const quiet = (table: string) =>
  `create table if not exists ${table} (id int);\ninsert into ${table} values (1);\n`;
const dbmateFile = (table: string) => `-- migrate:up\n${quiet(table)}-- migrate:down\ndrop table ${table};\n`;
const DBMATE: Files = { "01_a.sql": dbmateFile("a"), "02_b.sql": dbmateFile("b") };
const DBMATE_TABLE = "create table schema_migrations (version varchar primary key);";

/** Resolves when the run has made its plan, and waits before its first step until `release`. */
async function planned(db: TestDatabase, run: (context: ReturnType<typeof recorder>) => Promise<unknown>) {
  const blocker = await db.connect();
  await blocker.query(`begin; lock table "${ledgerSchema}".migration_locks in exclusive mode`);
  const context = recorder();
  const running = run(context).then(
    () => null,
    (error) => error,
  );
  await context.once("planned");
  return { running, release: () => blocker.query("commit") };
}

/** A run that has done nothing yet, in a database where our ledger is. */
async function begunWith(db: TestDatabase, before: string): Promise<Target> {
  const folder = folderOf({ "00_zero.sql": "-- migrate:up\nselect 1;\n-- migrate:down\n" });
  await db.sql(before);
  const target = await targetIn("dbmate", { url: db.url, folder });
  await up(target);
  writeFiles(folder, DBMATE);
  return target;
}

describe("between the plan and the first step", () => {
  test("the tool makes its table: nothing is done", async ({ db }) => {
    const target = await begunWith(db, "select 1");
    const { running, release } = await planned(db, (context) => up(target, context));
    await db.sql(`${DBMATE_TABLE} ${quiet("a")} insert into schema_migrations values ('01')`);
    await release();
    const error = await running;
    expect(error).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(error.message).toContain("the history of dbmate has appeared");
    expect(error.hint).toContain("dbmate is not told of what this run applied before that");
    expect(await db.sql("select * from a")).toHaveLength(1);
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["02_b"]);
    expect(await db.sql("select * from a, b")).toHaveLength(1);
  });

  test("the tool writes to its table: nothing is done, up and down", async ({ db }) => {
    const target = await begunWith(db, DBMATE_TABLE);
    const { running, release } = await planned(db, (context) => up(target, context));
    await db.sql(`${quiet("a")} insert into schema_migrations values ('01')`);
    await release();
    expect((await running)?.message).toContain(
      "the history of dbmate (public.schema_migrations) has changed",
    );
    await adopt(target, ADOPT, recorder());
    await up(target);
    const back = await planned(db, (context) => migrate(target, down("-1"), context));
    await db.sql("insert into schema_migrations values ('02')");
    await back.release();
    expect(await back.running).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(await db.sql("select * from b")).toHaveLength(1);
  });
});

describe("in the middle of a step", () => {
  test("the tool makes its table: the step is taken back", async ({ db }) => {
    const target = await begunWith(db, "create table gate ()");
    writeFiles(target.source.folder, {
      "01_a.sql": `-- migrate:up\nlock table gate;\n${quiet("a")}-- migrate:down\n`,
    });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = refusalOf(up(target));
    await until(async () => (await waiters(db, "gate")) === 1);
    await db.sql(DBMATE_TABLE);
    await gate.query("commit");
    expect((await running).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(await appliedIn(db)).toEqual(["00_zero"]);
    expect((await up(target)).steps).toHaveLength(2);
  });

  test("a session that has read before waits to write its row: the step is taken back", async ({ db }) => {
    const target = await begunWith(db, `${DBMATE_TABLE} create table gate ()`);
    writeFiles(target.source.folder, {
      "01_a.sql": `-- migrate:up\nlock table gate;\n${quiet("a")}-- migrate:down\n`,
    });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = refusalOf(up(target));
    await until(async () => (await waiters(db, "gate")) === 1);
    const tool = await db.connect();
    const written = tool.query("insert into schema_migrations values ('01')");
    await until(async () => (await waiters(db, "schema_migrations")) === 1);
    await gate.query("commit");
    expect((await running).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    await written;
    expect(await appliedIn(db)).toEqual(["00_zero"]);
  });

  test("the same where our role may only read the tool's table", async ({ db }) => {
    const target = await begunWith(db, "create table gate ()");
    await db.admin(
      `create table public.schema_migrations (version varchar primary key); grant select on public.schema_migrations to "${db.owner}"`,
    );
    writeFiles(target.source.folder, {
      "01_a.sql": `-- migrate:up\nlock table gate;\n${quiet("a")}-- migrate:down\n`,
    });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = refusalOf(up(target));
    await until(async () => (await waiters(db, "gate")) === 1);
    await db.admin("insert into public.schema_migrations values ('01')");
    await gate.query("commit");
    expect((await running).error.message).toContain("(public.schema_migrations) has changed");
    expect(await appliedIn(db)).toEqual(["00_zero"]);
  });

  test("a session sends the file's own text: the step is taken back", async ({ db }) => {
    const target = await begunWith(db, DBMATE_TABLE);
    const tool = await db.connect();
    await tool.query("begin");
    await tool.query("-- migrate:up\ncreate table if not exists a (id int);\ninsert into a values (1);\n");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.message).toContain("01_a is being carried out by dbmate");
    await tool.query("insert into schema_migrations values ('01'); commit");
    await adopt(target, ADOPT, recorder());
    await up(target);
    expect(await db.sql("select * from a, b")).toHaveLength(1);
  });

  test("who only asks how far the database is does not wait, and stops nothing", async ({ db }) => {
    const target = await begunWith(db, `${DBMATE_TABLE} create table gate ()`);
    writeFiles(target.source.folder, {
      "01_a.sql": `-- migrate:up\nlock table gate;\n${quiet("a")}-- migrate:down\n`,
    });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = up(target);
    await until(async () => (await waiters(db, "gate")) === 1);
    expect(await db.sql("select version from schema_migrations")).toEqual([]);
    await gate.query("commit");
    expect((await running).steps).toHaveLength(2);
  });
});

test("a file that writes to the tool's table itself stops nothing behind it", async ({ db }) => {
  const folder = folderOf({
    "00_dump.sql": `-- migrate:up\n${DBMATE_TABLE}\ninsert into schema_migrations values ('x');\n-- migrate:down\n`,
    ...DBMATE,
  });
  const target = await targetIn("dbmate", { url: db.url, folder });
  expect((await up(target)).steps).toHaveLength(3);
});

describe("outside of a transaction", () => {
  const OUTSIDE = `-- migrate:up transaction:false\nlock table gate;\ncreate index concurrently i on gate (id);\n-- migrate:down\n`;

  test("before the first statement nothing is done, before the last row a person is asked", async ({
    db,
  }) => {
    const target = await begunWith(db, `${DBMATE_TABLE} create table gate (id int)`);
    writeFiles(target.source.folder, { "01_a.sql": OUTSIDE, "02_b.sql": dbmateFile("b") });
    const early = await planned(db, (context) => up(target, context));
    await db.sql("insert into schema_migrations values ('99')");
    await early.release();
    expect(await early.running).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(await appliedIn(db)).toEqual(["00_zero"]);
    expect(await db.sql(`select from "${ledgerSchema}".migration_history where state = 'partial'`)).toEqual(
      [],
    );

    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = refusalOf(up(target));
    await until(async () => (await waiters(db, "gate")) === 1);
    await db.sql("insert into schema_migrations values ('01')");
    await gate.query("commit");
    const { codes, error } = await running;
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.hint).toContain("godwit repair --mark-done 01_a");
    const request = { kind: "mark-done", revision: "01_a", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["02_b"]);
  });
});

describe("a lock that the tool holds is respected by all that writes", () => {
  const LIQUIBASE = `create table databasechangelog (id varchar, author varchar, filename varchar, dateexecuted timestamp, orderexecuted int, exectype varchar, md5sum varchar);
    create table databasechangeloglock (id int primary key, locked boolean, lockgranted timestamp, lockedby varchar);
    insert into databasechangeloglock values (1, false, null, null);`;
  const changesets = (...ids: readonly string[]) =>
    `--liquibase formatted sql\n${ids.map((id) => `--changeset me:${id}\ncreate table ${id} ();\n--rollback drop table ${id};\n`).join("")}`;
  const all = (target: Target, db: TestDatabase, revision: string) => [
    () => up(target),
    () => migrate(target, down("base"), recorder()),
    () => baseline(target, revision, recorder()),
    () =>
      repair(target, { kind: "forget", revision, position: null } as never, { confirm: db.name }, recorder()),
  ];

  test("where it is a row (Liquibase), also when it is taken in the middle of a run", async ({ db }) => {
    await db.sql(LIQUIBASE);
    const folder = folderOf({ "db.changelog.sql": changesets("a") });
    const target = await targetIn("liquibase", { url: db.url, folder });
    await up(target);
    const [first = ""] = await appliedIn(db);
    const lock = (locked: boolean) => `update databasechangeloglock set locked = ${locked}, lockedby = 'ci'`;
    await db.sql(lock(true));
    for (const run of all(target, db, first)) {
      const { codes, error } = await refusalOf(run());
      expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
      expect(error.hint).toContain("liquibase release-locks");
    }
    await db.sql(lock(false));
    writeFiles(folder, { "db.changelog.sql": changesets("a", "b") });
    const { running, release } = await planned(db, (context) => up(target, context));
    await db.sql(lock(true));
    await release();
    expect((await running)?.message).toContain("Liquibase holds its lock");
    await db.sql(lock(false));
    expect((await up(target)).steps).toHaveLength(1);
  });

  test("where a session holds it (Prisma), also behind a pooler", async ({ db }) => {
    const folder = folderOf({
      "migration_lock.toml": 'provider = "postgresql"\n',
      "01_p/migration.sql": "create table p ();",
    });
    const options = { url: db.url, folder, settings: { lockWaitMs: 10 } };
    const target = await targetIn("prisma", options);
    await up(target);
    writeFiles(folder, { "02_q/migration.sql": "create table q ();" });
    const tool = await db.connect();
    await tool.query("select pg_advisory_lock(72707369)");
    for (const run of all(target, db, "01_p"))
      expect((await refusalOf(run())).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    const pooled = await targetIn("prisma", { ...options, pooling: "transaction" });
    expect((await refusalOf(up(pooled))).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    await tool.query("select pg_advisory_unlock_all()");
    expect((await up(pooled)).steps).toHaveLength(1);
  });
});

describe("kept in step", () => {
  test("golang-migrate goes on between the plan and a step: what its number implies is not run", async ({
    db,
  }) => {
    const file = (n: number): Files => ({
      [`${n}_n.up.sql`]: quiet(`n${n}`),
      [`${n}_n.down.sql`]: `drop table n${n};`,
    });
    const folder = folderOf(file(1));
    const settings = { mirror: "golang-migrate" };
    const target = await targetIn("golang-migrate", { url: db.url, folder, settings });
    await up(target);
    writeFiles(folder, { ...file(2), ...file(3) });
    const { running, release } = await planned(db, (context) => up(target, context));
    await db.sql(`${quiet("n2")} ${quiet("n3")} update schema_migrations set version = 3`);
    await release();
    expect(await running).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect((await up(target)).steps).toEqual([]);
    expect(await db.sql("select * from n1, n2, n3")).toHaveLength(1);
  });

  test("goose, whose rows nothing keeps apart: a session that is in the middle of the same file", async ({
    db,
  }) => {
    const folder = folderOf({ "1_a.sql": `-- +goose Up\n${quiet("a")}-- +goose Down\ndrop table a;\n` });
    const target = await targetIn("goose", { url: db.url, folder, settings: { mirror: "goose" } });
    await up(target);
    writeFiles(folder, { "2_b.sql": `-- +goose Up\n${quiet("b")}-- +goose Down\ndrop table b;\n` });
    const tool = await db.connect();
    await tool.query("begin");
    await tool.query("create table if not exists b (id int)");
    await tool.query("insert into b values (1)");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    await tool.query("insert into goose_db_version (version_id, is_applied) values (2, true)");
    await tool.query("commit");
    expect((await up(target)).steps).toEqual([]);
    expect(await db.sql("select * from a, b")).toHaveLength(1);
  });

  test("a step outside of a transaction, which the tool has applied before its end", async ({ db }) => {
    await db.sql("create table gate (id int)");
    const text =
      "-- migrate:up transaction:false\nlock table gate;\ncreate index concurrently i on gate (id);\n";
    const folder = folderOf({ "01_a.sql": `${text}-- migrate:down\n` });
    const target = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = refusalOf(up(target));
    await until(async () => (await waiters(db, "gate")) === 1);
    await db.sql("insert into schema_migrations values ('01')");
    await gate.query("commit");
    const { codes, error } = await running;
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.hint).toContain("godwit repair --mark-done 01_a");
    const request = { kind: "mark-done", revision: "01_a", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).steps).toEqual([]);
  });
});

test("knex itself at work: its lock is respected by a folder that carries on from it", async ({ db }) => {
  await db.sql("create table gate ()");
  const migration = (sql: string) =>
    `export const up = (knex) => knex.raw(${JSON.stringify(sql)});\nexport const down = () => {};\n`;
  const directory = folderOf({ "01_a.mjs": migration(quiet("a")) });
  const { default: knex } = await import("knex");
  const migrations = { directory, loadExtensions: [".mjs"] };
  const instance = knex({ client: "pg", connection: db.url, migrations });
  try {
    await instance.migrate.latest();
    const target = targetOf({ url: db.url, folder: folderOf({ "0100_next.sql": quiet("next") }) });
    await adopt(target, ADOPT, recorder());
    writeFiles(directory, { "02_b.mjs": migration(`lock table gate; ${quiet("b")}`) });
    const gate = await db.connect();
    await gate.query("begin; lock table gate");
    const running = instance.migrate.latest().then(() => true);
    await until(async () => (await waiters(db, "gate")) === 1);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_TOOL_RUNNING"]);
    expect(error.hint).toContain("npx knex migrate:unlock");
    await gate.query("commit");
    expect(await running).toBe(true);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0100_next"]);
  } finally {
    await instance.destroy();
  }
});
