import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { historyPlace } from "./tool-place.ts";

function placeIn(tool: string, files: Readonly<Record<string, string>>, environment = {}) {
  const root = mkdtempSync(join(tmpdir(), "godwit-place-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ ".git/HEAD": "", "migrations/.keep": "", ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const place = historyPlace(tool, { folder: join(root, "migrations"), environment });
  if (place === null) return null;
  const name = `${place.schema ?? "?"}.${place.table ?? "?"}`;
  return place.unknown === undefined ? name : `unknown: ${place.unknown}`;
}

const DRIZZLE = (inside: string) =>
  `import { defineConfig } from "drizzle-kit";\nexport default defineConfig({ out: "./migrations", schema: "./schema.ts",\n  // migrations: { table: "old" },\n  ${inside}\n});\n`;

describe("where a tool's own configuration says that its history is", () => {
  const cases: readonly [tool: string, files: Record<string, string>, place: string | null, env?: object][] =
    [
      ["dbmate", {}, null],
      ["dbmate", { ".env": "A=1\nexport DBMATE_MIGRATIONS_TABLE='app.done' # here\n" }, "app.done"],
      ["dbmate", { ".env": "#DBMATE_MIGRATIONS_TABLE=x\n" }, null],
      ["dbmate", { ".env": "DBMATE_MIGRATIONS_TABLE=$T\n" }, "unknown: it has a variable in it"],
      ["dbmate", { ".env": "DBMATE_MIGRATIONS_TABLE=x" }, "?.done", { DBMATE_MIGRATIONS_TABLE: "done" }],
      [
        "dbmate",
        { "package.json": '{"scripts": {"up": "dbmate --migrations-table versions up"}}' },
        "?.versions",
      ],
      ["dbmate", { Makefile: "up:\n\tdbmate --migrations-table=$(T) up\n" }, null],
      ["goose", {}, "?.g", { GOOSE_TABLE: "g" }],
      ["goose", { Makefile: "up:\n\tgoose -dir migrations -table app.g postgres up\n" }, "app.g"],
      ["golang-migrate", {}, "?.v", { DATABASE_URL: "postgres://h/db?x-migrations-table=v" }],
      [
        "golang-migrate",
        {
          ".env":
            'DATABASE_URL="postgres://h/db?x-migrations-table=%22s%22.%22v%22&x-migrations-table-quoted=1"',
        },
        "s.v",
      ],
      [
        "sqlx",
        { "sqlx.toml": '[common]\ntable-name = "no"\n[migrate]\ntable-name = "app._m" # ours\n' },
        "app._m",
      ],
      ["drizzle", { "drizzle.config.ts": DRIZZLE("") }, null],
      ["drizzle", { "drizzle.config.ts": DRIZZLE('migrations: { table: "m", schema: `s` }') }, "s.m"],
      ["drizzle", { "drizzle.config.ts": DRIZZLE("migrations: { schema: 'public' as const },") }, "public.?"],
      [
        "drizzle",
        { "drizzle.config.ts": DRIZZLE("migrations: { table: process.env.T }") },
        "unknown: it is made by a program",
      ],
      [
        "drizzle",
        { "drizzle.config.ts": DRIZZLE('migrations: { table: "a" + b }') },
        "unknown: it is made by a program",
      ],
      [
        "drizzle",
        { "drizzle.config.ts": DRIZZLE("migrations: options") },
        "unknown: its `migrations` is not written out",
      ],
      [
        "drizzle",
        { "drizzle.config.ts": DRIZZLE("migrations: { ...options }") },
        "unknown: its `migrations` is not written out",
      ],
      [
        "drizzle",
        { "drizzle.config.ts": DRIZZLE("migrations: { table }") },
        "unknown: its `migrations` is not written out",
      ],
      ["drizzle", { "drizzle.config.json": '{"migrations": {"table": "m"}}' }, "?.m"],
      ["drizzle", { "drizzle.config.js": DRIZZLE('migrationsTable: "m", migrationsSchema: "s"') }, "s.m"],
      [
        "flyway",
        { "flyway.conf": "# flyway.table=no\nflyway.table=history\nflyway.schemas=app, other\n" },
        "app.history",
      ],
      [
        "flyway",
        { "conf/flyway.toml": '[flyway]\ntable = "history"\ndefaultSchema = "app"\nschemas = ["b"]\n' },
        "app.history",
      ],
      ["flyway", { "flyway.conf": "flyway.table=x" }, "?.y", { FLYWAY_TABLE: "y" }],
      [
        "liquibase",
        {
          "liquibase.properties":
            "databaseChangeLogTableName: LOG\nliquibaseSchemaName=Meta\ndefaultSchemaName=app\n",
        },
        "meta.log",
      ],
      [
        "node-pg-migrate",
        {
          "config/default.json": '{"db": {"migrations-table": "m", "migrations-schema": "s", "schema": "x"}}',
        },
        "s.m",
      ],
      [
        "node-pg-migrate",
        { "package.json": '{"scripts": {"up": "node-pg-migrate up -t m --migrations-schema s"}}' },
        "s.m",
      ],
      [
        "sqitch",
        { "migrations/sqitch.conf": '[core]\n\tengine = pg\n[engine "pg"]\n\tregistry = meta\n' },
        "meta.?",
      ],
      [
        "sqitch",
        { "migrations/sqitch.conf": '[target "a"]\nregistry = a\n[target "b"]\nregistry = b\n' },
        null,
      ],
      [
        "alembic",
        {
          "alembic/env.py":
            'context.configure(\n  # version_table="no",\n  version_table="v", version_table_schema="s",\n)\n',
        },
        "s.v",
      ],
      [
        "alembic",
        { "alembic/env.py": "context.configure(version_table=NAME)\n" },
        "unknown: it is made by a program",
      ],
      ["prisma", { ".env": "A=1" }, null],
    ];
  test.for(cases)("%s: %j is %s", ([tool, files, place, env]) => {
    expect(placeIn(tool, files, env)).toBe(place);
  });

  test("the nearest file counts, and none above the repository", () => {
    expect(
      placeIn("dbmate", {
        ".env": "DBMATE_MIGRATIONS_TABLE=far",
        "migrations/.env": "DBMATE_MIGRATIONS_TABLE=near",
      }),
    ).toBe("?.near");
    expect(
      placeIn("dbmate", { ".env": "DBMATE_MIGRATIONS_TABLE=far", "migrations/.git/HEAD": "" }),
    ).toBeNull();
  });
});
