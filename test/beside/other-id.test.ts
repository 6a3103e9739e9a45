/** A change whose line in the plan was edited has another id, to Sqitch and so in its registry: named, and settled by a word. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { repair } from "../../src/run/repair.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn, without } from "../support/tools.ts";

const missing = without("Sqitch", "sqitch", "--version");

async function project(db: TestDatabase) {
  const { hostname, port, username, pathname } = new URL(db.url);
  const folder = folderOf({
    "sqitch.conf": `[core]\n\tengine = pg\n[engine "pg"]\n\ttarget = db:pg://${username}@${hostname}:${port}${pathname}\n`,
  });
  const env = {
    ...{ PATH: process.env.PATH ?? "", HOME: folder, TZ: "UTC" },
    ...{ SQITCH_FULLNAME: "T", SQITCH_EMAIL: "t@example.com" },
  };
  const sqitch = (...args: readonly string[]) =>
    promisify(execFile)("sqitch", [...args], { cwd: folder, env });
  await sqitch("init", "test");
  const add = async (name: string) => {
    await sqitch("add", name, "-n", `note of ${name}`);
    writeFileSync(join(folder, "deploy", `${name}.sql`), `create table ${name} (id int);\n`);
    writeFileSync(join(folder, "revert", `${name}.sql`), `drop table ${name};\n`);
  };
  const edit = (from: string, to: string) => {
    const plan = join(folder, "sqitch.plan");
    writeFileSync(plan, readFileSync(plan, "utf8").replace(from, to));
  };
  await add("a");
  await add("b");
  await sqitch("deploy");
  return { sqitch, add, edit, target: await targetIn("sqitch", { url: db.url, folder }) };
}

describe.skipIf(missing)(`Sqitch${missing ? `: ${missing}` : ""}`, () => {
  const done = (revision: string) => ({ kind: "mark-done", revision, position: null }) as const;

  test("edited after it was adopted: refused as what it is, and the way out ends", async ({ db }) => {
    const { sqitch, add, edit, target } = await project(db);
    await adopt(target, ADOPT, recorder());
    edit("note of b", "another note");
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toMatch(/^b is applied, .* another id than the files give it/);
    expect(error.hint).toContain("repair --mark-done b");
    // The other way out.
    edit("another note", "note of b");
    expect((await up(target)).steps).toEqual([]);
    edit("note of b", "another note");
    await repair(target, done("b"), { confirm: db.name }, recorder());
    for (const _ of [1, 2]) expect((await up(target)).steps).toEqual([]);
    await add("c");
    expect((await up(target)).steps).toMatchObject([{ revision: "c" }]);
    expect((await adopt(target, ADOPT, recorder())).missing).toEqual([]);
    // What is settled is the row as it is, and not its absence.
    edit("another note", "note of b");
    await sqitch("revert", "-y", "--to", "a");
    edit("note of b", "another note");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
  });

  test("edited at the first: all behind it have other ids too, and one baseline settles them", async ({
    db,
  }) => {
    const { edit, target } = await project(db);
    await adopt(target, ADOPT, recorder());
    edit("note of a", "another note");
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_CONFLICT", "ADOPT_CONFLICT"]);
    await baseline(target, "b", recorder());
    for (const _ of [1, 2]) expect((await up(target)).steps).toEqual([]);
  });

  test("edited before it was adopted: what a person has said of it stays said", async ({ db }) => {
    const { edit, target } = await project(db);
    edit("note of b", "another note");
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_CONFLICT"]);
    await repair(target, done("b"), { confirm: db.name }, recorder());
    await adopt(target, ADOPT, recorder());
    for (const _ of [1, 2]) expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(["b", "a"]);
  });
});
