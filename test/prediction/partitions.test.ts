/** Partitioned tables and foreign keys have a prediction as other tables do: generated rows stand in for them. */
import { vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

test("statements of partitioned tables, foreign keys and whole rewrites have a prediction", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_base.sql": `create table customers (id bigint primary key, code uuid unique, name text);
insert into customers select n, md5(n::text)::uuid, 'customer ' || n from generate_series(1, 2000) n;
create table orders (id int primary key, customer int, code uuid, total int, note text);
insert into orders select n, 1 + n % 2000, md5((1 + n % 2000)::text)::uuid, n % 100, repeat('x', 50) from generate_series(1, 30000) n;
create table events (id int, amount int) partition by range (id);
create table events_1 partition of events for values from (0) to (20000);
create table events_2 partition of events for values from (20000) to (40000) partition by range (id);
create table events_3 partition of events_2 for values from (20000) to (40000);
insert into events select n, n % 100 from generate_series(0, 39999) n;`,
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await db.sql("vacuum analyze");
  const pending = {
    "0002_key": "alter table orders add foreign key (customer) references customers;",
    "0003_uuid": "alter table orders add foreign key (code) references customers (code) not valid;",
    "0004_valid": "alter table orders validate constraint orders_code_fkey;",
    "0005_check": "alter table events add check (amount >= 0);",
    "0006_index": "create index on events (amount);",
    "0007_concurrently": "create index concurrently on orders (total);",
    "0008_reindex": "reindex table orders;",
    "0009_cluster": "cluster orders using orders_pkey;",
    "0010_full": "vacuum full orders;",
    "0011_default": "alter table events add column mark float8 default random();",
    "0012_delete": "delete from events;",
  };
  writeFiles(
    folder,
    Object.fromEntries(Object.entries(pending).map(([name, text]) => [`migrations/${name}.sql`, text])),
  );
  const { json } = await godwit("plan", "--rehearse", "--json");
  const times = Object.fromEntries(
    json.rehearsal.steps.map(({ revision, predictedMs }: Json) => [revision, predictedMs]),
  );
  const without = Object.keys(pending).filter((revision) => !(times[revision] > 0));
  expect(without, JSON.stringify(times)).toEqual(["0003_uuid"]);
});

test("a partition in a schema that the role may not use, and a table without partitions, are looked at too", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_type.sql":
      "alter table events alter column note type varchar(20); alter table empty add column mark int;",
  });
  const role = `limited_${process.pid}`;
  await db.admin(`create role ${role} login`);
  try {
    await db.admin(`create schema parts;
create table events (id int, note text) partition by range (id);
create table parts.first (id int, note text);
insert into parts.first select n, 'x' from generate_series(1, 1000) n;
alter table events attach partition parts.first for values from (0) to (10000);
create table empty (id int) partition by range (id);
analyze;
alter table events owner to ${role}; alter table parts.first owner to ${role}; alter table empty owner to ${role};
do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$;`);
    const url = new URL(db.url);
    [url.username, url.password] = [role, ""];
    const { json } = await commandIn({ folder, url: url.href })("plan", "--rehearse", "--json");
    expect(json.rehearsal.steps[0].statements.map(({ state }: Json) => state)).toEqual([
      "rehearsed",
      "rehearsed",
    ]);
    expect(json.rehearsal.relations).toMatchObject([
      { relation: "parts.first", rows: 1000 },
      { relation: "public.empty", rows: 0 },
      { relation: "public.events", rows: 1000 },
    ]);
  } finally {
    await db.admin(`drop owned by ${role}`);
    await db.admin(`drop role ${role}`);
  }
});
