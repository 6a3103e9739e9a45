/** `godwit rehearse`: what `up` would do is measured on a server of its own, and the target is only read. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, onTestFinished, vi } from "vitest";
import type { RehearsalReport } from "../../src/index.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { stateOf } from "../support/state.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const BASE = {
  "0001_base.sql": `-- migrate:up
create table orders (id int primary key, customer text, total int);
create table customers (id int primary key, name text);
-- migrate:down
drop table orders, customers;`,
};

interface World {
  readonly godwit: ReturnType<typeof commandIn>;
  readonly folder: string;
  add(files: Files): void;
  /** Rehearses, and looks that the target is as before. */
  rehearse(exit?: number, ...words: readonly string[]): Promise<Json>;
}

async function worldOf(db: TestDatabase, applied: Files = BASE): Promise<World> {
  const below = (files: Files) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
  const folder = folderOf(below(applied));
  const godwit = commandIn({ folder, url: db.url });
  if (Object.keys(applied).length > 0) await godwit("up");
  return {
    godwit,
    folder,
    add: (files) => writeFiles(folder, below(files)),
    async rehearse(exit = 0, ...words) {
      const before = await stateOf(db.admin);
      const { json } = await godwit.start("rehearse", ...words, "--json").exits(exit);
      expect(await stateOf(db.admin)).toEqual(before);
      return json;
    },
  };
}

const ofStep = (report: Json, revision: string) =>
  report.steps.find((step: Json) => step.revision === revision);

