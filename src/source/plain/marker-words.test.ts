import { describe, expect, test } from "vitest";
import { oppositeMarker } from "./markers.ts";
import { parseSections } from "./sections.ts";

const UP = "create table t (i int);";
const DOWN = "drop table t;";

const NEAR_MISSES: Readonly<Record<string, readonly string[]>> = {
  "joined, or with `_`": [
    ...["-- migrate_down", "-- MIGRATE_DOWN", "-- migrate__down", "--migrate_down", "-- @migrate_down"],
    ...["-- +migrate_down", "-- down_migration", "-- migration_down", "-- migrations_down", "-- godwit_down"],
    ...["-- goose_down", "-- migrateDown", "-- migratedown", "-- +migratedown", "-- __DOWN__"],
    ...["-- DownMigration", "-- Down_Migration", "-- downmigration", "-- MigrateDown", "-- roll_back"],
  ],
  "with one letter wrong": [
    ...["-- Down Migraton", "-- Donw Migration", "-- Dwon Migration", "-- +goos Down", "-- +gooseDown"],
    ...["-- +migrte Down", "-- @DWON", "-- @UNDOO", "--//@UDNO", "-- dwon", "-- donw", "-- Dowm"],
    ...[
      "---- create above / drop bellow ----",
      "---- drop below ----",
      "-- Rolback",
      "-- rollbck",
      "-- Dwon: x",
    ],
  ],
  decorated: [
    `-- ${"=".repeat(300)} DOWN ${"=".repeat(300)}`,
    `/${"*".repeat(300)}\n * Down\n ${"*".repeat(300)}/`,
    `-- ${"- ".repeat(150)}down`,
    ...["--#region Down", "-- step: down", "-- Step 2: Down", "-- name: down", "-- UP/DOWN", "-- 2. Down"],
    ...["-- DOWN starts here", "-- +pgmigrate Down", "-- knex:down", "-- atlas:down", "-- flyway:undo"],
    ...["-- tern down", "-- umzug down", "-- DOWN / ROLLBACK", "-- <down>"],
  ],
  "with a remark, and no up marker above": [
    ...["-- Down: drop the table", "-- Rollback: drop the table", "-- DOWN MIGRATION STARTS HERE"],
    ...["-- Down: drop table t", "-- down migration: drop it", "-- Downgrade: gone", "-- Backward: gone"],
    ...["/* Down: drop the table */"],
  ],
};

describe.each(Object.entries(NEAR_MISSES))("a marker %s is refused", (_, markers) => {
  test.each(markers)("%j", (marker) => {
    const body = `${UP}\n${marker}\n${DOWN}\n`;
    for (const text of [body, `-- migrate:up\n${body}`]) {
      const { problems } = parseSections(text, "1_a.sql");
      expect(problems).toMatchObject([{ code: "SOURCE_MARKER", details: { runs: "up" } }]);
    }
    expect(oppositeMarker(body, { direction: "up", counterpart: false })?.direction).toBe("down");
  });
});

test.each(["-- down", "/* down */", "-- DOWN", "-- migrate down", "-- Dwon"])(
  "a marker on the line of the statement above it is refused: %s",
  (marker) => {
    const { problems } = parseSections(`-- migrate:up\n${UP} ${marker}\n${DOWN}\n`, "1_a.sql");
    expect(problems).toMatchObject([{ code: "SOURCE_MARKER", place: { line: 2 } }]);
  },
);

test.each([
  ["-- Upgrade: make it", "-- Downgrade: drop it"],
  ["-- Up: make it", "-- Revert: drop it"],
  ["-- Up: make it", "-- Downgrade: drop it"],
  ["-- Forward:", "-- Backward:"],
  ["-- Up - make it", "-- Down - drop it"],
  ["-- Up (make it)", "-- Down (drop it)"],
  ["-- Deploy shop:a to pg", "-- Revert shop:a from pg"],
  ["-- Apply 0012", "-- Revert 0012"],
  ["-- Up users table", "-- Down users table"],
])("the pair %s and %s is refused", (up, down) => {
  const text = `${up}\n${UP}\n${down}\n${DOWN}\n`;
  expect(parseSections(text, "1_a.sql").problems).toMatchObject([
    { code: "SOURCE_MARKER", place: { line: 3 } },
  ]);
});

test.each([
  ...["-- Undo migration 0004", "-- Undo 0004", "-- Undo of 0004", "-- revert 0005", "-- Rollback 0012"],
  ...["-- Rollback of 0012", "-- revert migration 0004", "-- Reverse migration of 0004"],
  ...[
    "-- migrate: users to accounts",
    "-- migrate:users",
    "-- migrate: apply the new rates",
    "-- migrate:dogs",
  ],
  ...["-- Town", "-- towns", "-- Dawn", "-- Done", "-- shutdown", "-- Breakdown", "-- reversed", "-- own"],
  ...["-- Rollback: drop table t;", "-- down: alter table t drop column x;", "-- Undo: DELETE FROM t"],
  ...[
    "-- down payment",
    "-- Revert the change of 0004",
    "-- undo_log",
    "-- migrate users",
    "-- flyway: undo it by hand",
  ],
])("a comment about something else is let be: %s", (comment) => {
  for (const text of [`${comment}\n${UP}\nselect 1;\n`, `${UP}\n${comment}\nselect 1;\n`]) {
    expect(parseSections(text, "1_a.sql").problems).toEqual([]);
    expect(parseSections(`-- migrate:up\n${text}-- migrate:down\n${DOWN}\n`, "1_a.sql").problems).toEqual([]);
  }
});

test("a tool's up marker that stands alone, without a sign, does no harm", () => {
  expect(parseSections(`-- goose up\n${UP}\n`, "1_a.sql").problems).toEqual([]);
});
