/** `up --sql` in the folder of a tool: its script stops before it does anything where the tool has a migration already. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import type { Target } from "../../src/run/session/target.ts";
import { renderScript } from "../../src/run/sql-script.ts";
import { toolsOf } from "../../src/tools/tools.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, recorder, UP } from "../support/target.ts";
import { succeed } from "../support/tool.ts";
import { targetIn } from "../support/tools.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

async function scriptOf(target: Target, from = "base"): Promise<string> {
  return renderScript(target, { ...UP, from }, recorder());
}

/** What psql says where it stops; `null`: it went through. */
function psql(db: TestDatabase, script: string): string | null {
  const file = join(folderOf({}), "script.sql");
  writeFileSync(file, script);
  try {
    execFileSync("psql", ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", file, db.url], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
    return null;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

const A = "create table a (id int);\n";
const B = "create table b (id int);\n";
const graphile = (body: string, previous: string, hash: string) =>
  `--! Previous: ${previous}\n--! Hash: ${hash}\n--! AllowInvalidHash\n\n${body}`;
const PLAN =
  "%syntax-version=1.0.0\n%project=p\n\na 2024-01-02T10:15:00Z N <n@x.y> # a\nb 2024-01-03T10:15:00Z N <n@x.y> # b\n";

interface Case {
  readonly layout: string;
  readonly files: Files;
  /** Where the tool itself does not make it as we would. */
  readonly history?: string;
  readonly schema?: string;
}

const HASHES = [`sha1:${"1".repeat(40)}`, `sha1:${"2".repeat(40)}`] as const;
const FLYWAY =
  "create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200), type varchar(20), script varchar(1000), checksum int, installed_by varchar(100), installed_on timestamp default now(), execution_time int, success boolean);";
const CASES: readonly Case[] = [
  {
    layout: "dbmate",
    files: {
      "001_a.sql": `-- migrate:up\n${A}-- migrate:down\n`,
      "002_b.sql": `-- migrate:up\n${B}-- migrate:down\n`,
    },
    schema: "auth",
  },
  {
    layout: "goose",
    files: { "001_a.sql": `-- +goose Up\n${A}`, "002_b.sql": `-- +goose Up\n${B}` },
    schema: "app",
  },
  { layout: "sqlx", files: { "1_a.sql": A, "2_b.sql": B } },
  { layout: "diesel", files: { "2024-01_a/up.sql": A, "2024-02_b/up.sql": B } },
  { layout: "golang-migrate", files: { "1_a.up.sql": A, "2_b.up.sql": B } },
  {
    layout: "node-pg-migrate",
    files: { "1_a.sql": `-- Up Migration\n${A}`, "2_b.sql": `-- Up Migration\n${B}` },
  },
  {
    layout: "graphile-migrate",
    files: {
      "committed/000001-a.sql": graphile(A, "-", HASHES[0]),
      "committed/000002-b.sql": graphile(B, HASHES[0], HASHES[1]),
    },
  },
  { layout: "prisma", files: { "1_a/migration.sql": A, "2_b/migration.sql": B } },
  {
    layout: "flyway",
    files: { "V1__a.sql": A, "V1_1__b.sql": B },
    history: `${FLYWAY} insert into flyway_schema_history (installed_rank, version, type, success) values (1, '01.1.0', 'SQL', true)`,
  },
  {
    layout: "flyway",
    files: { "V1__a.sql": A, "V2__b.sql": B },
    history: `create schema old; set search_path = old; ${FLYWAY.replace("flyway_schema_history", "schema_version")} insert into schema_version (installed_rank, version, type, success) values (1, '1', 'BASELINE', true)`,
  },
  {
    layout: "liquibase",
    files: {
      "a.sql": `--liquibase formatted sql\n--changeset me:1\n${A}--changeset Me:2\n${B}`,
    },
    history:
      "create table databasechangelog (id varchar(255), author varchar(255), filename varchar(255), md5sum varchar(35), orderexecuted int); insert into databasechangelog values ('2', 'me', 'classpath:/A.sql', null, 1)",
  },
  {
    layout: "sqitch",
    files: { "sqitch.plan": PLAN, "deploy/a.sql": A, "deploy/b.sql": B },
    // The note was edited since: the same change by another id.
    history:
      "create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text, project text, committed_at timestamptz); insert into sqitch.changes values ('0', '1', 'b', 'p', now())",
  },
];

async function historyFor(target: Target, { layout, history, schema }: Case): Promise<string> {
  if (history !== undefined) return history;
  const [tool] = toolsOf(layout);
  const { migrations } = await target.source.list();
  const keys = migrations.flatMap(({ tool: key }) => key ?? []);
  const made = tool?.writer?.create(keys, schema === undefined ? null : { schema, name: tool.table });
  const last = migrations.at(-1);
  const row =
    made &&
    tool?.writer?.up(made.table, {
      ...{ revision: last?.id ?? "", key: last?.tool ?? null, text: B, previous: null, ledger: "" },
    });
  // A chain of hashes is a foreign key.
  const alone = layout === "graphile-migrate" ? (row ?? "").replaceAll(`'${HASHES[0]}'`, "null") : row;
  return `${made?.sql}; ${alone}`;
}

const tables = (db: TestDatabase) =>
  db.sql("select relname from pg_class where relname in ('a', 'b') and relkind = 'r' order by 1");

describe.skipIf(withoutPsql)("a script stops where the tool has one of its steps", () => {
  test.for(CASES.map((one, index) => [`${one.layout} (${index})`, one] as const))(
    "%s",
    async ([, one], { db }) => {
      const folder = folderOf(one.files);
      const target = await targetIn(one.layout, { url: db.url, folder });
      const script = await scriptOf(target);
      await db.sql(await historyFor(target, one));
      expect(psql(db, script)).toMatch(
        /is in the history of .*it would run a second time[\s\S]*godwit adopt/,
      );
      expect(await tables(db)).toEqual([]);
    },
  );

  test.for(CASES.map((one, index) => [`${one.layout} (${index})`, one] as const))(
    "and runs where it has none: %s",
    async ([, one], { db }) => {
      const target = await targetIn(one.layout, { url: db.url, folder: folderOf(one.files) });
      expect(psql(db, await scriptOf(target))).toBe(null);
      expect(await tables(db)).toHaveLength(2);
    },
  );

  test("of golang-migrate all that is not above its number counts", async ({ db }) => {
    const folder = folderOf({ "1_a.up.sql": A });
    const target = await targetIn("golang-migrate", { url: db.url, folder });
    await db.sql(
      "create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (4, false)",
    );
    expect(psql(db, await scriptOf(target))).toContain("1_a is in the history of golang-migrate");
  });

  test("kept in step, and its table is in another schema than the script would make", async ({ db }) => {
    const folder = folderOf({ "001_a.sql": `-- migrate:up\n${A}-- migrate:down\n` });
    await db.sql(
      "create schema auth; create table auth.schema_migrations (version varchar primary key); insert into auth.schema_migrations values ('001')",
    );
    const kept = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "dbmate" } });
    expect(psql(db, await scriptOf(kept))).toContain("auth.schema_migrations");
    // The ways out that the message names.
    const none = await targetIn("dbmate", { url: db.url, folder, settings: { mirror: "none" } });
    expect(psql(db, await scriptOf(none))).toBe(null);
  });

  test("what the original has run: dbmate", async ({ db }) => {
    const folder = folderOf({ "001_a.sql": `-- migrate:up\n${A}-- migrate:down\n` });
    const target = await targetIn("dbmate", { url: db.url, folder });
    const script = await scriptOf(target);
    await succeed("dbmate", ["--url", `${db.url}?sslmode=disable`, "-d", ".", "--no-dump-schema", "up"], {
      folder,
    });
    expect(psql(db, script)).toContain("001_a is in the history of dbmate (public.schema_migrations)");
  });
});
