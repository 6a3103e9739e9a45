/** A text of any length that others wrote does not outlast the deadline: no more of it is looked at than can be shown. */
import { describe } from "vitest";
import { MOST_CHARACTERS, presentable, remember } from "../../src/std/secret.ts";
import { locate } from "../../src/std/text.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

// To look through all of it takes minutes: the test's own time limit is the proof.
test.for(["postgres://a:b", "password=x ", "u:p@h ", "secret='a"])(
  "what is shown of a hundred MB of %s is made at once",
  { timeout: 10_000 },
  (shape) => {
    const shown = presentable(shape.repeat(100_000_000 / shape.length));
    expect(shown.length).toBeLessThanOrEqual(MOST_CHARACTERS);
    expect(shown).toMatch(/… \(\d{6,} more characters\)$/);
  },
);

describe("no secret is shown in half where a long text is cut", () => {
  const known = `k${"4n4Ry".repeat(2_000)}`;
  remember(known);
  test.for([0, 1, 100, 7_900, 7_999, 15_990, 23_990, 31_990])("with %i characters in front", (before) => {
    for (const hidden of ["", "password=hunter2x ".repeat(5_000).slice(0, before)]) {
      const front = hidden === "" ? "-".repeat(before) : hidden;
      const text = `${front} ${known} postgres://u:S3cretPart@h `.padEnd(400_000, "password=aaaaaaaa ");
      const shown = presentable(text);
      expect(shown).not.toMatch(/4n4Ry|S3cret|hunter|=a/);
    }
  });
  test("where nearly all of it is hidden", () => {
    const shown = presentable(`${known} `.repeat(50));
    expect(shown).not.toContain("4n4Ry");
    expect(presentable(`${"password=aaaaaaaaaaaaaaaaaaaaaaaaaaaa ".repeat(20_000)}`)).not.toMatch(/=a|…a/);
  });
});

test("the excerpt of a line of many MB is as it is of a short one", () => {
  const around = "x".repeat(200);
  const long = locate(`${"y".repeat(30_000_000)}${around}😀!${around}${"y".repeat(30_000_000)}`, 30_000_203);
  const short = locate(`${around}😀!${around}`, 203);
  expect(long.excerpt.replace(/^ *\d+/, "")).toBe(short.excerpt.replace(/^ *\d+/, ""));
}, 10_000);

test("what a module throws and logs in many MB is told shortened", async ({ db }) => {
  const text = `
    const long = (start) => start + "password=hunter2 ".repeat(2_000_000);
    export const up = async ({ log }) => { log.warn(long("logged: ")); throw new Error(long("thrown: ")); };`;
  const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.mjs": text }), url: db.url });
  const { json, stderr } = await godwit.fails(1, "up", "--json", "--timeout", "30s");
  expect(json.problems[0]).toMatchObject({ code: "STEP_FAILED", place: { file: "0001_a.mjs", line: 3 } });
  expect(json.problems[0].message).toMatch(/thrown: password=\*\*\*.*… \(\d{8} more characters\)/s);
  expect(stderr).toMatch(/logged: password=\*\*\*.*\(\d{8} more characters\)/);
  expect(stderr).not.toContain("hunter2");
});

test.for(["word", "password=hunter2"])(
  "what the server says in many MB is told shortened: %s",
  async (word, { db }) => {
    const long = `repeat('${word} ', 500000)`;
    const text = `do $$ begin raise warning 'W%', ${long}; raise exception 'E%', ${long} using detail = ${long}; end $$;`;
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": text }), url: db.url });
    const { stdout, stderr, json } = await godwit.fails(1, "up", "--json", "--verbose");
    expect(json.problems[0].message.length).toBeLessThan(20_000);
    expect((stdout + stderr).length).toBeLessThan(100_000);
    expect(stdout + stderr).not.toContain("hunter2");
    if (word !== "word") return;
    expect(json.problems[0].message).toMatch(/Eword .*… \(\d{7} more characters\)/s);
    expect(stderr).toMatch(/Wword .*\(\d{7} more characters\)/);
  },
);
