import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { detectLayout } from "./detect.ts";

type Files = Readonly<Record<string, string>>;

/** A repository with these files; those that begin with `../` stand beside or above the folder of the migrations. */
function detectIn(files: Files, below = "db/migrations"): string {
  const here = (name: string) => join(below, name);
  const placed = Object.entries(files).map(([name, text]) => [here(name), text]);
  const root = createFolder({ "package.json": "{}", ...Object.fromEntries(placed) });
  mkdirSync(join(root, ".git"));
  mkdirSync(join(root, below), { recursive: true });
  return detectLayout(join(root, below));
}

function refusalIn(files: Files, below?: string) {
  try {
    return { layout: detectIn(files, below) };
  } catch (error) {
    const { code, message, hint, details } = error as Record<string, unknown>;
    return { code, message, hint, details };
  }
}

const DBMATE = "-- migrate:up\nselect 1;\n\n-- migrate:down\n";
const GOOSE = "-- +goose Up\nselect 1;\n";

describe("a folder is", () => {
  const cases: readonly (readonly [layout: string, what: string, files: Files, below?: string])[] = [
    ["drizzle", "a journal", { "meta/_journal.json": "{}", "0000_a.sql": "", "schema.ts": "export {};" }],
    ["drizzle", "folders with snapshots", { "1_a/migration.sql": "", "1_a/snapshot.json": "{}" }],
    ["prisma", "a lock file alone", { "migration_lock.toml": 'provider = "postgresql"' }],
    ["prisma", "folders without snapshots", { "1_a/migration.sql": "" }],
    [
      "supabase",
      "supabase/migrations beside a config.toml",
      { "../config.toml": "", "1_a.sql": "" },
      "supabase/migrations",
    ],
    ["supabase", "supabase/migrations with times", { "20240101000000_a.sql": "" }, "supabase/migrations"],
    [
      "supabase",
      "supabase/migrations, whatever its files say",
      {
        "20240101000000_a.sql": "-- godwit: transaction=off",
        "20240102000000_b.sql": "-- Up migration\nselect 1;",
        "3_c.ts": "exports.up = (knex) => {};",
      },
      "supabase/migrations",
    ],
    [
      "supabase",
      "supabase/migrations where every file begins with a comment on its way up",
      { "1_a.sql": "-- Up Migration\nselect 1;" },
      "supabase/migrations",
    ],
    [
      "sqlx",
      "pairs in a folder in Rust, in a repository in Go",
      { "../../../go.mod": "", "../Cargo.toml": "", "1_a.up.sql": "", "1_a.down.sql": "" },
      "services/shop/migrations",
    ],
    [
      "golang-migrate",
      "pairs in a folder in Go, in a repository in Rust",
      { "../../../Cargo.toml": "sqlx", "../go.mod": "", "1_a.up.sql": "", "1_a.down.sql": "" },
      "services/shop/migrations",
    ],
    [
      "plain",
      "pairs in a folder of Node.js, in a repository in Rust",
      { "../../../Cargo.toml": "sqlx", "../package.json": "{}", "1_a.up.sql": "", "1_a.down.sql": "" },
      "services/web/migrations",
    ],
    [
      "plain",
      "numbers in a folder of Python, in a repository that uses sqlx",
      { "../../../Cargo.toml": "sqlx", "../pyproject.toml": "", "1_a.sql": "" },
      "services/jobs/migrations",
    ],
    [
      "sqlx",
      "numbers in a crate of a workspace that uses sqlx",
      { "../../../Cargo.toml": "sqlx", "../Cargo.toml": "[package]", "1_a.sql": "" },
      "crates/shop/migrations",
    ],
    [
      "updir",
      "folders in a project of Node.js, in a repository in Rust",
      { "../../../Cargo.toml": "", "../package.json": "{}", "1_a/up.sql": "" },
      "services/web/migrations",
    ],
    ["sqitch", "a plan", { "sqitch.plan": "", "deploy/a.sql": "" }],
    ["graphile-migrate", "a .gmrc above", { "../.gmrc": "{}", "committed/000001.sql": "" }],
    ["graphile-migrate", "committed files", { "committed/000001.sql": "--! Previous: -\n--! Hash: sha1:\n" }],
    [
      "diesel",
      "folders in a Rust project",
      { "../../diesel.toml": "", "1_a/up.sql": "", "1_a/down.sql": "" },
    ],
    ["updir", "folders in any other project", { "1_a/up.sql": "", "1_a/down.sql": "" }],
    ["goose", "its annotation everywhere", { "1_a.sql": GOOSE, "2_b.sql": `-- comment\n${GOOSE}` }],
    [
      "dbmate",
      "its marks under names with times",
      { "20240101000000_a.sql": DBMATE, "20240102000000.sql": DBMATE },
    ],
    [
      "dbmate",
      "its marks beside its dump",
      { "1_a.sql": DBMATE, "../schema.sql": `${"select 1;\n".repeat(900)}-- Dbmate schema migrations\n` },
    ],
    ["liquibase", "formatted SQL", { "a.sql": "\n--liquibase formatted sql\n" }],
    ["liquibase", "a changelog", { "changelog.yaml": "databaseChangeLog:\n" }],
    ["golang-migrate", "pairs in a Go project", { "../../go.mod": "", "1_a.up.sql": "", "1_a.down.sql": "" }],
    ["sqlx", "pairs in a Rust project", { "../../Cargo.toml": "", "1_a.up.sql": "", "1_a.down.sql": "" }],
    ["flyway", "V, R and U", { "V1.2__a.sql": "", "R__b.sql": "", "beforeMigrate.sql": "" }],
    ["flyway", "V one folder below", { "core/V1__a.sql": "" }],
    ["node-pg-migrate", "its mark", { "1_a.sql": "-- Up Migration\n" }],
    ["updir", "folders beside a note", { "1_a/up.sql": "", "notes.sql": "select 1;" }],
    ["plain", "a comment of one file", { "1_a.sql": "-- Up migration\nselect 1;", "2_b.sql": "select 1;" }],
    [
      "plain",
      "comments that begin like a mark of node-pg-migrate",
      { "1_a.sql": "create table t (i int);\n-- Up migration: fill\nselect 1;" },
    ],
    ["plain", "its mark below a statement", { "1_a.sql": "select 0;\n-- Up Migration\nselect 1;" }],
    ["node-pg-migrate", "modules for it", { "1_a.js": "exports.up = (pgm) => {};" }],
    [
      "sqlx",
      "numbers in a project that uses sqlx",
      { "../../Cargo.toml": '[dependencies]\nsqlx = "0.8"', "1_a.sql": "" },
    ],
    ["sqlx", "numbers beside cached queries", { "../../.sqlx/query.json": "{}", "1_a.sql": "" }],

    ["plain", "nothing", {}],
    ["plain", "numbers", { "0001_a.sql": "select 1;", "0002_b.sql": "" }],
    ["plain", "times", { "20240101000000_a.sql": "select 1;" }],
    ["plain", "what `godwit new` writes", { "0001_a.sql": DBMATE, "0002_b.sql": DBMATE }],
    [
      "plain",
      "sections in some files",
      { "20240101000000_a.sql": DBMATE, "20240102000000_b.sql": "select 1;" },
    ],
    ["plain", "pairs of no language", { "1_a.up.sql": "", "1_a.down.sql": "" }],
    ["plain", "a directive", { "20240101000000_a.sql": `-- godwit: lock-timeout=1s\n${DBMATE}` }],
    ["plain", "modules", { "0001_a.ts": "export async function up({ sql }) {}", "0002_b.sql": GOOSE }],
    [
      "plain",
      "modules that move up from knex",
      { "0001_a.ts": "// moved up from knex\nexport const up = () => {};" },
    ],
    ["plain", "repeatable/", { "../../go.mod": "", "1_a.up.sql": "", "repeatable/v.sql": "select 1;" }],
    [
      "plain",
      "what `godwit init` writes, in a project that uses sqlx",
      { "../../Cargo.toml": '[dependencies]\nsqlx = "0.8"', "0001_first.sql": DBMATE },
    ],
    ["plain", "numbers in a Rust project without sqlx", { "../../Cargo.toml": "[package]", "1_a.sql": "" }],
    ["plain", "a helper in Python", { "0001_a.sql": "", "tool.py": "down_revision = 1" }],
    ["plain", "folders of the author's", { "0001_a.sql": "", "notes/a.txt": "" }],
  ];
  for (const [layout, what, files, below] of cases)
    test(`${layout}: ${what}`, () => {
      expect(refusalIn(files, below)).toEqual({ layout });
    });
});

