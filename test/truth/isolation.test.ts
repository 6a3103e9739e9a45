/** How a step runs is decided before it runs: no error makes the same file run again in another way. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const targetWith = (db: TestDatabase, files: Files) => targetOf({ url: db.url, folder: folderOf(files) });
const SEE = "insert into seen values (current_setting('transaction_isolation'), pg_current_xact_id()::text)";
const seen = async (db: TestDatabase) => {
  const rows = await db.sql<{ isolation: string; transaction: string }>("select * from seen");
  const transactions = [...new Set(rows.map(({ transaction }) => transaction))];
  return rows.map((row) => `${row.isolation} ${transactions.indexOf(row.transaction)}`);
};
const withSeen = async (db: TestDatabase) => db.sql("create table seen (isolation text, transaction text)");

describe("an isolation level that a file asks for", () => {
  test.for([
    "set transaction isolation level serializable;",
    "SET LOCAL transaction_isolation = 'serializable';",
    "set transaction_isolation to serializable;",
    "set lock_timeout = '1s';\n/* first */ set transaction isolation level serializable, read write, deferrable;",
    "-- a remark\nset session transaction isolation level read committed; set transaction isolation level serializable;",
  ])("is the level of its one transaction: %s", async (first, { db }) => {
    await withSeen(db);
    await up(targetWith(db, { "0001_a.sql": `${first}\n${SEE};\n${SEE};` }));
    expect(await seen(db)).toEqual(["serializable 0", "serializable 0"]);
  });

  test("holds for a way back too, and for no file behind it", async ({ db }) => {
    await withSeen(db);
    const text = `-- migrate:up\nselect 1;\n-- migrate:down\nset transaction isolation level repeatable read;\n${SEE};\n${SEE};`;
    const godwit = commandIn({
      folder: folderOf({
        "migrations/0001_a.sql": text,
        "migrations/0002_b.sql":
          "set default_transaction_read_only = on; set default_transaction_isolation = 'serializable';",
        "migrations/0003_c.sql": `${SEE};`,
      }),
      url: db.url,
    });
    await godwit("up", "0001");
    await godwit("down", "base");
    await godwit("up");
    expect(await seen(db)).toEqual(["repeatable read 0", "repeatable read 0", "read committed 1"]);
  });

  test("fails whole where it comes behind a query, as in psql", async ({ db }) => {
    await withSeen(db);
    const target = targetWith(db, {
      "0001_a.sql": `${SEE};\nset transaction isolation level serializable;\n${SEE};`,
    });
    const { error } = await refusalOf(up(target));
    expect(error).toMatchObject({
      code: "STEP_FAILED",
      place: { line: 2 },
      hint: expect.stringContaining("nothing of it was kept: correct 0001_a.sql, then run again"),
      report: { failures: [{ committed: "none" }] },
    });
    expect(await seen(db)).toEqual([]);
  });

  test.for([
    ["0001_a.sql", "set transaction read only;", 1],
    ["0001_a.sql", "select 1;\nset local transaction_read_only = on;", 2],
    ["0001_a.sql", "set session transaction isolation level serializable, read only;", 1],
  ] as const)("is refused by name where nothing could be written: %s", async ([name, text, line], { db }) => {
    const target = targetWith(db, { "0000_first.sql": "create table first ();", [name]: text });
    await expect(up(target)).rejects.toMatchObject({
      code: "SOURCE_TRANSACTION_CONTROL",
      message: expect.stringContaining("read-only"),
      place: { file: name, line },
    });
    expect(await db.sql("select to_regclass('first') as first")).toEqual([{ first: null }]);
  });

  test("is refused by name in a file that does not run in one transaction", async ({ db }) => {
    const text = "-- godwit: transaction=off\nset transaction isolation level serializable;\nselect 1;";
    await expect(up(targetWith(db, { "0001_a.sql": text }))).rejects.toMatchObject({
      code: "SOURCE_TRANSACTION_CONTROL",
      message: expect.stringContaining("SET TRANSACTION ISOLATION"),
      place: { line: 2 },
    });
  });

  test("that a session without a transaction sets counts for the statements behind it", async ({ db }) => {
    await withSeen(db);
    const text = `-- godwit: transaction=off\n${SEE};\nset session characteristics as transaction isolation level serializable;\n${SEE};\nreset default_transaction_isolation;\n${SEE};`;
    await up(targetWith(db, { "0001_a.sql": text }));
    expect(await seen(db)).toEqual(["read committed 0", "serializable 1", "read committed 2"]);
  });

  test.for([
    [`BEGIN ISOLATION LEVEL SERIALIZABLE;\n${SEE};\n${SEE};\nCOMMIT;`, ["serializable 0", "serializable 0"]],
    [
      `begin;\nset transaction isolation level serializable;\n${SEE};\n${SEE};\ncommit and no chain;`,
      ["serializable 0", "serializable 0"],
    ],
    [
      `start transaction isolation level repeatable read, read write;\n${SEE};\nend;\n${SEE};\nbegin; set local transaction_isolation = 'serializable'; ${SEE}; ${SEE}; commit;`,
      ["repeatable read 0", "serializable 1", "serializable 1", "serializable 1"],
    ],
  ] as const)(
    "is that of each of its own transactions in another tool's folder: %s",
    async ([text, expected], { db }) => {
      await withSeen(db);
      await prismaIn(db, text)("up", "--layout", "prisma");
      expect(await seen(db)).toEqual(expected);
    },
  );

  test("is refused in its own BEGIN where that is read-only", async ({ db }) => {
    const { stderr } = await prismaIn(db, "begin read only; select 1; commit;").fails(
      1,
      "up",
      "--layout",
      "prisma",
    );
    expect(stderr).toContain("read-only transaction");
  });
});

