/** Who does not read what a command writes does not keep it from ending. */
import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe } from "vitest";
import { commandIn, type Running } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

const many = Array.from({ length: 12_000 }, (_, at) => `create table t${at} (a int, b text);`).join("\n");
const LOGS = `
export const up = async ({ log }) => {
  for (let count = 0; count < 3_000; count++) log.info("x".repeat(200));
  await new Promise(() => {});
};`;

/** From now on nobody reads this stream; what else it says is known when the process has ended. */
function stall({ child }: Running, name: "stdout" | "stderr"): void {
  (child[name] as Readable).pause();
}

/** The exit code, while one of its streams is still not read. */
async function exitOf({ child }: Running): Promise<unknown> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}

describe("stdout is not read", () => {
  const files = { "migrations/0001_a.sql": many };

  test("the deadline ends the command, and stderr says so", async ({ db }) => {
    const running = commandIn({ folder: folderOf(files), url: db.url }).start(
      ...["up", "--sql", "--timeout", "4s"],
    );
    stall(running, "stdout");
    expect(await exitOf(running)).toBe(1);
    (running.child.stdout as Readable).resume();
    const { stderr } = await running.exits(1);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toMatch(/deadline of the run has passed.* output is incomplete.*\[DEADLINE\]/);
  });

  test("SIGTERM ends the command, and stderr says so", async ({ db }) => {
    const running = commandIn({ folder: folderOf(files), url: db.url }).start("up", "--sql");
    stall(running, "stdout");
    // It has come to its output when the pipe has been filled.
    await until(() => (running.child.stdout as Readable).readableLength > 0);
    running.child.kill("SIGTERM");
    expect(await exitOf(running)).toBe(143);
    (running.child.stdout as Readable).resume();
    const { stderr } = await running.exits(143);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toMatch(/SIGTERM ended the run.*\[INTERRUPTED\]/);
  });

  test("a reader that is late gets all of it", async ({ db }) => {
    const running = commandIn({ folder: folderOf(files), url: db.url }).start("up", "--sql");
    const stdout = running.child.stdout as Readable;
    stall(running, "stdout");
    await until(() => stdout.readableLength > 0);
    stdout.resume();
    expect((await running.exits(0)).stdout).toContain("create table t11999 ");
  });
});

describe("stderr is not read", () => {
  test.for<[how: string, args: readonly string[], signal: NodeJS.Signals | null, code: number]>([
    ["the deadline", ["--timeout", "3s"], null, 1],
    ["SIGTERM", [], "SIGTERM", 143],
  ])("%s ends the run, and stdout has its document", async ([, args, signal, code], { db }) => {
    const folder = folderOf({ "migrations/0001_a.mjs": LOGS });
    const running = commandIn({ folder, url: db.url }).start("up", "--json", ...args);
    const stderr = running.child.stderr as Readable;
    stall(running, "stderr");
    await until(() => stderr.readableLength > 0);
    if (signal !== null) running.child.kill(signal);
    expect(await exitOf(running)).toBe(code);
    stderr.resume();
    const { json } = await running.exits(code);
    expect(json).toMatchObject({ ok: false, report: { outcome: "interrupted" } });
  });
});