describe("two answers are a question", () => {
  const cases: readonly (readonly [
    what: string,
    files: Files,
    layouts: readonly string[],
    below?: string,
  ])[] = [
    [
      "pairs in a project in Go and Rust",
      { "../../go.mod": "", "../../Cargo.toml": "", "1_a.up.sql": "" },
      ["sqlx", "golang-migrate"],
    ],
    [
      "sections in some files of a project that uses sqlx",
      { "../../Cargo.toml": "sqlx", "0001_a.sql": DBMATE, "0002_b.sql": "select 1;" },
      ["sqlx", "plain"],
    ],
    [
      "pairs and single files in Go",
      { "../../go.mod": "", "1_a.up.sql": "", "2_b.sql": "" },
      ["golang-migrate", "plain"],
    ],
    [
      "snapshots in some folders",
      { "1_a/migration.sql": "", "1_a/snapshot.json": "", "2_b/migration.sql": "" },
      ["drizzle", "prisma"],
    ],
    [
      "a lock file of one, snapshots of another",
      { "migration_lock.toml": "", "1_a/migration.sql": "", "1_a/snapshot.json": "" },
      ["prisma", "drizzle"],
    ],
    ["folders and numbered files", { "1_a/migration.sql": "", "0002_b.sql": "" }, ["prisma", "plain"]],
    ["folders of up.sql and numbered files", { "1_a/up.sql": "", "0002_b.sql": "" }, ["updir", "plain"]],
    ["annotations of goose in some files", { "1_a.sql": GOOSE, "2_b.sql": "select 1;" }, ["goose", "plain"]],
    [
      "marks of node-pg-migrate in some files",
      { "1_a.sql": "-- Up Migration\n-- Down Migration\n", "2_b.sql": "select 1;" },
      ["node-pg-migrate", "plain"],
    ],
  ];
  for (const [what, files, layouts, below] of cases)
    test(what, () => {
      const refusal = refusalIn(files, below);
      expect(refusal).toMatchObject({ code: "LAYOUT_UNKNOWN", details: { layouts } });
      for (const name of layouts) expect(refusal.hint).toContain(`--layout ${name}`);
    });
});