function prismaIn(db: TestDatabase, text: string) {
  const folder = folderOf({
    "migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "migrations/20240101000000_a/migration.sql": text,
  });
  return commandIn({ folder, url: db.url });
}

describe("an error that a migration raises itself", () => {
  const raise = (code: string) => `do $$ begin raise exception 'mine' using errcode = '${code}'; end $$`;
  for (const code of ["25001", "2D000", "55P04", "55P03", "40001", "40P01"]) {
    test(`as ${code} fails at once, in whichever form, and is tried in no other way`, async ({ db }) => {
      await db.sql("create table effects (id int)");
      const text = `insert into effects values (1);\n${raise(code)};`;
      for (const files of [
        { "0001_a.sql": raise(code) },
        { "0001_a.sql": text },
        { "0001_a.sql": `-- godwit: transaction=off\n${raise(code)};` },
      ]) {
        const { error } = await refusalOf(up(targetWith(db, files)));
        expect(error).toMatchObject({ code: "STEP_FAILED", report: { failures: [{ committed: "none" }] } });
        expect(error.hint).not.toMatch(/holds a lock|transaction of its own|transaction=off/);
        expect(await db.sql("select id from effects")).toEqual([]);
      }
    });
  }
});

describe("what the text does not tell", () => {
  const TICK = `create table ticks (id int generated always as identity);
create procedure tick() language plpgsql as $$ begin insert into ticks default values; commit; end $$;`;

  test("a call that commits runs outside where it is the whole file, and is refused where it is not", async ({
    db,
  }) => {
    await db.sql(TICK);
    const target = targetWith(db, {
      "0001_a.sql": "call tick();",
      "0002_b.sql": "create table b ();\ncall tick();",
    });
    const { error } = await refusalOf(up(target));
    expect(error).toMatchObject({
      place: { file: "0002_b.sql", line: 2 },
      hint: expect.stringContaining("-- godwit: transaction=off"),
      report: { steps: [{ revision: "0001_a", transactional: false }], failures: [{ committed: "none" }] },
    });
    expect(await db.sql("select to_regclass('b') as b")).toEqual([{ b: null }]);
    writeFiles(target.source.folder, {
      "0002_b.sql": "-- godwit: transaction=off\ncreate table b ();\ncall tick();",
    });
    await up(target);
    expect(await db.sql("select id from ticks")).toHaveLength(2);
  });

  test("a block whose text commits runs outside a transaction from the start", async ({ db }) => {
    await db.sql(TICK);
    const loop = "do $$ begin for n in 1..3 loop insert into ticks default values; commit; end loop; end $$;";
    const report = await up(targetWith(db, { "0001_a.sql": `create table a ();\n${loop}` }));
    expect(report.steps).toMatchObject([{ transactional: false }]);
    expect(await db.sql("select id from ticks")).toHaveLength(3);
  });

  test("a new enum value that is used unseen is refused, and the hint works", async ({ db }) => {
    await db.sql("create type mood as enum ('calm'); create table moods (mood mood)");
    const use = "insert into moods select ('w' || 'ild')::mood;";
    const target = targetWith(db, { "0001_a.sql": `alter type mood add value 'wild';\n${use}` });
    const { error } = await refusalOf(up(target));
    expect(error.hint).toContain("put what uses it into the next migration");
    writeFiles(target.source.folder, {
      "0001_a.sql": "alter type mood add value 'wild';",
      "0002_b.sql": use,
    });
    await up(target);
    expect(await db.sql("select mood from moods")).toEqual([{ mood: "wild" }]);
  });

  test("a table in parts is reindexed and a replication slot is made where the file is nothing else", async ({
    db,
  }) => {
    await db.sql(
      "create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (1) to (9)",
    );
    const report = await up(targetWith(db, { "0001_a.sql": "reindex table p;" }));
    expect(report.steps).toMatchObject([{ transactional: false }]);
  });
});
