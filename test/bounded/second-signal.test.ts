/** The first signal is said at once. The second one ends the process at once, and the command has its last words. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { folderOf } from "../support/target.ts";

/** It catches what cancels it, and goes on. */
const DEAF = `do $$ begin loop begin ${GATE.replace("select", "perform")} exit;
  exception when query_canceled then null; end; end loop; end $$;`;
const FILES = { "migrations/0001_a.sql": `create table a (); ${DEAF}` };
const UP = ["up", "--lock-timeout", "0"];

async function signalledTwice(
  db: Parameters<typeof closeGate>[0],
  files: Readonly<Record<string, string>>,
  words: readonly string[],
) {
  const gate = await closeGate(db);
  const running = commandIn({ folder: folderOf(files), url: db.url }).start(...words);
  await gate.reached();
  running.child.kill("SIGINT");
  await running.says("SIGINT: ending what is under way; a second signal ends the process at once");
  running.child.kill("SIGTERM");
  return running.exits(143);
}

const SAID =
  "A second signal (SIGTERM) ended the process at once. 0001_a was running, and what was kept of it is not known.";

describe("a second signal", () => {
  test("says in one message which migration was running", async ({ db }) => {
    const { stderr, stdout } = await signalledTwice(db, FILES, UP);
    expect(stdout).toBe("");
    expect(stderr.match(/^error: .*$/gm)).toEqual([`error: ${SAID} [INTERRUPTED]`]);
    expect(stderr).toMatch(/→ `godwit status` shows what is applied, and what must be decided first\.\n$/);
  });

  test("ends --json with one document", async ({ db }) => {
    const { json } = await signalledTwice(db, FILES, [...UP, "--json"]);
    expect(json).toMatchObject({
      ok: false,
      command: "up",
      problems: [{ code: "INTERRUPTED", message: SAID }],
    });
  });

  test("and the document has a report of all that is known", async ({ db }) => {
    const files = {
      "migrations/0000_first.sql": "create table first ();",
      ...FILES,
      "migrations/0002_last.sql": "create table last ();",
    };
    const { json } = await signalledTwice(db, files, [...UP, "--json"]);
    expect(json.report).toMatchObject({
      command: "up",
      outcome: "interrupted",
      steps: [{ revision: "0000_first" }],
      failures: [{ revision: "0001_a", committed: "unknown", problem: { code: "INTERRUPTED" } }],
      remaining: ["0002_last"],
    });
    expect(json.report.runId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await db.sql("select to_regclass('first') is not null as kept")).toEqual([{ kept: true }]);
  });

  test("ends a log of JSON lines with a line of JSON", async ({ db }) => {
    const { stderr } = await signalledTwice(db, FILES, [...UP, "--log-format", "json"]);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ level: "error", code: "INTERRUPTED", message: SAID });
  });

  test("names the migration of each target", async ({ db }) => {
    const target = { url: db.url, dir: "migrations", ledgerSchema };
    const files = { ...FILES, "godwit.config.json": JSON.stringify({ targets: { x: target } }) };
    const { json } = await signalledTwice(db, files, [...UP, "--json"]);
    expect(json.problems[0].message).toMatch(/0001_a( of x)? was running/);
    const report = { outcome: "interrupted", failures: [{ revision: "0001_a", committed: "unknown" }] };
    expect(json.targets).toMatchObject([{ name: "x", ok: false, state: "interrupted", report }]);
  });

  test("does not say of a dry run that anything may be kept", async ({ db }) => {
    const { json } = await signalledTwice(db, FILES, [...UP, "--dry-run", "--json"]);
    expect(json.problems[0].message).toMatch(/0001_a was running; a dry run keeps nothing\.$/);
  });

  test("does not wait for a module that spins", async ({ db }) => {
    const text = `export const up = async ({ execute }) => { void execute(${JSON.stringify(GATE)}); await execute("select 1"); for (;;); };`;
    const { json } = await signalledTwice(db, { "migrations/0001_a.mjs": text }, [...UP, "--json"]);
    expect(json.problems[0].message).toBe(SAID);
  });
});
