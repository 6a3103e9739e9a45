/** `plan --rehearse` says what a plan meets on the target, and `up --max-risk` does nothing that is riskier. */
import { join } from "node:path";
import { describe, vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { stateOf } from "../support/state.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const BASE = {
  "0001_base.sql": `create table orders (id int primary key, customer text, total int);
insert into orders select n, repeat('x', 100), n from generate_series(1, 20000) n;
create table small (id int primary key);`,
};
const INDEX = "create index orders_total on orders (total);";
const REWRITE = "alter table orders alter column total type bigint;";
const BRIEF = "alter table orders add column note text;";

async function worldOf(db: TestDatabase, pending: Files) {
  const below = (files: Files) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
  const folder = folderOf(below(BASE));
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await db.sql("analyze orders");
  writeFiles(folder, below(pending));
  return { godwit, folder, add: (files: Files) => writeFiles(folder, below(files)) };
}

async function session(db: TestDatabase, applicationName: string) {
  const client = await db.connect();
  await client.query(`set application_name = '${applicationName}'`);
  return client;
}

const statementOf = (rehearsal: Json, revision: string) =>
  rehearsal.steps.find((step: Json) => step.revision === revision).statements[0];

describe("plan --rehearse", () => {
  test("says how large the tables are, and who would be waited for", async ({ db }) => {
    const { godwit } = await worldOf(db, {
      "0002_type.sql": REWRITE,
      "0003_index.sql": "create index concurrently on orders (total);",
    });
    const other = await session(db, "report of the month");
    await other.query("begin; select 1 from orders limit 1");
    const before = await stateOf(db.admin);
    const { json } = await godwit("plan", "--rehearse", "--json");
    expect(await stateOf(db.admin)).toEqual(before);
    expect(json.plan.steps).toHaveLength(2);
    const [orders] = json.rehearsal.relations;
    expect(json.rehearsal.relations).toHaveLength(1);
    const [size] = await db.sql(
      "select pg_relation_size('orders')::float8 as bytes, pg_indexes_size('orders')::float8 as keys, pg_total_relation_size('orders')::float8 as total",
    );
    expect(orders).toMatchObject({
      relation: "public.orders",
      rows: 20000,
      bytes: size?.bytes,
      indexBytes: size?.keys,
      indexes: 1,
      holders: [{ applicationName: "report of the month", modes: ["ACCESS SHARE"] }],
    });
    const { stdout } = await godwit("plan", "--rehearse");
    expect(stdout).toMatch(/0002_type .*rewrites [\d.]+ MB/);
    expect(stdout).toContain("public.orders has about 20,000 rows");
    expect(stdout).toContain('Would wait now for "report of the month" (pid');
    expect(statementOf(json.rehearsal, "0002_type").safer).toContain("backfill");
  });

  test("names a prepared transaction that is in the way, which belongs to no session", async ({ db }) => {
    const { godwit } = await worldOf(db, { "0002_index.sql": INDEX });
    const other = await session(db, "two phases");
    await other.query("begin; lock table orders in row exclusive mode");
    await other.query("prepare transaction 'left behind'");
    try {
      const { json } = await godwit("plan", "--rehearse", "--json");
      expect(json.rehearsal.relations[0].holders).toMatchObject([
        { pid: null, applicationName: "left behind", modes: ["ROW EXCLUSIVE"] },
      ]);
      expect((await godwit("plan", "--rehearse")).stdout).toMatch(
        /Would wait now for the prepared transaction 'left behind', which is .+ old: it holds ROW EXCLUSIVE on public\.orders\./,
      );
    } finally {
      await other.query("rollback prepared 'left behind'");
    }
  });

  test("goes by the present size of a table where its statistics are older", async ({ db }) => {
    const { godwit } = await worldOf(db, { "0002_index.sql": INDEX });
    await db.sql("alter table orders set (autovacuum_enabled = off)");
    await db.sql("insert into orders select n, repeat('x', 100), n from generate_series(20001, 200000) n");
    const [orders] = (await godwit("plan", "--rehearse", "--json")).json.rehearsal.relations;
    expect(orders.rows).toBeGreaterThan(190_000);
    expect(orders.rows).toBeLessThan(210_000);
    // Counted when it was empty, which says nothing of what it has now.
    await db.sql("truncate orders");
    await db.sql("vacuum orders");
    await db.sql("insert into orders select n, repeat('x', 100), n from generate_series(1, 1000) n");
    const [filled] = (await godwit("plan", "--rehearse", "--json")).json.rehearsal.relations;
    expect(filled.rows).toBeNull();
  });

  test("does not wait for who has locked a table", async ({ db }) => {
    const { godwit } = await worldOf(db, { "0002_index.sql": INDEX });
    const other = await session(db, "holder");
    await other.query("begin; lock table orders in access exclusive mode");
    const { json } = await godwit("plan", "--rehearse", "--json");
    expect(json.rehearsal.relations[0]).toMatchObject({
      holders: [{ applicationName: "holder", modes: ["ACCESS EXCLUSIVE"] }],
    });
    expect(json.rehearsal.relations[0].bytes).toBeGreaterThan(1_000_000);
  });

  test("counts the partitions of a table as the table", async ({ db }) => {
    const { godwit, add } = await worldOf(db, {});
    add({
      "0002_parts.sql": `create table parts (id int) partition by range (id);
create table part_1 partition of parts for values from (0) to (1000);
create table part_2 partition of parts for values from (1000) to (2000);
insert into parts select generate_series(0, 1999);`,
    });
    await godwit("up");
    await db.sql("analyze parts; analyze part_1; analyze part_2");
    add({ "0003_add.sql": "alter table parts add column n int;" });
    const { json } = await godwit("plan", "--rehearse", "--json");
    const parts = json.rehearsal.relations.find(({ relation }: Json) => relation === "public.parts");
    const [size] = await db.sql(
      "select (pg_relation_size('part_1') + pg_relation_size('part_2'))::float8 as bytes",
    );
    expect(parts).toMatchObject({ rows: 2000, bytes: size?.bytes });
  });

  test("as Markdown it is a table that no name breaks", async ({ db }) => {
    const { godwit } = await worldOf(db, {
      "0002_index.sql": `create index "a|b" on orders (total) where customer <> '<img> | @all';`,
      "0003_new.sql": "create table fresh (id int);",
    });
    const { stdout } = await godwit("plan", "--rehearse", "--markdown");
    const rows = stdout.split("\n").filter((line) => line.startsWith("|"));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(6);
    expect(stdout).toContain("🟠 blocks writes");
    expect(stdout).toContain("🟢 safe");
    expect(stdout.replace(/`[^`]*`/g, "")).not.toMatch(/<(?!br>)|@/);
  });
});

describe("up --max-risk", () => {
  const MOST = ["safe", "brief", "blocks-writes", "blocks-reads", "rewrites"];
  const READS = `${BRIEF}\n${INDEX}`;
  test.for([
    ["create table fresh (id int);", "safe"],
    [BRIEF, "brief"],
    [INDEX, "blocks-writes"],
    [READS, "blocks-reads"],
    [REWRITE, "rewrites"],
  ] as const)("takes %s from %s on", async ([sql, least], { db }) => {
    const { godwit } = await worldOf(db, { "0002_next.sql": sql });
    for (const most of MOST.slice(0, MOST.indexOf(least))) {
      const before = await stateOf(db.admin);
      const { json } = await godwit.fails(1, "up", "--max-risk", most, "--json");
      expect(json.problems).toMatchObject([
        { code: "RISK_TOO_HIGH", details: { revision: "0002_next", maxRisk: most } },
      ]);
      expect(await stateOf(db.admin)).toEqual(before);
    }
    await godwit("up", "--max-risk", least);
    await godwit("status", "--check");
  });

  test("refuses before the first step, also by variable and in the library, and its hint leads on", async ({
    db,
  }) => {
    const { godwit, folder } = await worldOf(db, {
      "0002_safe.sql": "create table a ();",
      "0003_index.sql": INDEX,
    });
    const before = await stateOf(db.admin);
    const refused = await godwit.with({ GODWIT_MAX_RISK: "brief" }).fails(1, "up");
    expect(refused.stderr).toContain("0003_index blocks writes (line 1): SHARE on public.orders");
    await using migrator = createMigrator({
      dir: join(folder, "migrations"),
      databaseUrl: db.url,
      ledgerSchema,
      maxRisk: "brief",
    });
    await expect(migrator.up()).rejects.toMatchObject({ code: "RISK_TOO_HIGH" });
    expect(await stateOf(db.admin)).toEqual(before);
    expect((await godwit("plan", "--rehearse")).stdout).toContain("Safer: CREATE INDEX CONCURRENTLY");
    await godwit("up", "--max-risk", "any");
    await godwit("status", "--check");
  });

  test("with --require-no-drift one refusal names what was changed by hand, and then the risk", async ({
    db,
  }) => {
    const { godwit } = await worldOf(db, { "0002_index.sql": INDEX });
    await db.sql("alter table small add column by_hand int");
    const before = await stateOf(db.admin);
    const both = ["up", "--max-risk", "brief", "--require-no-drift"];
    const { json } = await godwit.fails(1, ...both, "--json");
    expect(json.problems).toMatchObject([
      { code: "SCHEMA_DRIFTED", message: expect.stringContaining("public.small.by_hand") },
      { code: "RISK_TOO_HIGH", details: { revision: "0002_index" } },
    ]);
    expect(await stateOf(db.admin)).toEqual(before);
    await godwit("drift", "--accept");
    const { json: accepted } = await godwit.fails(1, ...both, "--json");
    expect(accepted.problems).toMatchObject([{ code: "RISK_TOO_HIGH" }]);
  });

  test("what cannot be rehearsed is too much for each of them, and a backfill is not", async ({ db }) => {
    const { godwit, add } = await worldOf(db, {
      "0002_fill.sql":
        "-- godwit: backfill table=orders\n-- godwit: where total > 0\nupdate orders set total = -total where :window;\n",
    });
    await godwit("up", "--max-risk", "safe");
    add({ "0003_ext.sql": "create extension no_such_extension;" });
    const { json } = await godwit.fails(1, "up", "--max-risk", "rewrites", "--json");
    expect(json.problems[0].message).toContain("was not rehearsed");
  });
});
