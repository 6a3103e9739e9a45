import { expect, test } from "vitest";
import { markersIn, oppositeMarker } from "./markers.ts";
import { parseSections } from "./sections.ts";

const UP = "create table t (id int);\n";
const DOWN = "drop table t;\n";

const PAIRS: readonly (readonly [up: string, down: string])[] = [
  ["-- migrate up", "-- migrate down"],
  ["-- UP", "-- DOWN"],
  ["-- Up", "-- Down"],
  ["--UP--", "--DOWN--"],
  ["-- migrate:up", "-- down"],
  ["-- migrate:up", "-- migrate down"],
  ["-- migrate:up", "-- down: drops the table"],
  ["/* migrate:up */", "/* migrate:down */"],
  ["/* UP */", "/* DOWN */"],
  ["/*\n * Up\n */", "/*\n * Down\n */"],
  ["-- @UP", "-- @DOWN"],
  ["-- @up", "-- @undo"],
  ["-- +up", "-- +down"],
  ["-- goose Up", "-- goose Down"],
  ["-- goose:up", "-- goose:down"],
  ["-- +goose:Up", "-- +goose:Down"],
  ["-- +micrate Up", "-- +micrate Down"],
  ["-- rambler up", "-- rambler down"],
  [
    "-- ---------- MIGRONDI:UP:1586550686936 --------------",
    "-- ---------- MIGRONDI:DOWN:1586550686936 --------------",
  ],
  ["-- Up Migration", "-- Down Migration"],
  ["-- !Ups", "-- !Downs"],
  ["# --- !Ups", "# --- !Downs"],
  ["", "---- create above / drop below ----"],
  ["", "--//@UNDO"],
  ["", "-- //@UNDO"],
  ["", "-- @UNDO"],
  ["-- ==== UP ====", "-- ==== DOWN ===="],
  ["-- [up]", "-- [down]"],
  ["-- upgrade", "-- downgrade"],
  ["-- apply", "-- revert"],
  ["", "-- Rollback"],
  ["", "-- ROLL BACK"],
  ["", "-- UNDO"],
  ["-- migrate\u00a0:\u00a0up", "-- migrate\u00a0:\u00a0down"],
  ["-- migrate：up", "-- migrate：down"],
  ["-- migrat:up", "-- migrat:down"],
  ["-- migrate:up", "-- migrate:dwon"],
  ["-- up: create the table", "-- down: drop it"],
  ["-- begin up\n-- end up", "-- begin down"],
  ["\t-- up", "\t-- down"],
];

test.each(PAIRS)("%j and %j are refused, with the line", (up, down) => {
  const text = `${up}\n${UP}${down}\n${DOWN}`;
  const { problems } = parseSections(text, "1_a.sql");
  expect(problems.length).toBeGreaterThan(0);
  const shown = down.replace(/\s+/g, " ").trim();
  const found = problems.find(({ details }) => details?.line === shown);
  const line = `${up}\n${UP}`.split("\n").length;
  expect(found).toMatchObject({ code: "SOURCE_MARKER", place: { file: "1_a.sql", line } });
});

test.each(PAIRS)("%j and %j are refused in a down file too, where the order is turned", (up, down) => {
  if (up === "") return;
  const text = `${down}\n${DOWN}${up}\n${UP}`;
  expect(oppositeMarker(text, { direction: "down", counterpart: false })?.direction).toBe("up");
});

