/** The law: what the command does, the library does. Every scenario runs through both, each on a database of its own. */
import type { GodwitError, MigratorConfig } from "../../src/index.ts";
import { adopt, baseline, down, plan, repair, reported, status, up } from "../support/acts.ts";
import { commandIn, type Json } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { codesOf, type Scene, throughBothDoors } from "../support/doors.ts";
import { psql } from "../support/psql.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

/** In between the files change, or the database does. */
const files = (changes: Files) => ({ files: changes });
const sql = (text: string) => ({ sql: text });
const accept = (revision: string) => repair({ kind: "accept", revision });

const AB: Files = {
  "0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
  "0002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;",
};
const PRISMA = `create table _prisma_migrations (id text, checksum text, finished_at timestamptz, migration_name text, logs text,
  rolled_back_at timestamptz, started_at timestamptz default '2024-01-01Z', applied_steps_count int default 1);
insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', 'x', '2024-01-01Z', '20240101000000_a')`;

const SCENARIOS: Readonly<Record<string, readonly [Files, readonly Scene[], MigratorConfig?]>> = {
  "a fresh database": [AB, [status, plan(), up(), status, up(), plan()]],
  "applied in part, and further": [
    AB,
    [up("+1"), status, up("0002"), down("-1"), status, down("base"), status],
  ],
  "goals that go nowhere": [
    AB,
    [up("nonsense"), up("+7"), down("-1"), plan("000"), baseline("x"), up("base"), down("heads")],
  ],
  "an edited file": [
    AB,
    [
      up(),
      files({ "0001_a.sql": "create table a (id bigint);" }),
      status,
      plan(),
      up(),
      accept("0001_a"),
      status,
      up(),
    ],
  ],
  "a late file": [
    AB,
    [
      up(),
      files({ "0001_z.sql": "select 1;", "0000_late.sql": "create table late ();" }),
      status,
      plan(),
      up(),
    ],
  ],
  "a late file that is welcome": [
    AB,
    [up(), files({ "0000_late.sql": "create table late ();" }), status, up()],
    { outOfOrder: true },
  ],
  "a file that fails": [
    { ...AB, "0003_bad.sql": "select nonsense;", "0004_after.sql": "create table after ();" },
    [up(), status, files({ "0003_bad.sql": "select 1;" }), up(), status],
  ],
  "a file that fails and others that go on": [
    { ...AB, "0003_bad.sql": "select nonsense;", "0004_after.sql": "create table after ();" },
    [up(), status],
    { onFailure: "continue" },
  ],
  "a file that stops half-way": [
    { "0001_a.sql": "-- godwit: transaction=off\ncreate table a ();\nselect nonsense;" },
    [up(), status, plan(), down("base"), files({ "0001_a.sql": "create table a ();" }), up(), status],
  ],
  "a broken file": [
    { ...AB, "0003_c.sql": "create table c (id int); select 'open" },
    [status, plan(), up(), status],
  ],
  "several heads": [
    {
      "a.sql": "-- godwit: revises=none\ncreate table a ();",
      "b.sql": "-- godwit: revises=a\ncreate table b ();",
      "c.sql": "-- godwit: revises=a\ncreate table c ();",
    },
    [status, plan("head"), up("head"), up("heads"), status],
  ],
  "phases held back and asked for": [
    {
      ...AB,
      "0003_c.sql": "-- godwit: phase=complex\ncreate table c ();",
      "0004_d.sql": "-- godwit: phase=contract\ndrop table b;",
    },
    [status, up(), status, plan("0003"), up("0003")],
    { mode: "startup" },
  ],
  "a way back that is missing": [{ "0001_a.sql": "create table a ();" }, [up(), down("base"), status]],
  "a baseline": [AB, [sql("create table a (id int)"), baseline("0001"), status, up(), down("base"), status]],
  "another tool's history": [
    {
      "migration_lock.toml": 'provider = "postgresql"',
      "20240101000000_a/migration.sql": "create table a ();",
      "20240102000000_b/migration.sql": "create table b ();",
    },
    [sql(PRISMA), status, adopt(true), up(), adopt(false), status, up()],
  ],
  "a file that is gone": [AB, [up(), files({ "0002_b.sql": "" }), status, plan(), up()]],
};

test.for(Object.entries(SCENARIOS))(
  "%s",
  { timeout: 60_000 },
  async ([, [files, scenes, config = {}]], { db }) => throughBothDoors(db, { files, scenes, config }),
);

