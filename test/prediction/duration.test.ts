/** How long a plan will take is said from generated rows of the target's shape, and nothing of it touches the target. */
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startProxy } from "../support/proxy.ts";
import { stateOf } from "../support/state.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

test("statements whose time depends on rows have a prediction, and each lock one of how long it is held", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_base.sql": `create type mood as enum ('good', 'bad');
create table customers (id int primary key, name text);
create table "Odd ""Name" (id bigint primary key, mood mood, note varchar(40), at timestamptz default now(),
  total numeric(12,2), tags text[], data jsonb, ok boolean, customer int);
insert into customers select n, 'customer ' || n from generate_series(1, 1000) n;
insert into "Odd ""Name" select n, 'good', repeat('x', 30), now(), n, '{}', '{"a": 1}', true, 1 + n % 1000 from generate_series(1, 100000) n;`,
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await db.sql('analyze customers; analyze "Odd ""Name"');
  const table = '"Odd ""Name"';
  writeFiles(folder, {
    "migrations/0002_brief.sql": `alter table ${table} add column more text;`,
    "migrations/0003_two.sql": `alter table ${table} add column most text;\ncreate index on ${table} (total);`,
    "migrations/0004_type.sql": `alter table ${table} alter column id type numeric;`,
    "migrations/0005_later.sql": `alter table ${table} add constraint customer_known foreign key (customer) references customers not valid;`,
    "migrations/0006_valid.sql": `alter table ${table} validate constraint customer_known;`,
    "migrations/0007_all.sql": `update ${table} set ok = false;`,
    "migrations/0008_new.sql": "create table fresh (id int primary key);",
  });
  const before = await stateOf(db.admin);
  const { json } = await godwit("plan", "--rehearse", "--json");
  expect(await stateOf(db.admin)).toEqual(before);
  const of = (revision: string) => json.rehearsal.steps.find((step: Json) => step.revision === revision);
  for (const revision of ["0003_two", "0004_type", "0006_valid", "0007_all"])
    expect(of(revision).predictedMs, revision).toBeGreaterThan(0);
  for (const revision of ["0002_brief", "0008_new"]) expect(of(revision).predictedMs, revision).toBeNull();
  const relation = 'public.Odd "Name';
  // The lock of its first statement is kept while the second one works.
  expect(of("0003_two").outages).toEqual([
    { relation, mode: "ACCESS EXCLUSIVE", durationMs: of("0003_two").predictedMs },
  ]);
  expect(of("0006_valid").outages).toEqual([]);
  expect(of("0004_type").predictedMs).toBeGreaterThan(of("0003_two").statements[0].durationMs);
  expect((await godwit("plan", "--rehearse")).stdout).toMatch(
    /ACCESS EXCLUSIVE on public\.Odd "Name for about \d/,
  );
});

test("where triggers or foreign keys work for each row, how long that takes is not said", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_base.sql": `create table parents (id int primary key, n int);
create table children (id int primary key, parent int references parents on delete cascade, n int);
insert into parents select n, n from generate_series(1, 2000) n;
insert into children select n, n, n from generate_series(1, 2000) n;
create function same() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger same before update on children for each row execute function same();`,
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await db.sql("analyze parents; analyze children");
  writeFiles(folder, {
    "migrations/0002_bare.sql": "update parents set n = 0;",
    "migrations/0003_trigger.sql": "update children set n = 0;",
    "migrations/0004_leaf.sql": "delete from children;",
    "migrations/0005_cascade.sql": "delete from parents;",
  });
  const { json } = await godwit("plan", "--rehearse", "--json");
  const known = json.rehearsal.steps.map(({ revision, predictedMs }: Json) => [
    revision,
    predictedMs !== null,
  ]);
  expect(known).toEqual([
    ["0002_bare", true],
    ["0003_trigger", false],
    ["0004_leaf", true],
    ["0005_cascade", false],
  ]);
});

test("a lock is held while messages are under way to a server that is far away", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_base.sql":
      "create table orders (id int primary key, total int); insert into orders select n, n from generate_series(1, 1000) n;",
  });
  await commandIn({ folder, url: db.url })("up");
  await db.sql("analyze orders");
  writeFiles(folder, { "migrations/0002_index.sql": "create index on orders (total);" });
  const proxy = await startProxy({ port: Number(new URL(db.url).port) });
  try {
    proxy.delay(40);
    const far = new URL(db.url);
    far.port = String(proxy.port);
    const { json } = await commandIn({ folder, url: far.href })("plan", "--rehearse", "--json");
    const [step] = json.rehearsal.steps;
    expect(step.predictedMs).toBeGreaterThanOrEqual(160);
    expect(step.outages).toMatchObject([{ mode: "SHARE", durationMs: step.predictedMs }]);
  } finally {
    await proxy.close();
  }
});

test("a run with --max-risk keeps what was predicted, and plan --calibration grades it", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_base.sql":
      "create table orders (id int primary key, total int); insert into orders select n, n from generate_series(1, 50000) n;",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  expect((await godwit("plan", "--calibration", "--json")).json).toMatchObject({ steps: [], ratio: null });
  await db.sql("analyze orders");
  writeFiles(folder, {
    "migrations/0002_brief.sql": "alter table orders add column more text;",
    "migrations/0003_index.sql": "create index on orders (total);",
  });
  await godwit("up", "--max-risk", "rewrites");
  const { json } = await godwit("plan", "--calibration", "--json");
  expect(json.steps).toMatchObject([{ revision: "0003_index" }]);
  expect(json.steps[0].predictedMs).toBeGreaterThan(0);
  expect(json.ratio).toBeCloseTo(json.steps[0].measuredMs / json.steps[0].predictedMs, 5);
  await using migrator = createMigrator({
    dir: join(folder, "migrations"),
    databaseUrl: db.url,
    ledgerSchema,
  });
  expect((await migrator.calibration()).steps).toHaveLength(1);
  expect((await godwit("history", "--log")).stdout).toContain("predicted");
  await godwit("status", "--check");
});
