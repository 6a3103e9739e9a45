/** A script of `--sql` stops at a row that a tool's history has lost, also where no file has the tool's own key. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { type Files, folderOf } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

interface Scene {
  readonly tool: string;
  readonly history: string;
  readonly take: string;
  /** Files beside the one that is to run. */
  readonly files?: Files;
  readonly from?: string;
  readonly lost: string;
}

const revising = (parent: string) => `-- godwit: revises=${parent}\ninsert into eff values (1);`;

const SCENES: Readonly<Record<string, Scene>> = {
  "knex, whose programs were adopted": {
    tool: "knex",
    history: `create table knex_migrations (id serial primary key, name varchar, batch int, migration_time timestamptz);
      insert into knex_migrations (name, batch, migration_time) values ('0001_a.js', 1, now()), ('0002_b.js', 1, now())`,
    take: "delete from knex_migrations where name = '0002_b.js'",
    lost: "0002_b.js",
  },
  "Django, with its apps": {
    tool: "django",
    history: `create table django_migrations (id serial primary key, app varchar, name varchar, applied timestamptz);
      insert into django_migrations (app, name, applied) values ('shop', '0001_initial', now()), ('auth', '0001_initial', now())`,
    take: "delete from django_migrations where app = 'auth'",
    lost: "auth.0001_initial",
  },
  "TypeORM, by its class names": {
    tool: "typeorm",
    history: `create table migrations (id serial primary key, timestamp bigint, name varchar);
      insert into migrations (timestamp, name) values (1700000000001, 'AddA1700000000001'), (1700000000002, 'AddB1700000000002')`,
    take: "delete from migrations where name like 'AddB%'",
    lost: "AddB1700000000002",
  },
  "Alembic, went down": {
    tool: "alembic",
    history:
      "create table alembic_version (version_num varchar primary key); insert into alembic_version values ('b2_b')",
    files: { "migrations/a1_a.sql": revising("none"), "migrations/b2_b.sql": revising("a1_a") },
    from: "b2_b",
    take: "update alembic_version set version_num = 'a1_a'",
    lost: "b2_b",
  },
  "dbmate, in a folder of ours": {
    tool: "dbmate",
    history:
      "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('0001'), ('0002')",
    files: { "migrations/0001_a.sql": "select 1;", "migrations/0002_b.sql": "select 2;" },
    from: "0002_b",
    take: "delete from schema_migrations where version = '0002'",
    lost: "0002_b",
  },
  "golang-migrate, in a folder of ours": {
    tool: "golang-migrate",
    history:
      "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (2, false)",
    files: { "migrations/0001_a.sql": "select 1;", "migrations/0002_b.sql": "select 2;" },
    from: "0002_b",
    take: "update schema_migrations set version = 1",
    lost: "0002_b",
  },
};

async function adopted(db: TestDatabase, { tool, history, files = {}, from = "base" }: Scene) {
  const isGraph = tool === "alembic";
  const next = isGraph
    ? { "migrations/c3_c.sql": revising("b2_b") }
    : { "migrations/0003_c.sql": "insert into eff values (1);" };
  await db.sql(`create table eff (n int); ${history}`);
  const godwit = commandIn({ folder: folderOf({ ".git/HEAD": "", ...files, ...next }), url: db.url });
  await godwit("adopt", "--tool", tool, "--layout", "plain");
  return { godwit, written: (await godwit("up", "--sql", "--from", from, "--layout", "plain")).stdout };
}

const effects = async (db: TestDatabase) => (await db.sql("select from eff")).length;

describe.skipIf(withoutPsql)("a row that is gone stops the script, as it stops up:", () => {
  test.for(Object.entries(SCENES))("%s", async ([, scene], { db }) => {
    const { godwit, written } = await adopted(db, scene);
    await db.sql(scene.take);
    const said = psql(db.url, written);
    expect(said).toContain(`${scene.lost} was in the history of `);
    const { stderr } = await godwit.fails(1, "up", "--layout", "plain");
    expect(stderr.replaceAll(/\s+/g, " ")).toContain(`${scene.lost} was in the history of `);
    expect(await effects(db)).toBe(0);
    const [, command = ""] = /`godwit (repair --forget [^`]+)`/.exec(said ?? "") ?? [];
    await godwit(...command.split(" "), "--confirm", db.name, "--layout", "plain");
    expect(psql(db.url, written) ?? "").not.toContain("was in the history of");
  });

  const ways = Object.entries(SCENES).filter(([name]) => /Django|Alembic|golang/.test(name));
  test.for(ways)("%s: with all rows there it goes through", async ([, scene], { db }) => {
    const { godwit, written } = await adopted(db, scene);
    expect(psql(db.url, written)).toBe(null);
    expect(await effects(db)).toBe(1);
    expect((await godwit("up", "--layout", "plain")).stdout).toContain("nothing to do");
  });
});