test("several targets: the command and the fleet end alike, target by target", { timeout: 60_000 }, async ({
  db,
}) => {
  const databases = await createDatabases(db, 4);
  try {
    const root = folderOf({ "good/0001_a.sql": "create table a ();", "bad/0001_a.sql": "select nonsense;" });
    const targets = (urls: readonly string[]) => ({
      good: { url: urls[0] ?? "", dir: "good", ledgerSchema },
      bad: { url: urls[1] ?? "", dir: "bad", ledgerSchema },
    });
    const outcome = (report: Json) =>
      report.targets.map((t: Json) => [t.name, t.ok, t.state, codesOf(t.problems), reported(t.report)]);
    writeFiles(root, {
      "godwit.config.json": JSON.stringify({ targets: targets(databases.urls.slice(0, 2)) }),
    });
    const command = commandIn({ folder: root });
    await using fleet = createFleet({ targets: targets(databases.urls.slice(2)), root, environment: {} });
    const { json } = await command.fails(1, "up", "--json");
    const error = await fleet.up().catch((thrown: unknown) => thrown);
    expect(outcome((error as GodwitError).report)).toEqual(outcome(json));
    const named = await command("up", "--target", "good", "--json");
    expect(outcome(await fleet.up({ targets: ["good"] }))).toEqual(outcome(named.json));
  } finally {
    await databases.drop();
  }
});

test("several targets: the command and the fleet find the same drift, and the same in the files", {
  timeout: 120_000,
}, async ({ db }) => {
  const databases = await createDatabases(db, 2);
  try {
    const files = {
      "one/0001_a.sql": "create table a (id bigint);",
      "two/0001_b.sql": "drop table if exists b;",
    };
    const [one = "", two = ""] = databases.urls;
    const targets = {
      one: { url: one, dir: "one", ledgerSchema },
      two: { url: two, dir: "two", ledgerSchema },
    };
    const root = folderOf({ ...files, "godwit.config.json": JSON.stringify({ targets }) });
    const command = commandIn({ folder: root });
    await using fleet = createFleet({ targets, root, environment: {} });
    const plain = (answer: unknown) => JSON.parse(JSON.stringify(answer)) as Json;
    const linted = (await command.fails(1, "lint", "--all", "--json")).json;
    expect(plain(await fleet.lint({ all: true })).findings).toEqual(linted.findings);
    expect(linted.findings.length).toBeGreaterThan(0);
    expect((await fleet.lint({ all: true, targets: ["one"] })).findings).toEqual([]);
    await command("up");
    expect(psql(two, "create table by_hand (id int)")).toBeNull();
    const differences = async () => {
      const answer = await fleet.drift();
      return plain(answer).targets.map(({ name, report }: Json) => [name, report.differences]);
    };
    const { json } = await command.fails(1, "drift", "--json");
    const said = json.targets.map(({ name, differences }: Json) => [name, differences]);
    expect(said[1][1]).toMatchObject([{ change: "added", name: "public.by_hand" }]);
    expect(await differences()).toEqual(said);
    expect((await fleet.drift({ targets: ["two"], accept: true })).targets).toMatchObject([
      { name: "two", report: { accepted: true } },
    ]);
    await command("drift");
    expect((await differences()).map(([, found]: Json) => found)).toEqual([[], []]);
  } finally {
    await databases.drop();
  }
});

test("several targets: the command and the fleet test the same migrations, also where a target has schemas", {
  timeout: 240_000,
}, async ({ db }) => {
  await db.sql("create schema a; create schema b");
  const files = {
    "one/0001_a.sql": "-- migrate:up\ncreate table a (id bigint);\n-- migrate:down\ndrop table a;",
    "two/0001_a.sql": "-- migrate:up\ncreate table b (id bigint);\n-- migrate:down\nselect 1;",
  };
  const targets = {
    one: { url: db.url, dir: "one", ledgerSchema },
    two: { url: db.url, dir: "two", schemas: ["a", "b"] },
  };
  const root = folderOf({ ...files, "godwit.config.json": JSON.stringify({ targets }) });
  const command = commandIn({ folder: root });
  await using fleet = createFleet({ targets, root, environment: {} });
  const of = ({ migrations, counts }: Json) => ({
    counts,
    migrations: migrations.map(({ revision, state, failedAt }: Json) => [revision, state, failedAt]),
  });
  const passed = (await command("test", "--target", "one", "--json")).json;
  const failed = (await command.fails(1, "test", "--target", "two", "--json")).json;
  const { targets: both } = await fleet.test();
  expect(both.map(({ name, ok, report }) => [name, ok, of(report)])).toEqual([
    ["one", true, of(passed)],
    ["two", true, of(failed)],
  ]);
  expect([passed.counts.passed, failed.counts.failed]).toEqual([1, 1]);
  const one = await fleet.test({ targets: ["two/b"], revision: "0001" });
  expect(one.targets).toMatchObject([
    { state: "group", schemas: [{ name: "two/b", report: { counts: { failed: 1 } } }] },
  ]);
  await expect(fleet.test({ revision: "0007" })).rejects.toMatchObject({ code: "REVISION_UNKNOWN" });
  await expect(fleet.test({ revisions: [] } as never)).rejects.toThrow(/test\(\) of a fleet/);
});
