/** Our own statements run in our own settings, whatever a migration has left behind in its session. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const LEDGER = `"${ledgerSchema}"`;
const applied = async (db: TestDatabase) =>
  (
    await db.sql(`select revision from ${LEDGER}.migration_history where state = 'applied' order by sequence`)
  ).map(({ revision }) => revision);

const LEFT: readonly (readonly [string, string])[] = [
  ["another client encoding", "set client_encoding = 'LATIN1'"],
  ["strings with backslashes", "set standard_conforming_strings = off"],
  ["a read-only default", "set default_transaction_read_only = on"],
  ["a read-only session", "set session characteristics as transaction read only"],
  ["an isolation level for all that follows", "set default_transaction_isolation = 'serializable'"],
  [
    "another way to write dates",
    "set datestyle = 'German'; set intervalstyle = 'sql_standard'; set timezone = 'Asia/Tokyo'",
  ],
  ["row security", "set row_security = on"],
  ["a search path with functions of its own", "set search_path = traps, pg_catalog"],
];

const TRAPS = `create schema traps;
create function traps.clock_timestamp() returns timestamptz language plpgsql as $$ begin raise exception 'a trap'; end $$;
create function traps.pg_current_xact_id() returns xid8 language plpgsql as $$ begin raise exception 'a trap'; end $$;
create function traps.statement_timestamp() returns timestamptz language plpgsql as $$ begin raise exception 'a trap'; end $$;`;

describe("a migration that leaves", () => {
  test.for(LEFT)("%s is recorded, and so is the next, in every form", async ([, leave], { db }) => {
    await db.sql(TRAPS);
    const folder = folderOf({
      "0001_Blätter.sql": `create table a (what text);\n${leave};`,
      "0002_Żółw.sql": `${leave};\ninsert into public.a values ('é');`,
      "0003_außen.sql": `-- godwit: transaction=off\n${leave};\nvacuum public.a;\ninsert into public.a values ('ß');`,
      "0004_größe.ts": `export async function up({ execute }: any) { await execute(${JSON.stringify(`${leave};`)}); }`,
      "0005_draußen.ts": `export default { transaction: false, async up({ execute }: any) { await execute(${JSON.stringify(`${leave};`)}); } };`,
      "0006_ende.sql": "insert into a values ('ü');",
    });
    const target = targetOf({ url: db.url, folder });
    expect((await up(target)).outcome).toBe("done");
    expect(await applied(db)).toHaveLength(6);
    expect(await db.sql("select what from a where what in ('é', 'ß', 'ü')")).toHaveLength(3);
    writeFiles(folder, { "0007_schluß.sql": `${leave};\nselect nothing;` });
    const { error } = await refusalOf(up(target));
    expect(error.message).toContain('"nothing" does not exist');
    expect(await db.sql(`select revision from ${LEDGER}.migration_log where event = 'failed'`)).toEqual([
      { revision: "0007_schluß" },
    ]);
  });
});

test("a timeout that a migration leaves behind ends neither its own ledger row nor the next one", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": "create table a ();" });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  await db.sql(`create function slowly() returns trigger language plpgsql as
    $$ begin perform pg_sleep(0.2); return new; end $$;
    create trigger slowly before insert or update on ${LEDGER}.migration_history for each row execute function slowly()`);
  const leave = "set statement_timeout = '100ms'; set lock_timeout = '1ms';";
  writeFiles(folder, {
    "0002_b.sql": `select 1; ${leave}`,
    "0003_c.sql": `-- godwit: transaction=off\nselect 1;\n${leave}`,
    "0004_d.ts": `export async function up({ execute }: any) { await execute("${leave}"); }`,
    "0005_e.sql": "select pg_sleep(0.2);",
  });
  expect((await up(target)).steps).toHaveLength(4);
});

test("deferred constraints are checked in the settings of the migration they belong to", async ({ db }) => {
  await db.sql(`create table seen (path text);
    create function see() returns trigger language plpgsql as $$ begin
      insert into public.seen values (current_setting('search_path')); return null; end $$;
    create table watched (id int);
    create constraint trigger see after insert on watched deferrable initially deferred for each row execute function see()`);
  const folder = folderOf({
    "0001_a.sql": "set search_path = public, pg_temp;\ninsert into watched values (1);",
  });
  await up(targetOf({ url: db.url, folder }));
  expect(await db.sql("select path from seen")).toEqual([{ path: "public, pg_temp" }]);
});

test("a database that was made read-only on purpose is left alone, and the hint opens it", async ({ db }) => {
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": "create table a ();" }) });
  await up(target);
  await db.admin(`alter database ${db.name} set default_transaction_read_only = on`);
  expect((await up(target)).steps).toEqual([]);
  writeFiles(target.source.folder, { "0002_b.sql": "create table b ();" });
  const { error } = await refusalOf(up(target));
  expect(error).toMatchObject({ code: "DATABASE_SETTING", message: expect.stringContaining("read-only") });
  const [command = ""] = /ALTER DATABASE .*? = off/.exec(error.hint ?? "") ?? [];
  await db.admin(`begin read write; ${command}; commit`);
  await up(target);
  expect(await applied(db)).toEqual(["0001_a", "0002_b"]);
});

test("a transaction that was made read-only unseen says so, and nothing of it is kept", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": "create table a ();\nselect set_config('transaction_read_only', 'on', true);",
  });
  const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
  expect(error).toMatchObject({
    message: "0001_a left its transaction read-only, so its ledger row could not be written.",
    report: { failures: [{ committed: "none" }] },
  });
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
});

test("a migration that takes its own row out of the ledger is not told to be marked done", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": `create table a ();\ndelete from ${LEDGER}.migration_history;`,
  });
  const godwit = commandIn({ folder, url: db.url });
  const { stderr } = await godwit.fails(1, "up");
  expect(stderr).toContain("nothing of it was kept");
  expect(stderr).not.toContain("mark-done");
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  writeFiles(folder, { "migrations/0001_a.sql": "create table a ();" });
  await godwit("up");
});
