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
