/**
 * Sqitch, whose plan is run in place. Its registry is read and never written: of what we have run it knows nothing until
 * it is told, and the way to tell it is its own, `sqitch deploy --log-only`. Until then its `deploy` runs the same scripts
 * again. That fails at the first which cannot be repeated; any before it are then reverted, with what we had made.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import type { Target } from "../../src/run/session/target.ts";
import { ADOPT, drop, make, once, TABLES } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import type { Said } from "../support/tool.ts";
import { targetIn, without } from "../support/tools.ts";

const missing = without("Sqitch", "sqitch", "--version");

describe.skipIf(missing)(`Sqitch${missing ? `: ${missing}` : ""}`, () => {
  test("half by it, adopted, the rest by us; then told of it, it has nothing left", async ({ db }) => {
    const { sqitch, write, target } = await project(db);
    await write(0, 1);
    await sqitch.succeeds("deploy");
    await write(2, 3);
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({
      tool: "sqitch",
      table: "sqitch.changes",
      pending: ["c", "d"],
      edited: [],
    });
    expect(report.applied.map(({ revision }) => revision)).toEqual(["a", "b"]);
    const registry = await registryOf(db);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["c", "d"]);
    expect(await registryOf(db)).toEqual(registry);

    await notYetTold(db, sqitch, ["c", "d"]);
    await sqitch.succeeds("deploy", "--log-only");
    await agreed(db, sqitch, target);
  });

  test("first by us in a new database; told of it, it deploys the next, and the rest is ours again", async ({
    db,
  }) => {
    const { sqitch, write, target } = await project(db);
    await write(0, 1);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["a", "b"]);
    expect(await db.sql("select to_regnamespace('sqitch') as registry")).toEqual([{ registry: null }]);
    await notYetTold(db, sqitch, ["a", "b"]);
    expect((await refusalOf(adopt(target, ADOPT, recorder()))).codes).toEqual(["ADOPT_NOTHING"]);
    await sqitch.succeeds("deploy", "--log-only");
    expect(await deployed(db)).toEqual(["a", "b"]);

    await write(2);
    expect(await sqitch.succeeds("deploy")).toMatch(/^ {2}\+ c \.+ ok$/m);
    await once(db, 3);
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    expect((await adopt(target, ADOPT, recorder())).applied).toMatchObject([
      { revision: "a", already: true },
      { revision: "b", already: true },
      { revision: "c", already: false },
    ]);
    await write(3);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["d"]);
    await notYetTold(db, sqitch, ["d"]);
    await sqitch.succeeds("deploy", "--log-only");
    await agreed(db, sqitch, target);
  });

  test("not told of ours, its deploy repeats what can be repeated, fails, and reverts that: our table is gone", async ({
    db,
  }) => {
    const { folder, sqitch, write, target } = await project(db);
    await write(0, 1);
    writeFileSync(join(folder, "deploy", "a.sql"), "create table if not exists a (id int);\n");
    await up(target);
    const { code, text } = await sqitch("deploy");
    expect(code).not.toBe(0);
    expect(text).toMatch(/\+ a \.+ ok\n +\+ b \.+ not ok\n +- a \.+ ok\n/);
    expect(await db.sql("select to_regclass('a') as a, to_regclass('b') as b")).toEqual([
      { a: null, b: "b" },
    ]);
    // Ours knows nothing of it.
    expect(await appliedIn(db)).toEqual(["a", "b"]);
  });

  test("a reworked change is there twice, and both are known", async ({ db }) => {
    const { folder, sqitch, write, target } = await project(db);
    await write(0);
    await sqitch.succeeds("tag", "v1", "-n", "v1");
    await sqitch.succeeds("rework", "a", "-n", "again");
    writeFileSync(join(folder, "deploy", "a.sql"), `BEGIN;\n${make(1)}COMMIT;\n`);
    await sqitch.succeeds("deploy");
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ pending: [], missing: [], edited: [] });
    expect(report.applied).toHaveLength(2);
    expect((await up(target)).steps).toEqual([]);
  });

  test("for a new folder of another layout its changes are revisions", async ({ db }) => {
    const { sqitch, write } = await project(db);
    await write(0, 1);
    await sqitch.succeeds("deploy");
    const folder = folderOf({ "0001_next.sql": make(2), "0002_last.sql": make(3) });
    const target = targetOf({ url: db.url, folder });
    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["a", "b"]);
    await up(target);
    expect(await sqitch.succeeds("status")).toContain("up-to-date");
    await once(db, 4);
  });
});

type Sqitch = ReturnType<typeof sqitchIn>;

async function project(db: TestDatabase) {
  const { hostname, port, username, pathname } = new URL(db.url);
  const folder = folderOf({
    "sqitch.conf": `[core]\n\tengine = pg\n[engine "pg"]\n\ttarget = db:pg://${username}@${hostname}:${port}${pathname}\n`,
  });
  const sqitch = sqitchIn(folder);
  await sqitch.succeeds("init", "test");
  return {
    folder,
    sqitch,
    target: await targetIn("sqitch", { url: db.url, folder }),
    /** The changes that make these tables, at the end of the plan. */
    async write(...indices: readonly number[]) {
      for (const index of indices) {
        const name = String(TABLES[index]);
        await sqitch.succeeds("add", name, "-n", name);
        writeFileSync(join(folder, "deploy", `${name}.sql`), `BEGIN;\n${make(index)}COMMIT;\n`);
        writeFileSync(join(folder, "revert", `${name}.sql`), `BEGIN;\n${drop(index)}COMMIT;\n`);
        writeFileSync(join(folder, "verify", `${name}.sql`), `select id from ${name} where false;\n`);
      }
    },
  };
}

