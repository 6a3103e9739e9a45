/** What user code throws may run code of its own when it is asked for its message; without a deadline, too, that ends. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFamily } from "./family.ts";

const throwing = (what: string) =>
  `export const up = async ({ sql }) => { await sql\`create table a ()\`; ${what} };`;
const SPEECHLESS = /threw something whose message could not be read within 2 s/;

test.for<[name: string, text: string]>([
  ["whose toString spins", throwing("throw { toString() { for (;;); } };")],
  [
    "of class Error whose message spins",
    throwing("throw Object.defineProperty(new Error(), 'message', { get() { for (;;); } });"),
  ],
  [
    "of class Error whose stack spins",
    throwing("throw Object.defineProperty(new Error(), 'stack', { get() { for (;;); } });"),
  ],
  ["that is a proxy that spins", throwing("throw new Proxy({}, { getPrototypeOf() { for (;;); } });")],
])("something %s ends the run, rolled back and named", async ([, text], { db }) => {
  const family = createFamily();
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const { json } = await commandIn({ folder, url: db.url, env: family.env }).fails(1, "up", "--json");
  expect(json.problems[0].message).toMatch(SPEECHLESS);
  expect(json.problems[0].place.file).toBe("0001_a.mjs");
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  await family.gone();
});

test("a message that takes long, and less than that, is told", async ({ db }) => {
  const slow = "const until = Date.now() + 300; while (Date.now() < until); return 'in the end';";
  const text = throwing(`throw { toString() { ${slow} } };`);
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
  expect(json.problems[0].message).toContain("in the end");
});

const THROWS = "{ get() { throw new Error('of the getter'); } }";
const TRAP = "() => { throw new Error('of the trap'); }";

test.for<[name: string, what: string, says: RegExp]>([
  [
    "that is a proxy of an Error whose getters throw",
    `new Proxy(new Error("inner"), { get: ${TRAP} })`,
    /it threw something that cannot be read/,
  ],
  [
    "that is a proxy which refuses everything",
    `new Proxy({}, { get: ${TRAP}, getPrototypeOf: ${TRAP}, has: ${TRAP}, ownKeys: ${TRAP} })`,
    /it threw something that cannot be read/,
  ],
  [
    "of class Error whose stack throws",
    `Object.defineProperty(new Error("the reason"), "stack", ${THROWS})`,
    /: the reason/,
  ],
  [
    "of class Error whose hint throws",
    `Object.defineProperty(new Error("the reason"), "hint", ${THROWS})`,
    /: the reason/,
  ],
])("something %s fails its step, and is no exit", async ([, what, says], { db }) => {
  const run = async (text: string) => {
    const folder = folderOf({ "migrations/0001_a.mjs": text });
    return (await commandIn({ folder, url: db.url }).fails(1, "up", "--json")).json;
  };
  const { problems, report } = await run(throwing(`throw ${what};`));
  expect(problems[0]).toMatchObject({ code: "STEP_FAILED", place: { file: "0001_a.mjs" } });
  expect(problems[0].message).toMatch(says);
  expect(problems[0].message).not.toMatch(/process|of the (?:trap|getter)/);
  expect(report.failures).toMatchObject([{ revision: "0001_a", committed: "none" }]);
  const stray = await run(throwing(`setTimeout(() => { throw ${what}; }); await new Promise(() => {});`));
  expect(stray.problems[0].message).toMatch(/thrown where nothing could catch it/);
  const imported = await run(`throw ${what}; export const up = () => {};`);
  expect(imported.problems[0].message).toContain("0001_a.mjs cannot be loaded: ");
  // Node looks at it too, and may throw on what that throws.
  expect(imported.problems[0].message).not.toMatch(/process/);
});

test("the hint of what a module throws is a sentence of its own", async ({ db }) => {
  const text = throwing('throw Object.assign(new Error("no"), { hint: "ask the owner of the table" });');
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
  expect(json.problems[0].hint).toMatch(
    /^ask the owner of the table\. It was rolled back; nothing of it was kept: /,
  );
});
