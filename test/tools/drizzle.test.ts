/** Half by Drizzle, half by us, in both orders and both generations; what it has done is never done again. */
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { describe } from "vitest";
import { openLedger } from "../../src/ledger/ledger.ts";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { preview } from "../../src/run/status.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { waiters } from "../support/sessions.ts";
import { down, type Files, folderOf, recorder, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";
import { until } from "../support/until.ts";

const TABLES = ["users", "shops", "orders", "items"] as const;
const SQL = TABLES.map(
  (name) =>
    `CREATE TABLE ${name} (id serial PRIMARY KEY);\n--> statement-breakpoint\nINSERT INTO ${name} DEFAULT VALUES`,
);
const at = (index: number) => Date.UTC(2024, 0, 1 + index, 10, 20, 30) + 123;

/** As drizzle-kit 0.31 writes it. */
function journal(count: number, sql: readonly string[] = SQL): Files {
  const entries = sql.slice(0, count).map((_, idx) => ({
    ...{ idx, version: "7", when: at(idx), tag: `000${idx}_${TABLES[idx]}` },
    breakpoints: true,
  }));
  return {
    "meta/_journal.json": JSON.stringify({ version: "7", dialect: "postgresql", entries }),
    ...Object.fromEntries(entries.map(({ tag, idx }) => [`${tag}.sql`, sql[idx] ?? ""])),
  };
}

const folderName = (index: number) => `2024010${1 + index}102030_${TABLES[index]}`;

/** As drizzle-kit 1.0 writes it. */
function folders(count: number, sql: readonly string[] = SQL): Files {
  const made = sql.slice(0, count).map((text, index): [string, string][] => [
    [`${folderName(index)}/migration.sql`, text],
    [`${folderName(index)}/snapshot.json`, JSON.stringify({ version: "8", dialect: "postgres" })],
  ]);
  return Object.fromEntries(made.flat());
}

/** drizzle-orm 0.45.4: what `drizzle-kit migrate` calls. */
async function drizzle0(db: TestDatabase, folder: string): Promise<void> {
  const { drizzle } = await import("drizzle-orm/node-postgres");
  const { migrate } = await import("drizzle-orm/node-postgres/migrator");
  const pool = new pg.Pool({ connectionString: db.url });
  try {
    await migrate(drizzle(pool), { migrationsFolder: folder });
  } finally {
    await pool.end();
  }
}

async function drizzle1(db: TestDatabase, folder: string): Promise<void> {
  const { drizzle } = await import("drizzle-orm-v1/node-postgres");
  const { migrate } = await import("drizzle-orm-v1/node-postgres/migrator");
  const pool = new pg.Pool({ connectionString: db.url });
  try {
    await migrate(drizzle({ client: pool }), { migrationsFolder: folder });
  } finally {
    await pool.end();
  }
}

const rowsOf = (db: TestDatabase) => db.sql("select * from drizzle.__drizzle_migrations order by id");

/** Every table has exactly the one row that its migration inserts. */
async function once(db: TestDatabase, count = 4): Promise<void> {
  for (const name of TABLES.slice(0, count))
    expect(await db.sql(`select count(*)::int as n from ${name}`), name).toEqual([{ n: 1 }]);
}

const ADOPT: AdoptOptions = { assume: false, dryRun: false };

describe.each([
  ["0.45", journal, drizzle0],
  ["1.0", folders, drizzle1],
] as const)("Drizzle %s", (generation, write, tool) => {
  const ids = [0, 1, 2, 3].map((index) =>
    generation === "1.0" ? folderName(index) : `000${index}_${TABLES[index]}`,
  );

  test("first by it, then by us, then again by it: each file once", async ({ db }) => {
    const folder = folderOf(write(2));
    await tool(db, folder);
    writeFiles(folder, write(4));
    const target = await targetIn("drizzle", { url: db.url, folder });
    const context = recorder();
    const { steps } = await up(target, context);
    expect(steps.map(({ revision }) => revision)).toEqual(ids.slice(2));
    expect(context.events).toContainEqual(
      expect.objectContaining({ kind: "adopted", tool: "drizzle", revisions: ids.slice(0, 2) }),
    );
    expect(await appliedIn(db)).toEqual(ids);
    const rows = await rowsOf(db);
    expect(rows).toHaveLength(4);
    await tool(db, folder);
    expect(await rowsOf(db)).toEqual(rows);
    expect((await up(target)).steps).toEqual([]);
    await once(db);
  });

  test("first by us, in a database where it has never been, then by it, then again by us", async ({ db }) => {
    const folder = folderOf(write(2));
    const target = await targetIn("drizzle", { url: db.url, folder });
    await up(target);
    const columns = await db.sql(
      "select column_name, data_type, column_default, is_nullable from information_schema.columns where table_schema = 'drizzle' order by ordinal_position",
    );
    await db.sql("create schema theirs");
    await tool(db, folder);
    expect(await rowsOf(db)).toHaveLength(2);
    writeFiles(folder, write(3));
    await tool(db, folder);
    writeFiles(folder, write(4));
    const next = await targetIn("drizzle", { url: db.url, folder });
    expect((await up(next)).steps.map(({ revision }) => revision)).toEqual(ids.slice(3));
    await tool(db, folder);
    expect(await rowsOf(db)).toHaveLength(4);
    expect(await appliedIn(db)).toEqual(ids);
    await once(db);

    // The table is the one that the tool itself would have made.
    await db.sql("drop schema drizzle cascade");
    await db.sql(`drop table ${TABLES.join(", ")}`);
    await tool(db, folder);
    expect(
      await db.sql(
        "select column_name, data_type, column_default, is_nullable from information_schema.columns where table_schema = 'drizzle' order by ordinal_position",
      ),
    ).toEqual(columns);
  });

  test("our rows are the tool's own rows", async ({ db }) => {
    const folder = folderOf(write(4));
    await tool(db, folder);
    const columns = generation === "1.0" ? "hash, created_at, name" : "hash, created_at";
    const theirs = await db.sql(`select ${columns} from drizzle.__drizzle_migrations order by id`);
    await db.sql("drop schema drizzle cascade");
    await db.sql(`drop table ${TABLES.join(", ")}`);
    await up(await targetIn("drizzle", { url: db.url, folder }));
    expect(await db.sql(`select ${columns} from drizzle.__drizzle_migrations order by id`)).toEqual(theirs);
  });

  test("adopt shows, writes our ledger alone, and the second time finds nothing new", async ({ db }) => {
    const folder = folderOf(write(3));
    await tool(db, folder);
    writeFiles(folder, write(4));
    const target = await targetIn("drizzle", { url: db.url, folder });
    const before = await rowsOf(db);
    const shown = await adopt(target, { ...ADOPT, dryRun: true }, recorder());
    expect(shown.applied.map(({ revision }) => revision)).toEqual(ids.slice(0, 3));
    expect(shown).toMatchObject({ tool: "drizzle", pending: ids.slice(3), edited: [], missing: [] });
    expect(await db.sql(`select to_regnamespace('${ledgerSchema}') as schema`)).toEqual([{ schema: null }]);

    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ already }) => already)).toEqual([false, false, false]);
    expect(await appliedIn(db)).toEqual(ids.slice(0, 3));
    expect(await rowsOf(db)).toEqual(before);
    const again = await adopt(target, ADOPT, recorder());
    expect(again.applied.map(({ already }) => already)).toEqual([true, true, true]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(ids.slice(3));
    await tool(db, folder);
    await once(db);
  });

  test("plan knows of the tool's rows, and changes nothing", async ({ db }) => {
    const folder = folderOf(write(2));
    await tool(db, folder);
    writeFiles(folder, write(4));
    const target = await targetIn("drizzle", { url: db.url, folder });
    const decided = await preview(target, UP, recorder());
    expect(decided.steps.map(({ revision }) => revision)).toEqual(ids.slice(2));
    expect(await db.sql(`select to_regnamespace('${ledgerSchema}') as schema`)).toEqual([{ schema: null }]);
  });

  test("a file that it has applied and that was edited since needs a person", async ({ db }) => {
    const folder = folderOf(write(2));
    await tool(db, folder);
    writeFiles(folder, write(3, [SQL[0] ?? "", `${SQL[1]} -- edited`, SQL[2] ?? ""]));
    const target = await targetIn("drizzle", { url: db.url, folder });
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_NEEDED"]);
    expect(error.message).toContain(ids[1]);
    const report = await adopt(target, ADOPT, recorder());
    expect(report.edited).toEqual([ids[1]]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual([ids[2]]);
  });

  test("line ends alone are no edit", async ({ db }) => {
    const folder = folderOf(write(2));
    await tool(db, folder);
    writeFiles(
      folder,
      write(
        2,
        SQL.map((text) => text.replaceAll("\n", "\r\n")),
      ),
    );
    const target = await targetIn("drizzle", { url: db.url, folder });
    expect((await adopt(target, { ...ADOPT, dryRun: true }, recorder())).edited).toEqual([]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("a row without a file is told, and waits for it", async ({ db }) => {
    const folder = folderOf(write(3));
    await tool(db, folder);
    rmSync(join(folder, "meta"), { recursive: true, force: true });
    const behind = folderOf(write(2));
    const target = await targetIn("drizzle", { url: db.url, folder: behind });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const report = await adopt(target, ADOPT, recorder());
    expect(report.missing).toHaveLength(1);
    expect(report.applied).toHaveLength(2);
    writeFiles(behind, write(4));
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(ids.slice(3));
    await once(db);
  });

  test("what it applies between our plan and our step is not done twice", async ({ db }) => {
    const folder = folderOf(write(1));
    const target = await targetIn("drizzle", { url: db.url, folder });
    await up(target);
    writeFiles(folder, write(2));
    const late = recorder();
    // Where a run waits after its plan and before its first step.
    const blocker = await db.connect();
    await blocker.query(`begin; lock table "${ledgerSchema}".migration_locks in exclusive mode`);
    const running = up(target, late).catch((error) => error);
    await late.once("planned");
    const { hash, created_at, name } = (await target.source.list()).migrations[1]?.tool?.columns ?? {};
    await blocker.query(
      generation === "1.0"
        ? "insert into drizzle.__drizzle_migrations (hash, created_at, name) values ($1, $2, $3)"
        : "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)",
      generation === "1.0" ? [hash, created_at, name] : [hash, created_at],
    );
    await blocker.query("commit");
    expect(await running).toMatchObject({ code: "ADOPT_TOOL_RUNNING" });
    expect(await db.sql("select to_regclass('shops') as made")).toEqual([{ made: null }]);
    expect((await up(target)).steps).toEqual([]);
  });

  test.for(["sends the file's text", "waits to write its row"] as const)(
    "while another session, which has read before, %s, the same is not done here",
    async (moment, { db }) => {
      const sql = [SQL[0] ?? "", "INSERT INTO users DEFAULT VALUES;\n--> statement-breakpoint\nSELECT 1;\n"];
      const folder = folderOf(write(1, sql));
      const target = await targetIn("drizzle", { url: db.url, folder });
      await up(target);
      writeFiles(folder, write(2, sql));
      const { hash, created_at, name } = (await target.source.list()).migrations[1]?.tool?.columns ?? {};
      const other = await db.connect();
      const insert = () =>
        other.query(
          generation === "1.0"
            ? "insert into drizzle.__drizzle_migrations (hash, created_at, name) values ($1, $2, $3)"
            : "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)",
          generation === "1.0" ? [hash, created_at, name] : [hash, created_at],
        );
      if (moment === "sends the file's text") {
        await other.query("begin");
        await other.query("INSERT INTO users DEFAULT VALUES;\n");
        expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
        await insert();
      } else {
        // Ours waits in the middle of its step, for a lock that is given free only when the other stands at its row.
        const blocker = await db.connect();
        await blocker.query("begin; lock table users in share mode");
        const running = refusalOf(up(target));
        await until(async () => (await waiters(db, "users")) === 1);
        await other.query("begin");
        const inserted = insert();
        await until(async () => (await waiters(db, "drizzle.__drizzle_migrations")) === 1);
        await blocker.query("rollback");
        expect((await running).codes).toEqual(["ADOPT_TOOL_RUNNING"]);
        await inserted;
        await other.query("INSERT INTO users DEFAULT VALUES;\n");
      }
      await other.query("commit");
      expect((await up(target)).steps).toEqual([]);
      expect(await db.sql("select count(*)::int as n from users")).toEqual([{ n: 2 }]);
    },
  );

  test("with --mirror none nothing of it is written", async ({ db }) => {
    const folder = folderOf(write(2));
    const target = await targetIn("drizzle", { url: db.url, folder, settings: { mirror: "none" } });
    await up(target);
    expect(await db.sql("select to_regnamespace('drizzle') as schema")).toEqual([{ schema: null }]);
  });

  test("with a table of another name, as configured", async ({ db }) => {
    const folder = folderOf(write(2));
    const target = await targetIn("drizzle", {
      url: db.url,
      folder,
      settings: { mirror: "drizzle:app.done" },
    });
    await up(target);
    expect(await db.sql("select count(*)::int as n from app.done")).toEqual([{ n: 2 }]);
    writeFiles(folder, write(3));
    await up(target);
    expect(await db.sql("select count(*)::int as n from app.done")).toEqual([{ n: 3 }]);
  });
});

test("a file below the mark that Drizzle 0.45 has passed over is left pending, and a person decides", async ({
  db,
}) => {
  const all = journal(3);
  const parsed = JSON.parse(all["meta/_journal.json"] ?? "");
  const without = { ...parsed, entries: parsed.entries.filter(({ idx }: { idx: number }) => idx !== 1) };
  const folder = folderOf({ ...all, "meta/_journal.json": JSON.stringify(without) });
  await drizzle0(db, folder);
  writeFiles(folder, all);
  await drizzle0(db, folder);
  expect(await db.sql("select to_regclass('shops') as made")).toEqual([{ made: null }]);

  const target = await targetIn("drizzle", { url: db.url, folder });
  expect((await refusalOf(up(target))).error.message).toContain("0001_shops");
  const report = await adopt(target, ADOPT, recorder());
  expect(report).toMatchObject({ skipped: ["0001_shops"], pending: ["0001_shops"] });
  expect(await appliedIn(db)).toEqual(["0000_users", "0002_orders"]);
  expect((await refusalOf(up(target))).codes).toEqual(["PLAN_LATE"]);
  await up(target, recorder(), { outOfOrder: true });
  await once(db, 3);
  await drizzle0(db, folder);
  expect((await up(target)).steps).toEqual([]);
});

test("and with --assume it counts as applied", async ({ db }) => {
  const folder = folderOf(journal(3));
  await drizzle0(db, folder);
  await db.sql("delete from drizzle.__drizzle_migrations where id = 2");
  const target = await targetIn("drizzle", { url: db.url, folder });
  const report = await adopt(target, { ...ADOPT, assume: true }, recorder());
  expect(report.applied.map(({ assumed }) => assumed)).toEqual([false, true, false]);
  expect((await up(target)).steps).toEqual([]);
  await once(db, 3);
});

test("a row without created_at makes Drizzle 0.45 run everything again: it is explained", async ({ db }) => {
  const folder = folderOf(journal(2));
  await drizzle0(db, folder);
  await db.sql("update drizzle.__drizzle_migrations set created_at = null where id = 2");
  const target = await targetIn("drizzle", { url: db.url, folder });
  const { codes, error } = await refusalOf(adopt(target, ADOPT, recorder()));
  expect(codes).toEqual(["ADOPT_FAILED_HISTORY"]);
  expect(error.hint).toContain("created_at is null");
});

test("the folder has become one of 1.0, the table has not: its upgrade afterwards finds every row", async ({
  db,
}) => {
  await drizzle0(db, folderOf(journal(2)));
  const folder = folderOf(folders(4));
  const target = await targetIn("drizzle", { url: db.url, folder });
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual([folderName(2), folderName(3)]);
  await drizzle1(db, folder);
  const names = await db.sql("select name from drizzle.__drizzle_migrations order by id");
  expect(names).toEqual([0, 1, 2, 3].map((index) => ({ name: folderName(index) })));
  await once(db);
});

test("the table has become one of 1.0, the folder follows later: our rows have the names it will have", async ({
  db,
}) => {
  const folder = folderOf(journal(3));
  await drizzle1(db, folderOf(folders(2)));
  const target = await targetIn("drizzle", { url: db.url, folder });
  await up(target);
  await drizzle1(db, folderOf(folders(3)));
  await once(db, 3);
});

test("a statement outside of transactions writes its row at the end, and then too only once", async ({
  db,
}) => {
  const sql = [SQL[0] ?? "", "CREATE INDEX CONCURRENTLY by_id ON users (id);", SQL[2] ?? ""];
  const folder = folderOf(journal(3, sql));
  const target = await targetIn("drizzle", { url: db.url, folder });
  await up(target);
  expect(await rowsOf(db)).toHaveLength(3);
  await drizzle0(db, folder);
  expect((await up(target)).steps).toEqual([]);
});

test("there is nothing to adopt, and it is said", async ({ db }) => {
  const folder = folderOf(journal(2));
  const target = await targetIn("drizzle", { url: db.url, folder });
  expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
  expect((await refusalOf(adopt(target, { ...ADOPT, tool: "drizle" }, recorder()))).error.hint).toContain(
    "drizzle",
  );
});

test("two histories: neither is guessed", async ({ db }) => {
  const folder = folderOf(journal(2));
  await drizzle0(db, folder);
  await db.sql("create schema b");
  await db.sql("create table b.__drizzle_migrations as table drizzle.__drizzle_migrations");
  const target = await targetIn("drizzle", { url: db.url, folder });
  for (const attempt of [() => up(target), () => adopt(target, ADOPT, recorder())]) {
    const { codes, error } = await refusalOf(attempt());
    expect(codes).toEqual(["ADOPT_AMBIGUOUS"]);
    expect(error.message).toContain("b.__drizzle_migrations of Drizzle (2 rows)");
  }
  await adopt(target, { ...ADOPT, table: "drizzle.__drizzle_migrations" }, recorder());
  const kept = { mirror: "drizzle:drizzle.__drizzle_migrations" };
  const chosen = await targetIn("drizzle", { url: db.url, folder, settings: kept });
  expect((await up(chosen)).steps).toEqual([]);
});

test("down finds nothing to take back where files have no way back", async ({ db }) => {
  const target = await targetIn("drizzle", { url: db.url, folder: folderOf(journal(2)) });
  await up(target);
  expect((await refusalOf(migrate(target, down("-1"), recorder()))).codes).toEqual(["PLAN_IRREVERSIBLE"]);
});

test("what is declared and not run is known to Drizzle as well, and what is forgotten is not", async ({
  db,
}) => {
  const folder = folderOf(journal(3));
  const target = await targetIn("drizzle", { url: db.url, folder });
  await db.sql("create table users (id serial); create table shops (id serial)");
  await baseline(target, "0001_shops", recorder());
  expect(await rowsOf(db)).toHaveLength(2);
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0002_orders"]);
  await drizzle0(db, folder);
  await repair(target, { kind: "forget", revision: "0002_orders" }, { confirm: db.name }, recorder());
  expect(await rowsOf(db)).toHaveLength(2);
  await repair(
    target,
    { kind: "mark-done", revision: "0002_orders", position: null },
    { confirm: db.name },
    recorder(),
  );
  expect(await rowsOf(db)).toHaveLength(3);
  expect((await up(target)).steps).toEqual([]);
  await drizzle0(db, folder);
});

test("forgetting one leaves the rows of all others, also where its file is gone", async ({ db }) => {
  const folder = folderOf(journal(3));
  const target = await targetIn("drizzle", { url: db.url, folder });
  await up(target);
  await repair(target, { kind: "forget", revision: "0000_users" }, { confirm: db.name }, recorder());
  expect(await rowsOf(db)).toHaveLength(2);
  rmSync(join(folder, "0002_orders.sql"));
  writeFiles(folder, journal(2));
  await repair(target, { kind: "forget", revision: "0002_orders" }, { confirm: db.name }, recorder());
  expect(await rowsOf(db)).toHaveLength(2);
  // What Drizzle thinks is applied it does not run again.
  await drizzle0(db, folder);
  await once(db, 2);
});

test.for([
  ["0.45", journal, drizzle0],
  ["1.0", folders, drizzle1],
] as const)("a script for psql writes Drizzle's rows too (%s)", async ([, write, tool], { db }) => {
  const folder = folderOf(
    write(3, [SQL[0] ?? "", "create index concurrently by_id on users (id);", SQL[2] ?? ""]),
  );
  const target = await targetIn("drizzle", { url: db.url, folder });
  const script = await renderScript(target, { ...UP, from: "base" }, recorder());
  writeFiles(folder, { "script.sql": script });
  await promisify(execFile)("psql", ["--no-psqlrc", "--file", join(folder, "script.sql"), db.url]);
  expect(await rowsOf(db)).toHaveLength(3);
  await tool(db, folder);
  rmSync(join(folder, "script.sql"));
  expect((await up(target)).steps).toEqual([]);
  expect(await rowsOf(db)).toHaveLength(3);
});

test("one of many schemas is not what another one is, nor what the database's own history says", async ({
  db,
}) => {
  const folder = folderOf(journal(2));
  await drizzle0(db, folder);
  await db.sql("create schema a; create schema b");
  const inSchema = async (schema: string) => {
    const settings = { schema, searchPath: schema };
    const target = await targetIn("drizzle", { url: db.url, folder, settings });
    return { ...target, ledger: openLedger(schema, { allowSecond: true }) };
  };
  for (const schema of ["a", "b"]) {
    expect((await up(await inSchema(schema))).steps).toHaveLength(2);
    expect(await db.sql(`select count(*)::int as n from ${schema}.users`)).toEqual([{ n: 1 }]);
  }
  expect(await rowsOf(db)).toHaveLength(2);
  // Where the tool itself has made one in there, that one counts.
  await db.sql("create schema c");
  await db.sql("create table c.__drizzle_migrations as table drizzle.__drizzle_migrations");
  expect((await up(await inSchema("c"))).steps).toEqual([]);
});