function sqitchIn(folder: string) {
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    TZ: "UTC",
    SQITCH_FULLNAME: "T",
    SQITCH_EMAIL: "t@example.com",
  };
  const run = (args: readonly string[]) =>
    new Promise<Said>((resolve) => {
      const child = execFile("sqitch", [...args], { cwd: folder, env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, text: `${stdout}${stderr}` }),
      );
    });
  return Object.assign((...args: readonly string[]) => run(args), {
    async succeeds(...args: readonly string[]): Promise<string> {
      const { code, text } = await run(args);
      if (code !== 0) throw new Error(`sqitch ${args.join(" ")} exited with ${code}:\n${text}`);
      return text;
    },
  });
}

const registryOf = (db: TestDatabase) => db.sql("select * from sqitch.changes order by committed_at");

const deployed = async (db: TestDatabase) =>
  (await db.sql("select change from sqitch.changes order by committed_at")).map(({ change }) => change);

/** These are ours alone. To Sqitch they are still to be deployed; its attempt fails at the first, and only its log has it. */
async function notYetTold(db: TestDatabase, sqitch: Sqitch, changes: readonly string[]): Promise<void> {
  const [first, ...rest] = changes;
  const { text } = await sqitch("status");
  if (text.includes("No changes deployed")) expect(changes.at(0)).toBe("a");
  else expect([...text.matchAll(/^ {2}\* (\S+)$/gm)].map((line) => line[1])).toEqual(changes);
  const again = await sqitch("deploy");
  expect(again.code).not.toBe(0);
  expect(again.text).toContain(`relation "${first}" already exists`);
  for (const change of rest) expect(again.text).not.toContain(`+ ${change} `);
  expect(await deployed(db)).not.toContain(first);
  await once(db, TABLES.indexOf((changes.at(-1) ?? "") as never) + 1);
}

/** Neither has anything left, running both again changes nothing, and what there is was made once. */
async function agreed(db: TestDatabase, sqitch: Sqitch, target: Target): Promise<void> {
  const before = [await registryOf(db), await appliedIn(db)];
  expect(await sqitch.succeeds("status")).toContain("Nothing to deploy (up-to-date)");
  expect(await sqitch.succeeds("deploy")).toContain("Nothing to deploy (up-to-date)");
  expect(await sqitch.succeeds("verify")).toContain("Verify successful");
  const { applied, pending, edited } = await adopt(target, ADOPT, recorder());
  expect(applied.map(({ revision, already }) => ({ revision, already }))).toEqual(
    TABLES.map((revision) => ({ revision, already: true })),
  );
  expect([pending, edited]).toEqual([[], []]);
  expect((await up(target)).steps).toEqual([]);
  expect([await registryOf(db), await appliedIn(db)]).toEqual(before);
  expect([await deployed(db), await appliedIn(db)]).toEqual([TABLES, TABLES]);
  await once(db, 4);
}
