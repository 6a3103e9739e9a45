/** Every command ends within its deadline, with one message and one document, whatever user code does. */
import { describe } from "vitest";
import { commandIn, type Finished } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFamily } from "./family.ts";

const HANG = "await new Promise(() => {});";
const SPIN = "for (;;);";
const EXIT = "process.exit(0);";
const UP = "export const up = async ({ sql }) => { await sql`create table a ()`; };";

const module = (before: string, inside = "") =>
  `${before}\nexport const up = async ({ sql }) => { await sql\`create table a ()\`; ${inside} };`;

/** One error for people, one document for machines, and nothing left behind. */
function expectOneAnswer({ stdout, stderr, code, json }: Finished): void {
  expect(code).not.toBe(0);
  expect(json).toMatchObject({ ok: false, problems: [{ message: expect.any(String) }] });
  expect(stdout.endsWith("}\n")).toBe(true);
  // A dry run tells its failure as its result.
  expect(stderr.match(/^error: /gm)?.length ?? 1).toBe(1);
}

describe("a migration that never comes to an end is ended at the deadline", () => {
  test.for<[name: string, args: string, text: string]>([
    ["waits at its top", "up", module(HANG)],
    ["spins at its top", "up", module(SPIN)],
    ["waits", "up", module("", HANG)],
    ["spins", "up", module("", SPIN)],
    ["spins in a dry run", "up --dry-run", module("", SPIN)],
    ["spins under --sql", "up --sql", module("", SPIN)],
    ["waits under --sql", "up --sql", module("", HANG)],
    ["waits at its top under status", "status --check", module(HANG)],
    ["spins at its top under plan", "plan", module(SPIN)],
    ["waits at its top under build", "build out", module(HANG)],
    ["spins at its top under heads", "heads", module(SPIN)],
    ["ignores the signal", "up", module("", "await new Promise((r) => setTimeout(r, 600_000));")],
  ])("that %s (godwit %s)", async ([, args, text], { db }) => {
    const family = createFamily();
    const folder = folderOf({ "migrations/0001_a.mjs": text });
    const godwit = commandIn({ folder, url: db.url, env: family.env });
    const finished = await godwit.fails(1, ...args.split(" "), "--timeout", "2s", "--json");
    expectOneAnswer(finished);
    expect(finished.json.problems[0].code).toBe("DEADLINE");
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    await family.gone();
  });
});

describe("a configuration that never comes to an end is ended", () => {
  test.for<[name: string, args: string, text: string]>([
    ["waits", "up", HANG],
    ["spins", "status", SPIN],
    ["waits", "plan", HANG],
    ["waits", "build out", HANG],
    ["spins", "doctor", SPIN],
    ["waits", "history", HANG],
    ["waits", "adopt", HANG],
    ["waits", "down base", HANG],
  ])("at the deadline, where it %s (godwit %s)", async ([, args, text], { db }) => {
    const family = createFamily();
    const folder = folderOf({ "godwit.config.mjs": `${text}\nexport default {};` });
    const godwit = commandIn({ folder, url: db.url, env: family.env });
    const finished = await godwit.fails(1, ...args.split(" "), "--timeout", "1s", "--json");
    expectOneAnswer(finished);
    expect(finished.json.problems[0].code).toBe("DEADLINE");
    await family.gone();
  });

  test.for<[signal: "SIGTERM" | "SIGINT", code: number, text: string]>([
    ["SIGTERM", 143, HANG],
    ["SIGINT", 130, SPIN],
  ])("by the first %s", async ([signal, code, text], { db }) => {
    const family = createFamily();
    const folder = folderOf({ "godwit.config.mjs": `console.log("loading");\n${text}\nexport default {};` });
    const running = commandIn({ folder, url: db.url, env: family.env }).start("up", "--json", "--verbose");
    await family.hasMembers(2);
    running.child.kill(signal);
    const finished = await running.exits(code);
    expectOneAnswer(finished);
    expect(finished.json.problems[0].code).toBe("INTERRUPTED");
    await family.gone();
  });
});

describe("a migration that ends its process fails, is rolled back and named:", () => {
  test.for<[name: string, args: string, text: string, says: RegExp]>([
    ["exits", "up", module("", EXIT), /0001_a\.mjs did not come to its end: .*exit code 0 \(process\.exit\)/],
    ["exits at its top", "up", module(EXIT), /0001_a\.mjs cannot be loaded: .*exit code 0/],
    ["exits at its top", "plan", `${EXIT}${UP}`, /0001_a\.mjs cannot be loaded: .*exit code 0/],
    ["exits in a timer", "up", module("", `setTimeout(() => process.exit(0)); ${HANG}`), /exit code 0/],
    ["exits in a dry run", "up --dry-run", module("", EXIT), /exit code 0/],
    ["exits under --sql", "up --sql", module("", EXIT), /exit code 0/],
    ["kills itself", "up", module("", "process.kill(process.pid, 'SIGKILL');"), /ended by SIGKILL/],
    ["aborts", "up", module("", "process.abort();"), /crashed \(SIGABRT\)/],
    [
      "throws in a timer",
      "up",
      module("", `setTimeout(() => { throw new Error('stray'); }); ${HANG}`),
      /nothing could catch it: stray/,
    ],
    [
      "rejects unseen",
      "up",
      module("", `void Promise.reject(new Error('unseen')); ${HANG}`),
      /nothing could catch it: unseen/,
    ],
  ])("%s (godwit %s)", async ([, args, text, says], { db }) => {
    const family = createFamily();
    const folder = folderOf({ "migrations/0001_a.mjs": text });
    const godwit = commandIn({ folder, url: db.url, env: family.env });
    const finished = await godwit.fails(1, ...args.split(" "), "--json");
    expectOneAnswer(finished);
    expect(finished.json.problems[0].message).toMatch(says);
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    await family.gone();
  });

  test("runs out of memory", async ({ db }) => {
    const family = createFamily();
    const text = module("", "const all = []; for (;;) all.push(new Array(100_000).fill(1.5));");
    const folder = folderOf({ "migrations/0001_a.mjs": text });
    const env = { ...family.env, NODE_OPTIONS: "--max-old-space-size=64" };
    const finished = await commandIn({ folder, url: db.url, env }).fails(1, "up", "--json");
    expectOneAnswer(finished);
    expect(finished.json.problems[0]).toMatchObject({
      code: "STEP_PROCESS_ENDED",
      place: { file: "0001_a.mjs" },
    });
    await family.gone();
  });
});

test("of several modules the one that ends the process is named, and the others are not", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.mjs": UP,
    "migrations/0002_b.mjs": `${EXIT}\n${UP}`,
    "migrations/0003_c.mjs": "export const up = () => {};",
  });
  const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
  expect(json.problems).toHaveLength(1);
  expect(json.problems[0]).toMatchObject({
    code: "PLAN_BROKEN_FILE",
    place: { file: "0002_b.mjs", line: 1 },
  });
});

test("a down that exits takes nothing back and fails", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.mjs": `${UP}\nexport const down = async ({ sql }) => { await sql\`drop table a\`; ${EXIT} };`,
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const { json } = await godwit.fails(1, "down", "base", "--json");
  expect(json.problems[0].code).toBe("STEP_PROCESS_ENDED");
  expect(await db.sql("select from a")).toEqual([]);
});