describe("what only its own tool can run is refused by name", () => {
  test.each<readonly [tool: string, files: Files]>([
    ["Alembic", { "env.py": "", "versions/1_a.py": "" }],
    ["Alembic", { "1a2b_a.py": "revision = '1'\ndown_revision = None\n" }],
    ["Django", { "__init__.py": "", "0001_initial.py": "from django.db import migrations, models\n" }],
    ["Rails", { "20240101000000_create_a.rb": "" }],
    ["Ecto", { "20240101000000_create_a.exs": "" }],
    ["knex", { "1_a.js": "exports.up = function (knex) {};" }],
    ["knex", { "1_a.ts": 'import type { Knex } from "knex";\nexport async function up(knex: Knex) {}' }],
    ["TypeORM", { "1-a.ts": "export class A1 implements MigrationInterface {}" }],
    ["Sequelize", { "1-a.js": "module.exports = { async up(queryInterface, Sequelize) {} };" }],
    ["Kysely", { "1_a.ts": "export async function up(db: Kysely<any>): Promise<void> {}" }],
    ["Prisma 8", { "app/1_a/migration.json": "{}", "app/1_a/ops.json": "[]", "snapshots/a.json": "" }],
    ["Flyway", { "V1__a.java": "" }],
  ])("%s: %j", (tool, files) => {
    const refusal = refusalIn(files);
    expect(refusal).toMatchObject({ code: "LAYOUT_REFUSED", details: { layout: tool } });
    expect(refusal.message).toContain(tool);
    expect(refusal.hint).toContain("godwit adopt");
  });
});

test("a missing folder is said to be missing", () => {
  expect(() => detectLayout("/nowhere/at/all")).toThrow(/does not exist/);
});