test.each([
  "-- set up\ncreate table t (id int);",
  "create table t (id int);\n-- down the line\ninsert into t values (1);",
  "-- Up to 5 rows\nselect 1;\n-- Down to 2\nselect 2;",
  "-- back up table\nselect 1;",
  "-- upgrade notes\nselect 1;",
  "select 1;\n-- drop\nselect 2;",
  "-- rollback plan: restore from backup\nselect 1;",
  "-- Rollback:\n--   drop table t;\ncreate table t (id int);",
  "-- To roll back, run:\n-- drop table t;\ncreate table t (id int);",
  "create table t (id int);\n\n-- Rollback:\n-- drop table t;\nselect 1;",
  "create table t (id int);\n-- DOWN\n-- drop table t;\n",
  "-- Up migration\ncreate table t (id int);\n-- Down migration (commented out)\n/* drop table t; */",
  "-- Up migration: adds t\n-- Down migration: drops t\ncreate table t (id int);",
  "-- UP\ncreate table t (id int);",
  "create type way as enum (\n  -- up\n  'u',\n  -- down\n  'd'\n);",
  "create table t (up int, -- up\n  down int -- down\n);\nselect 1;",
  "select 'x\n-- migrate down\n';\nselect 1;",
  "create function f() returns int language plpgsql as $$ begin\n-- DOWN\nreturn 1; end $$;\nselect 1;",
  "/* notes\n-- migrate:down\ndrop table t; */\nselect 1;",
  "select E'it\\'s\n-- down\n';\nselect 1;",
  "-- migrate the users\nselect 1;\n-- migrate down-stream tables\nselect 2;",
  "--> statement-breakpoint\nselect 1;",
  "--! Previous: -\nselect 1;",
  "-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd",
])("a comment is a comment: %j", (text) => {
  expect(parseSections(text, "1_a.sql")).toMatchObject({ problems: [], down: null, up: { text } });
});

test.each(["drop table t; -- down", "drop table t; /* DOWN */", "drop table t; -- ==== Rollback ===="])(
  "a marker behind the last statement of a file is refused: %j",
  (last) => {
    const { problems } = parseSections(`${UP}${last}\n`, "1_a.sql");
    expect(problems).toMatchObject([{ code: "SOURCE_MARKER", place: { file: "1_a.sql", line: 2 } }]);
    const [text, turned] = [`${DOWN}create table t (id int); -- UP\n`, `${DOWN}-- UP\n`];
    expect(oppositeMarker(text, { direction: "down", counterpart: false })?.line).toBe("-- UP");
    // There is no statement that the marker could apply to, so it does no harm.
    expect(oppositeMarker(turned, { direction: "down", counterpart: false })).toBeNull();
  },
);

test.each(["back", "dn", "d", "doen", "rolback2", "tear-down", "drop", ""])(
  "where a file has one section, `-- migrate:%s` is refused",
  (word) => {
    const { problems } = parseSections(`-- migrate:up\n${UP}-- migrate:${word}\n${DOWN}`, "1_a.sql");
    expect(problems).toMatchObject([{ code: "SOURCE_MARKER", place: { file: "1_a.sql", line: 3 } }]);
  },
);

test.each(["users", "shop-orders", "step2", "data"])("`-- migrate:%s` is a remark", (word) => {
  for (const text of [
    `-- migrate:${word}\n-- migrate:up\n${UP}`,
    `-- migrate:up\n-- migrate:${word}\n${UP}`,
    `-- migrate:up\n${UP}-- migrate:${word}\n${UP}`,
  ])
    expect(parseSections(text, "1_a.sql").problems).toEqual([]);
});

test("an exact marker inside a literal cuts nothing", () => {
  const text = "-- migrate:up\nselect $$\n-- migrate:down\n$$;\n-- migrate:down\nselect 2;\n";
  const { up, down, problems } = parseSections(text, "1_a.sql");
  expect(problems).toEqual([]);
  expect(up.text).toBe("select $$\n-- migrate:down\n$$;\n");
  expect(down).toMatchObject({ text: "select 2;\n", line: 6 });
});

test("a file may say that it has no sections", () => {
  const text = `-- godwit: sections=none\n-- migrate up\n${UP}-- migrate down\n-- DOWN\nselect 1;\n`;
  expect(parseSections(text, "1_a.sql")).toMatchObject({ problems: [], down: null, up: { text } });
});

test("a line that only looks like the direction of its own section is let be", () => {
  const text = `-- migrate:up\n-- Up\n${UP}-- migrate:down\n-- Down\n${DOWN}`;
  expect(parseSections(text, "1_a.sql").problems).toEqual([]);
});

test("the work grows with the length of the text, whatever stands in it", () => {
  for (const line of [
    "-- down\n",
    "-- migrat",
    "/*",
    "--",
    "-- migrate : ",
    " \t",
    "down ",
    "-- rollback\n-- x\n",
  ]) {
    const text = line.repeat(2 ** 13);
    const started = performance.now();
    markersIn(text);
    oppositeMarker(text, { direction: "up", counterpart: true });
    parseSections(text, "a.sql");
    expect(performance.now() - started).toBeLessThan(20_000);
  }
});
