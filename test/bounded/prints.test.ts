/** What user code prints is told in the log, and never mixes with a result. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const PRINTS = `
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
console.log("at its top");
export const up = async ({ sql, log }) => {
  console.log("by console");
  process.stdout.write("by the stream, ");
  process.stdout.write("in pieces");
  writeSync(1, "\\nby its number\\n");
  spawnSync(process.execPath, ["-e", "console.log('by a program')"], { stdio: "inherit" });
  console.error("as an error");
  await sql\`create table a ()\`;
  log.info("in the log");
  process.stdout.write("without an end");
};
`;
const LINES = [
  ...["by console", "by the stream, in pieces", "by its number", "by a program"],
  ...["as an error", "in the log", "without an end"],
];

const files = {
  "godwit.config.mjs": "console.log('from the configuration');\nexport default {};",
  "migrations/0001_a.mjs": PRINTS,
};

test("stdout is one document, and the log has every line", async ({ db }) => {
  const { json, stderr } = await commandIn({ folder: folderOf(files), url: db.url })("up", "--json");
  expect(json).toMatchObject({ ok: true, report: { outcome: "done" } });
  for (const line of LINES) expect(stderr).toMatch(new RegExp(`0001_a: ${line}$`, "m"));
  expect(stderr).toMatch(/^0001_a\.mjs: at its top$/m);
  expect(stderr).toMatch(/^godwit\.config\.mjs: from the configuration$/m);
});

test("in a JSON log each line is an object", async ({ db }) => {
  const godwit = commandIn({ folder: folderOf(files), url: db.url });
  const { json, stderr } = await godwit("up", "--json", "--log-format", "json");
  expect(json.ok).toBe(true);
  const lines = stderr.trimEnd().split("\n");
  const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
  expect(messages).toEqual(expect.arrayContaining(LINES.map((line) => `0001_a: ${line}`)));
  expect(messages).toEqual(
    expect.arrayContaining(["godwit.config.mjs: from the configuration", "0001_a.mjs: at its top"]),
  );
});

test("a script holds statements alone", async ({ db }) => {
  const { stdout, stderr } = await commandIn({ folder: folderOf(files), url: db.url })("up", "--sql");
  expect(stdout).not.toContain("by console");
  expect(stdout).toContain("create table a ()");
  expect(stderr).toContain("by console");
});

test("what is printed without end is bounded, and told until the deadline", async ({ db }) => {
  const text = 'export const up = () => { for (;;) process.stdout.write("x".repeat(100_000)); };';
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit.fails(1, "up", "--json", "--quiet", "--timeout", "1s");
  expect(json.problems[0].code).toBe("DEADLINE");
});

test("a loop that writes to stdout by its number writes all of it", async ({ db }) => {
  const text = `
    import { writeSync } from "node:fs";
    export const up = () => {
      console.log("first");
      for (let count = 1; count <= 2_000; count++) writeSync(1, count + "x".repeat(500) + "\\n");
    };`;
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const { stderr } = await commandIn({ folder, url: db.url })("up");
  expect(stderr.match(/^0001_a: \d+x{500}$/gm)).toHaveLength(2_000);
});

const MANY = '(("x".repeat(999) + "\\n").repeat(10_000) + "the end")';

test.for<[name: string, inside: string, code: number]>([
  ["in one piece", `process.stdout.write(${MANY});`, 0],
  ["just before it exits", `process.stdout.write(${MANY}); process.exit(0);`, 1],
  ["in its log", `for (const line of ${MANY}.split("\\n")) log.info(line);`, 0],
])("ten MB that a function prints %s are told to their end", async ([, inside, code], { db }) => {
  const text = `export const up = async ({ log }) => { ${inside} };`;
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const { stderr } = await commandIn({ folder, url: db.url }).fails(code, "up");
  expect(stderr.match(/^0001_a: x{999}$/gm)).toHaveLength(10_000);
  expect(stderr).toMatch(/^0001_a: the end$/m);
  expect(stderr).not.toContain("warning: ");
});

test("a variable that the configuration sets is there for what comes after it", async ({ db }) => {
  const folder = folderOf({
    "godwit.config.mjs": `process.env.DATABASE_URL = ${JSON.stringify(db.url)};\nexport default {};`,
    "migrations/0001_a.sql": "create table a ();",
  });
  await commandIn({ folder })("up");
  expect(await db.sql("select from a")).toEqual([]);
});