describe("what is seen", () => {
  test("a lock that is held while something behind it takes long makes that block", async ({ db }) => {
    const world = await worldOf(db);
    world.add({
      "0002_two.sql": `-- Two at once.
alter table orders add column note text;

create index orders_customer on orders (customer);`,
      "0003_apart.sql": "create index concurrently orders_total on orders (total);",
      "0004_type.sql": "alter table orders alter column total type bigint;",
      "0005_new.sql": "create table fresh (id int); create index on fresh (id);",
    });
    const report = await world.rehearse();
    expect(ofStep(report, "0002_two")).toMatchObject({
      risk: "blocks reads",
      statements: [
        {
          line: 2,
          risk: "brief lock",
          locks: [
            { relation: "public.orders", kind: "table", mode: "ACCESS EXCLUSIVE", heldUntil: "transaction" },
          ],
        },
        { line: 4, risk: "blocks reads", builds: ["public.orders_customer"], scans: ["public.orders"] },
      ],
    });
    expect(ofStep(report, "0003_apart")).toMatchObject({
      risk: "safe",
      statements: [
        { locks: [{ relation: "public.orders", mode: "SHARE UPDATE EXCLUSIVE", heldUntil: "statement" }] },
      ],
    });
    expect(ofStep(report, "0004_type")).toMatchObject({
      risk: "rewrites",
      statements: [{ rewrites: ["public.orders"], safer: expect.stringContaining("backfill") }],
    });
    expect(ofStep(report, "0005_new")).toMatchObject({ risk: "safe" });
    expect(report).toMatchObject({
      gaps: [],
      otherVersion: false,
      counts: { rehearsed: 6, notRehearsed: 0, notUnderstood: 0, failed: 0 },
    });
  });

  test("text for people names the lock, the reason and the safer way, and counts in its last line", async ({
    db,
  }) => {
    const world = await worldOf(db);
    world.add({ "0002_index.sql": "create index on orders (customer);" });
    const { stdout } = await world.godwit("rehearse");
    expect(stdout).toContain("SHARE on public.orders is held while public.orders_customer_idx is built");
    expect(stdout).toContain("Safer: CREATE INDEX CONCURRENTLY");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("1 rehearsed, 0 not rehearsed, 0 not understood.");
  });

  test("a statement that the server refuses in a transaction is measured outside of one, once", async ({
    db,
  }) => {
    const world = await worldOf(db, {
      "0001_parts.sql": `create table parts (id int primary key) partition by range (id);
create table part_1 partition of parts for values from (0) to (10);`,
    });
    world.add({ "0002_anew.sql": "reindex table parts;" });
    const report = await world.rehearse();
    expect(ofStep(report, "0002_anew").statements).toMatchObject([
      {
        state: "rehearsed",
        locks: expect.arrayContaining([
          expect.objectContaining({ relation: "public.part_1", mode: "SHARE", heldUntil: "statement" }),
        ]),
      },
    ]);
  });

  test("a function that changes rows once more, under a lock that is held, is not called safe", async ({
    db,
  }) => {
    const world = await worldOf(db, {
      "0001_t.sql": `create table t (id int); create table other (id int);
create function change() returns int language plpgsql as $$ begin update t set id = id; return 1; end $$;
create function look() returns int language sql stable as 'select count(*)::int from other';
create view changing as select change() as one;`,
    });
    const before = "alter table t add column more int;\nupdate t set id = 1 where id = 0;\n";
    world.add({
      "0002_function.sql": `${before}select change();`,
      "0003_view.sql": `${before.replace("more", "next")}table changing;`,
      "0004_made.sql": `${before.replace("more", "last")}create table made as select change();`,
      "0005_only_looks.sql": `${before.replace("more", "extra")}select look(); select count(*) from t;`,
    });
    const report = await world.rehearse();
    for (const [revision, why] of [
      ["0002_function", "while rows change"],
      ["0003_view", "while rows change"],
      ["0004_made", "while public.t is read as a whole"],
    ] as const)
      expect(ofStep(report, revision).statements.at(-1), revision).toMatchObject({
        risk: "blocks reads",
        why: expect.stringContaining(why),
      });
    for (const one of ofStep(report, "0005_only_looks").statements.slice(-2))
      expect(one).toMatchObject({ risk: "safe" });
  });

  test("a way back is rehearsed like a way there", async ({ db }) => {
    const world = await worldOf(db);
    const report = await world.rehearse(0, "-1");
    expect(report.steps).toMatchObject([
      {
        direction: "down",
        risk: "brief lock",
        statements: [
          { locks: expect.arrayContaining([expect.objectContaining({ relation: "public.orders" })]) },
        ],
      },
    ]);
  });

  test("the library answers the same", async ({ db }) => {
    const world = await worldOf(db);
    world.add({ "0002_index.sql": "create index on orders (customer);" });
    const said = await world.rehearse();
    await using migrator = createMigrator({
      dir: join(world.folder, "migrations"),
      databaseUrl: db.url,
      ledgerSchema,
    });
    const answered = await migrator.rehearse();
    const facts = ({ steps, counts, gaps, scratch }: RehearsalReport) => ({
      ...{ counts, gaps, scratch },
      steps: steps.map(({ risk, statements }) => [risk, statements.map(({ why, locks }) => [why, locks])]),
    });
    expect(facts(answered)).toEqual(facts(said));
  });

  test("nothing pending needs no server", async ({ db }) => {
    const world = await worldOf(db);
    expect(await world.rehearse()).toMatchObject({ scratch: null, steps: [] });
  });
});

