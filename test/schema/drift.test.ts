/** Whoever changes the schema by hand is found out, by every door, and nothing else is. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createHealth } from "../../src/health.ts";
import { canary } from "../support/canaries.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { startReceiver } from "../support/receiver.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = {
  "migrations/0001_users.sql":
    "-- migrate:up\ncreate table users (id integer primary key, email text);\n-- migrate:down\ndrop table users;\n",
};

function project(db: TestDatabase, files: Files = {}) {
  const folder = folderOf({ ...FILES, ...files });
  return { folder, godwit: commandIn({ folder, url: db.url }) };
}

test("a change by hand is named, and is no drift once it is accepted", async ({ db }) => {
  const { godwit } = project(db);
  await godwit("up");
  expect((await godwit("drift")).stdout).toMatch(/: no drift since \d{4}-/);
  await db.sql("alter table users alter email set not null; create index by_email on users (email)");
  const { stdout } = await godwit.fails(1, "drift");
  expect(stdout).toContain("2 differences since");
  expect(stdout).toContain("  column public.users.email: not null was not set, is set\n");
  expect(stdout).toContain("  index public.by_email: added");
  const { json } = await godwit.fails(1, "drift", "--json");
  expect(json).toMatchObject({ drifted: true, ignored: 0, accepted: false });
  expect(json.differences).toEqual([
    {
      ...{ change: "changed", kind: "column", name: "public.users.email" },
      attributes: [{ attribute: "not null", from: null, to: true }],
    },
    { change: "added", kind: "index", name: "public.by_email", attributes: [] },
  ]);
  expect((await godwit("drift", "--accept")).stdout).toContain(
    "the schema is kept as it is, with 2 differences",
  );
  expect((await godwit("drift", "--json")).json).toMatchObject({ drifted: false, differences: [] });
  expect((await godwit("history", "--log")).stdout).toContain("accepted");
  await godwit("status", "--check");
});

test("what migrations change is no drift: up, down, and a run that fails half-way", async ({ db }) => {
  const { folder, godwit } = project(db);
  await godwit("up");
  writeFiles(folder, {
    "migrations/0002_more.sql": "alter table users add name text;",
    "migrations/0003_wrong.sql": "alter table nowhere add name text;",
  });
  await godwit.fails(1, "up");
  await godwit("drift");
  writeFiles(folder, {
    "migrations/0003_wrong.sql": "-- godwit: transaction=off\ncreate table half (id integer);\nselect 1 / 0;",
  });
  await godwit.fails(1, "up");
  await godwit("drift");
  writeFiles(folder, { "migrations/0003_wrong.sql": "select 1;" });
  await godwit("repair", "--forget", "0003_wrong", "--confirm", db.name);
  await godwit("up");
  expect((await godwit.fails(1, "down", "base")).stderr).toContain("0003_wrong");
  await godwit("drift");
});

test("ignored are the objects of a pattern, with all that belongs to them", async ({ db }) => {
  const { godwit } = project(db, {
    "godwit.config.json": JSON.stringify({ driftIgnore: ["table public.spatial_*", "*.by_email"] }),
  });
  await db.sql("create table spatial_ref (id integer, a text)");
  await godwit("up");
  await db.sql("alter table spatial_ref alter a set default 'x'; create index by_email on users (email)");
  expect((await godwit("drift")).stdout).toContain("2 more are ignored (driftIgnore)");
  await db.sql("create index by_id on users (id)");
  expect((await godwit.fails(1, "drift", "--json")).json.differences).toHaveLength(1);
});

test("--require-no-drift stops before anything is done, and goes on once the drift is accepted", async ({
  db,
}) => {
  const { folder, godwit } = project(db);
  await godwit("up", "--require-no-drift");
  await db.sql("alter table users drop email");
  writeFiles(folder, { "migrations/0002_more.sql": "alter table users add name text;" });
  const { json } = await godwit.fails(1, "up", "--require-no-drift", "--json");
  expect(json.problems[0]).toMatchObject({
    code: "SCHEMA_DRIFTED",
    message: expect.stringContaining("column public.users.email: removed"),
  });
  expect(
    await db.sql(
      "select 1 from information_schema.columns where column_name = 'name' and table_name = 'users'",
    ),
  ).toEqual([]);
  await godwit.fails(1, "drift");
  await godwit("drift", "--accept");
  await godwit("up", "--require-no-drift");
});

test("up warns of drift before it begins, and it is drift until it is undone or accepted", async ({ db }) => {
  const { folder, godwit } = project(db);
  await godwit("up");
  await db.sql("alter table users drop email; create table by_hand ()");
  expect((await godwit("up")).stderr).not.toContain("changed since");
  writeFiles(folder, {
    "migrations/0002_more.sql":
      "-- migrate:up\nalter table users add name text;\n-- migrate:down\nalter table users drop name;\n",
  });
  const { json } = await godwit("up", "--json");
  expect(json.report.warnings).toMatchObject([
    {
      code: "SCHEMA_DRIFTED",
      message: expect.stringContaining("column public.users.email: removed; table public.by_hand: added"),
      hint: expect.stringContaining("`godwit drift`"),
    },
  ]);
  const drifted = ["public.users.email", "public.by_hand"];
  const names = async () =>
    (await godwit.fails(1, "drift", "--json")).json.differences.map(({ name }: Json) => name);
  expect(await names()).toEqual(drifted);
  expect((await godwit("down", "-1")).stderr).not.toContain("changed since");
  expect(await names()).toEqual(drifted);
  expect((await godwit("up")).stderr).toContain("warning");
  await db.sql("drop table by_hand; alter table users add email text");
  await godwit("drift");
  writeFiles(folder, { "migrations/0003_more.sql": "alter table users add more text;" });
  expect((await godwit("up", "--json")).json.report.warnings).toEqual([]);
  await godwit("drift");
});

test("a run does not wait for whoever has locked a table: what cannot be seen or kept is said, and stops nothing", async ({
  db,
}) => {
  const { folder, godwit } = project(db);
  await godwit("up");
  await db.sql("create view emails as select email from users");
  await godwit("drift", "--accept");
  const other = await db.connect();
  await other.query("begin; lock table users in access exclusive mode");
  writeFiles(folder, { "migrations/0002_more.sql": "create table more ();" });
  const { stderr } = await godwit("up");
  expect(stderr).toContain("Whether the schema was changed by hand since the last run could not be seen");
  expect(stderr).toContain("What this run has changed stays, but no snapshot of the schema could be kept");
  await other.query("rollback");
  await godwit("drift", "--accept");
  await godwit("drift");
});

test("webhooks, the status file, metrics and a program are told of drift", async ({ db }) => {
  const [plain, chat] = [await startReceiver(), await startReceiver()];
  const webhooks = [{ url: plain.url }, { url: chat.url, format: "slack" }];
  const { folder, godwit } = project(db, { "godwit.config.json": JSON.stringify({ webhooks }) });
  await godwit("up");
  expect(plain.received.map(({ json }) => json.type)).toEqual(["run.started", "run.completed"]);
  await db.sql("create table by_hand ()");
  writeFiles(folder, { "migrations/0002_more.sql": "alter table users add name text;" });
  await godwit("up");
  const found = plain.received.find(({ json }) => json.type === "drift.found")?.json;
  expect(found.data).toMatchObject({ command: "up", drifted: ["table public.by_hand"], count: 1 });
  expect(chat.received.map(({ json }) => json.text).join("\n")).toContain(
    "1 object was changed by hand since the last run: `table public.by_hand`. `godwit drift` shows how.",
  );
  writeFiles(folder, { "migrations/0003_more.sql": "alter table users add more text;" });
  const told: unknown[] = [];
  const health = createHealth();
  await using migrator = createMigrator({
    ...{ databaseUrl: db.url, root: folder, ledgerSchema },
    observe: (event) => {
      health.observe(event);
      if (event.kind === "drift-checked") told.push(event.objects);
    },
  });
  await migrator.up();
  expect(told).toEqual([["table public.by_hand"]]);
  const before = plain.received.length;
  await godwit.fails(1, "drift");
  expect(plain.received.length).toBe(before + 1);
  expect(plain.received.at(-1)?.json).toMatchObject({
    type: "drift.found",
    data: { command: "drift", drifted: ["table public.by_hand"], count: 1 },
  });
  await godwit("drift", "--accept");
  expect(plain.received.length).toBe(before + 1);
  const asked = async (path: string) => (await health.fetch(new Request(`http://localhost${path}`))).text();
  expect(JSON.parse(await asked("/api/health")).migrations).toMatchObject({ status: "completed", drift: 1 });
  expect(await asked("/metrics")).toContain("\ngodwit_schema_drift 1\n");
});

test("without a snapshot, or with one from before the last migration, nothing is guessed", async ({ db }) => {
  const { folder, godwit } = project(db);
  const missing = await godwit.fails(1, "drift", "--json");
  expect(missing.json.problems[0].code).toBe("SCHEMA_SNAPSHOT_MISSING");
  await godwit("up");
  writeFiles(folder, { "migrations/0002_more.sql": "alter table users add name text;" });
  expect(psql(db.url, (await godwit("up", "--sql", "--from", "0001")).stdout)).toBeNull();
  const outdated = await godwit.fails(1, "drift", "--json");
  expect(outdated.json.problems[0].code).toBe("SCHEMA_SNAPSHOT_OUTDATED");
  await godwit("drift", "--accept");
  await godwit("drift");
  await db.sql(`drop table "${ledgerSchema}".migration_schema`);
  expect((await godwit.fails(1, "drift", "--json")).json.problems[0].code).toBe("SCHEMA_SNAPSHOT_MISSING");
  await godwit("status", "--check");
  await godwit("drift", "--accept");
  await godwit("drift");
});

test("a snapshot that cannot be kept stops nothing, and is kept once that is mended", async ({ db }) => {
  const { folder, godwit } = project(db);
  await godwit("up");
  await db.admin(`alter table "${ledgerSchema}".migration_schema owner to postgres`);
  writeFiles(folder, { "migrations/0002_more.sql": "alter table users add name text;" });
  const { stderr } = await godwit("up");
  expect(stderr).toContain("What this run has changed stays, but no snapshot of the schema could be kept");
  expect(stderr).toContain("`godwit drift --accept`");
  await db.admin(`alter table "${ledgerSchema}".migration_schema owner to ${db.owner}`);
  const { json } = await godwit.fails(1, "drift", "--json");
  expect(json.problems[0].code).toBe("SCHEMA_SNAPSHOT_OUTDATED");
  await godwit("drift", "--accept");
  await godwit("drift");
});

test("a secret of a migration is not kept, and the function that holds it is no drift", async ({ db }) => {
  const secret = canary("a value in the text of a function");
  const folder = folderOf({
    "godwit.config.json": JSON.stringify({ layout: "flyway", dir: "sql", placeholders: { apiKey: secret } }),
    "sql/V1__call.sql":
      "create function call() returns text language sql as 'select ''$" + "{apiKey}''::text';",
  });
  const godwit = commandIn({ folder, url: db.url, env: { SHOP_API_KEY: secret } });
  await godwit("up");
  await godwit("drift");
  rmSync(join(folder, "godwit.config.json")); // it holds the secret, as its author wants it
  await db.sql("create or replace function call() returns text language sql as 'select ''other''::text'");
  const { stdout } = await commandIn({ folder, url: db.url }).fails(1, "drift");
  expect(stdout).toMatch(
    /function public\.call\(\): source was \(holds a secret\) #[0-9a-f]{4}, is select 'other'/,
  );
});

test("each of several targets is compared by itself, also where each is a schema of one database", async ({
  db,
}) => {
  const schemas = ["one", "order", 'a "b'];
  for (const name of schemas) await db.sql(`create schema "${name.replaceAll('"', '""')}"`);
  const folder = folderOf({
    ...FILES,
    "godwit.config.json": JSON.stringify({ targets: { shops: { url: db.url, schemas } } }),
  });
  const godwit = commandIn({ folder });
  await godwit("up");
  await godwit("drift");
  await db.sql(`alter table "order".users add name text; create table public.elsewhere ()`);
  const { json } = await godwit.fails(1, "drift", "--json");
  const states = json.targets[0].schemas.map(({ name, drifted }: Json) => [name, drifted]);
  expect(states).toEqual([
    ["shops/one", false],
    ["shops/order", true],
    ['shops/a "b', false],
  ]);
  expect((await godwit.fails(1, "drift")).stdout).toMatch(
    /^ {2}shops\/order: .*: 1 difference since .*: column "order"\.users\.name: added$/m,
  );
  await godwit("drift", "--accept");
  expect((await godwit("drift")).stdout).toContain("shops/order: ");
  expect((await godwit.fails(1, "drift", "--files", "--json")).json.targets[0].schemas).toMatchObject([
    { name: "shops/one", drifted: false, comparedWith: "files" },
    { name: "shops/order", differences: [{ change: "added", kind: "column", name: '"order".users.name' }] },
    { name: 'shops/a "b', drifted: false },
  ]);
  const refused = await godwit.fails(2, "drift", "--sql", "--target", 'shops/a "b');
  expect(refused.stderr).toContain("SQL is proven on whole databases");
  const [, led] = /`godwit ([^`]*)` names what differs/.exec(refused.stderr) ?? [];
  expect(led).toBe(`drift --files --target 'shops/a "b'`);
  await godwit("drift", "--files", "--target", 'shops/a "b');
  await godwit("drift", "--target", "shops/one");
});

test("a ledger in a schema of the app, and one whose name is a word of SQL, are no drift", async ({ db }) => {
  await db.sql("create schema app");
  for (const schema of ["app", "user", "public"]) {
    const folder = folderOf({ [`migrations/0001_${schema}.sql`]: `create table app."in_${schema}" ();` });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_LEDGER_SCHEMA: schema } });
    await godwit("up", "--allow-second-ledger");
    expect((await godwit("drift", "--allow-second-ledger", "--json")).json.differences).toEqual([]);
    await db.sql(`create table app."by_hand_${schema}" ()`);
    const { json } = await godwit.fails(1, "drift", "--allow-second-ledger", "--json");
    expect(json.differences).toMatchObject([{ change: "added", name: `app.by_hand_${schema}` }]);
  }
});

test("a program asks the same, and what belongs to Godwit is no drift", async ({ db }) => {
  const { folder } = project(db, {
    "migrations/0002_fill.sql":
      "-- godwit: backfill table=users undo=1d\nupdate users set email = 'x' where :window;\n",
  });
  await db.sql("create schema if not exists app");
  await using migrator = createMigrator({ databaseUrl: db.url, root: folder, ledgerSchema });
  await migrator.up();
  expect(await migrator.drift()).toMatchObject({ drifted: false, differences: [] });
  await db.sql("comment on table users is 'people'");
  expect(await migrator.drift()).toMatchObject({ drifted: true, differences: [{ kind: "table" }] });
  expect(await migrator.drift({ accept: true })).toMatchObject({ drifted: false, accepted: true });
  expect(await migrator.drift()).toMatchObject({ drifted: false });
});
