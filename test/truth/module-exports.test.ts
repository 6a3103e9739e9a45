/** What a module exports is read by running it: whatever that does belongs to the migration, and is told as its fault. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** Tried with each command. */
const FIRST = "the getter of its up throws";
const THROWS = `{ throw new Error("not now"); }`;

describe("a module is broken, with file, line and hint, where", () => {
  test.for<[name: string, text: string, line: number | undefined]>([
    [FIRST, `export default {\n  get up(): any ${THROWS},\n};`, 2],
    [
      "the getter of its down throws",
      `export default {\n  async up() {},\n  get down(): any ${THROWS},\n};`,
      3,
    ],
    [
      "the getter of a setting throws",
      `export default {\n  async up() {},\n  get lockTimeout(): any ${THROWS},\n};`,
      3,
    ],
    [
      "a class's getter throws",
      `interface A {\n  b: 1;\n}\nclass M {\n  get up(): any ${THROWS}\n}\nexport default new M();`,
      5,
    ],
    ["its proxy throws", `export default new Proxy({}, {\n  get(): any ${THROWS},\n});`, 2],
    ["its proxy has no keys", `export default new Proxy({ up() {} }, {\n  ownKeys(): any ${THROWS},\n});`, 2],
    [
      "the list that it depends on throws",
      `export default { up() {}, depends: new Proxy(["a"], {\n  get(): any ${THROWS},\n}) };`,
      2,
    ],
    ["it throws what is no text", "export default { get up() { throw Object.create(null); } };", undefined],
    ["it throws what is no text at its top", "throw Object.create(null);", undefined],
  ])("%s", async ([name, text, line], { db }) => {
    const folder = folderOf({ "migrations/0001_a.ts": text });
    const godwit = commandIn({ folder, url: db.url });
    for (const args of name === FIRST
      ? [["plan"], ["up"], ["up", "--dry-run"], ["up", "--sql"]]
      : [["plan"]]) {
      const { json } = await godwit.fails(1, ...args, "--json");
      expect(json.problems).toMatchObject([
        {
          code: "PLAN_BROKEN_FILE",
          message: expect.stringMatching(/^0001_a\.ts cannot be loaded: (not now|it throws something)/),
          hint: expect.any(String),
          place: { file: "0001_a.ts", ...(line === undefined ? {} : { line, excerpt: expect.any(String) }) },
        },
      ]);
    }
  });
});