describe("what is not seen is said", () => {
  test("without an extension, what needs it is not rehearsed, and the rest is", async ({ db }) => {
    const world = await worldOf(db);
    world.add({
      "0002_vector.sql": `create extension vector;
alter table customers add column embedding vector(3);
alter table customers alter column name set not null;`,
      "0003_more.sql": "create table later (id int);",
    });
    const report = await world.rehearse();
    expect(ofStep(report, "0002_vector").statements).toMatchObject([
      { state: "not rehearsed", risk: null, why: "the scratch server has no extension vector" },
      { state: "not rehearsed", risk: null, why: expect.stringContaining('type "vector" does not exist') },
      { state: "rehearsed", risk: "blocks reads", scans: ["public.customers"] },
    ]);
    expect(ofStep(report, "0003_more")).toMatchObject({ risk: "safe" });
    expect(report.counts).toEqual({ rehearsed: 2, notRehearsed: 2, notUnderstood: 0, failed: 0 });
  });

  test("what reaches another server is not carried out", async ({ db }) => {
    const called: unknown[] = [];
    const other = createServer((socket) => {
      called.push(socket.remotePort);
      socket.destroy();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" ? address?.port : 0;
    const world = await worldOf(db);
    world.add({
      "0002_away.sql": `create subscription away connection 'host=127.0.0.1 port=${port}' publication p;`,
      "0003_also.sql": "create table also (id int);",
    });
    const report = await world.rehearse();
    expect(ofStep(report, "0002_away").risk).toBeNull();
    expect(ofStep(report, "0002_away").statements).toMatchObject([{ state: "not rehearsed", risk: null }]);
    expect(ofStep(report, "0003_also")).toMatchObject({ risk: "safe" });
    expect(called).toEqual([]);
  });

  test("a procedure that commits by itself is not understood", async ({ db }) => {
    const world = await worldOf(db);
    world.add({
      "0002_call.sql": `-- godwit: transaction=off
create procedure fill() language plpgsql as 'begin insert into orders values (1); commit; insert into orders values (2); end';
call fill();`,
    });
    const report = await world.rehearse();
    expect(report.counts).toMatchObject({ rehearsed: 1, notUnderstood: 1, failed: 0 });
  });

  test("a backfill, for which there are no rows", async ({ db }) => {
    const world = await worldOf(db);
    world.add({
      "0002_fill.sql":
        "-- godwit: backfill table=orders key=id\nupdate orders set customer = 'x' where :window and customer is null",
    });
    const report = await world.rehearse();
    expect(ofStep(report, "0002_fill")).toMatchObject({
      risk: null,
      notRehearsed: expect.stringContaining("backfill"),
    });
    expect(report.counts).toMatchObject({ rehearsed: 0, notRehearsed: 1 });
  });

  test("a statement that fails is a failure, with the server's words, and what depends on it is not rehearsed", async ({
    db,
  }) => {
    const world = await worldOf(db);
    world.add({
      "0002_bad.sql": "create table fine (id int);\nalter table missing add column x int;",
      "0003_needs.sql": "-- godwit: depends=0002_bad\ncreate table needs (id int);",
    });
    const report = await world.rehearse(1);
    expect(ofStep(report, "0002_bad").statements).toMatchObject([
      { state: "rehearsed" },
      { state: "failed", line: 2, why: expect.stringContaining('relation "missing" does not exist') },
    ]);
    expect(ofStep(report, "0003_needs")).toMatchObject({
      notRehearsed: "it depends on 0002_bad, which failed",
    });
  });

  test("the password of a statement is in no answer", async ({ db }) => {
    const world = await worldOf(db);
    world.add({ "0002_role.sql": "create role rehearsed_only login password 'sehr-geheim-7';" });
    const report = await world.rehearse();
    expect(JSON.stringify(report)).not.toContain("sehr-geheim-7");
    expect(report.counts.rehearsed).toBe(1);
  });
});

test("code of a migration is given the address of the scratch database, and not of the target", async ({
  db,
}) => {
  const world = await worldOf(db);
  world.add({
    "0002_code.ts": `import { migration } from "godwit";
export default migration({
  async up({ execute }) {
    await execute("create table port_" + new URL(process.env.DATABASE_URL).port + " (id int)");
  },
});`,
  });
  const report = await world.rehearse();
  const [statement] = ofStep(report, "0002_code").statements;
  expect(statement).toMatchObject({ state: "rehearsed", line: null });
  expect(statement.text).toMatch(/port_\d+ /);
  expect(statement.text).not.toContain(`port_${db.port} `);
});
