/** What the run asks the catalog is answered by the server, whatever names a migration or the database puts before it. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const indexesOf = (db: TestDatabase) =>
  db.sql(
    "select indexrelid::regclass::text as index, indisvalid as valid from pg_index where indrelid = 'shops'::regclass",
  );

describe("an index whose name the server chooses", () => {
  test("leaves nothing where it fails, and is built once where the rows are mended", async ({ db }) => {
    await db.sql("create table shops (id int, name text); insert into shops values (1), (1)");
    const folder = folderOf({ "0001_ix.sql": "create unique index concurrently on shops (id);" });
    for (let run = 1; run <= 2; run++) {
      const { error } = await refusalOf(up(targetOf({ url: db.url, folder })));
      expect(error).toMatchObject({ code: "STEP_FAILED", report: { failures: [{ committed: "none" }] } });
      expect(await indexesOf(db)).toEqual([]);
    }
    await db.sql("delete from shops");
    await up(targetOf({ url: db.url, folder }));
    expect(await indexesOf(db)).toEqual([{ index: "shops_id_idx", valid: true }]);
  });

  test("leaves alone what was invalid before, and what another text would have built", async ({ db }) => {
    await db.sql("create table shops (id int, name text); create index old on shops (id)");
    await db.sql("insert into shops values (1), (1)");
    await db.admin("update pg_index set indisvalid = false where indexrelid = 'old'::regclass");
    const folder = folderOf({ "0001_ix.sql": "create unique index concurrently on shops (id);" });
    await refusalOf(up(targetOf({ url: db.url, folder })));
    expect(await indexesOf(db)).toEqual([{ index: "old", valid: false }]);
  });

  test("is there once after its session was terminated", async ({ db }) => {
    await db.sql("create table shops (id int); insert into shops values (1)");
    const somebody = await db.connect();
    await somebody.query("begin isolation level repeatable read; select from shops");
    const folder = folderOf({ "0001_ix.sql": "create index concurrently on shops (id);" });
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => {
      waits = resolve;
    });
    const context = recorder((event) => {
      if (event.kind === "step-progress" && event.blockers.length > 0) waits();
    });
    const settings = { lockTimeoutMs: 200, connectDelayMs: 5 };
    const running = up(targetOf({ url: db.url, folder, settings }), context);
    await waiting;
    await db.admin(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    await context.once("connection-lost");
    await somebody.query("rollback");
    expect(await running).toMatchObject({ outcome: "done", warnings: [] });
    expect(await indexesOf(db)).toEqual([{ index: "shops_id_idx", valid: true }]);
  });
});

const EVIL = `create schema evil;
create view evil.pg_index as select indexrelid, indrelid, indisunique, false as indisvalid from pg_catalog.pg_index;
create function evil.to_regclass(text) returns regclass language sql as 'select null::regclass';
create function evil.current_setting(text) returns text language sql as $$ select 'evil'::text $$;
create function evil.pg_backend_pid() returns int language sql as 'select 0';
create function evil.no(oid, oid) returns boolean language sql as 'select false';
create operator evil.= (leftarg = oid, rightarg = oid, function = evil.no);`;

test("a file that puts its own names before the server's has its indexes judged all the same", async ({
  db,
}) => {
  await db.sql(`create table shops (id int); ${EVIL}`);
  const folder = folderOf({
    "0001_ix.sql":
      "set search_path = evil, pg_catalog, public;\ncreate index concurrently ix on shops (id);\ncreate index concurrently on shops (id);",
    "0002_ix.sql":
      "-- godwit: transaction=off\nset search_path = evil, pg_catalog, public;\ndrop index concurrently ix;",
  });
  await up(targetOf({ url: db.url, folder }));
  expect(await indexesOf(db)).toEqual([{ index: "shops_id_idx", valid: true }]);
});

test("a database that puts other names before the server's is migrated by every command", async ({ db }) => {
  await db.sql(`create table shops (id int); ${EVIL}`);
  await db.admin(`alter database ${db.name} set search_path = evil, pg_catalog, public`);
  const folder = folderOf({ "migrations/0001_ix.sql": "create index concurrently ix on public.shops (id);" });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await godwit("status", "--check");
  await godwit("up");
  expect(
    await db.admin(
      "select indisvalid from pg_catalog.pg_index where indexrelid = 'public.ix'::pg_catalog.regclass",
    ),
  ).toBeDefined();
});
