/** One file in the place of all that another tool had applied: it is not run, whether that was adopted before or not, and every door says so. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { dryRun } from "../../src/run/dry-run.ts";
import type { Target } from "../../src/run/session/target.ts";
import { preview, statusOf } from "../../src/run/status.ts";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { TOOL_TABLES, type ToolTable } from "../support/tool-tables.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT = { assume: false, dryRun: false };
// A chain of graphile-migrate that does not begin at its beginning is refused as files.
const WITH_FILES = TOOL_TABLES.filter(({ layout }) => !["plain", "graphile-migrate"].includes(layout));
const MIRRORED = ["dbmate", "golang-migrate"];

/** What the refusals say first, and whether it is the same everywhere. */
async function saidBy(target: Target): Promise<string> {
  const wanted = { ...UP, imports: async () => [] };
  const status = await statusOf(target, wanted, recorder());
  const codes = [
    status.problems[0]?.code,
    (await refusalOf(preview(target, UP, recorder()))).codes[0],
    (await refusalOf(dryRun(target, wanted, recorder()))).codes[0],
    (await refusalOf(up(target))).codes[0],
    (await refusalOf(adopt(target, ADOPT, recorder()))).codes[0],
    (await refusalOf(baseline(target, "head", recorder()))).codes[0],
  ];
  return [...new Set(codes)].join(", ");
}

async function squashed(db: TestDatabase, one: ToolTable, { adopted, mirror }: Case): Promise<Target> {
  await db.sql(
    `create table effects (n int primary key); insert into effects values (1), (2), (3); ${one.create}`,
  );
  const old = folderOf({});
  writeFiles(old, one.files([1, 2, 3]));
  const settings = mirror === undefined ? {} : { mirror };
  const before = await targetIn(one.layout, { url: db.url, folder: old, settings });
  const { migrations } = await before.source.list();
  for (const [index, migration] of migrations.entries()) await db.sql(await one.row(index + 1, migration));
  if (adopted) await adopt(before, ADOPT, recorder());
  const folder = folderOf({});
  writeFiles(folder, one.files([4]));
  return targetIn(one.layout, { url: db.url, folder, settings });
}

interface Case {
  readonly adopted: boolean;
  readonly mirror?: string;
}

async function leadsOn(db: TestDatabase, target: Target): Promise<void> {
  const { replaced } = await baseline(target, "head", recorder(), { confirm: db.name });
  expect((await statusOf(target, { ...UP, imports: async () => [] }, recorder())).warnings).toEqual([]);
  const { steps, warnings } = await up(target);
  expect({ steps, warnings }).toEqual({ steps: [], warnings: [] });
  expect((await up(target)).warnings).toEqual([]);
  expect(await db.sql("select n from effects order by n")).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(replaced.length === 0 || replaced.length === 3).toBe(true);
}

describe("what was adopted and then replaced is another project's until a person speaks, with", () => {
  const cases = [
    ...WITH_FILES.map((one) => ({ one, tool: one.tool, mirror: undefined })),
    ...WITH_FILES.filter(({ tool }) => MIRRORED.includes(tool)).map((one) => ({
      ...{ one, tool: `${one.tool}, kept in step`, mirror: one.tool },
    })),
  ];
  test.for(cases)("$tool", async ({ one, mirror }, { db }) => {
    const target = await squashed(db, one, { adopted: true, ...(mirror === undefined ? {} : { mirror }) });
    expect(await saidBy(target)).toBe("LEDGER_FOREIGN");
    await leadsOn(db, target);
  });
});

describe("what was not adopted and is replaced is asked about, and adopting is no answer, with", () => {
  test.for(WITH_FILES)("$tool", async (one, { db }) => {
    const target = await squashed(db, one, { adopted: false });
    expect(await saidBy(target)).toBe("ADOPT_CONFLICT");
    await leadsOn(db, target);
  });
});

test("the hint's command answers for rows that nobody adopted, and for those of another project", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/20240201000000_all.sql":
      "-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;\n",
  });
  await db.sql(
    "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101000000')",
  );
  const godwit = commandIn({ folder, url: db.url });
  const refused = (await godwit.fails(1, "adopt")).stderr.replaceAll(/\s+/g, " ");
  expect(refused).toContain("The one migration that dbmate has applied here");
  expect((await godwit.fails(1, "adopt", "--dry-run")).stderr).toContain("[ADOPT_CONFLICT]");
  expect((await godwit("up", "--dry-run", "--mirror", "none:public.schema_migrations")).stdout).toContain(
    "Tried",
  );
  const [, command = ""] = /`godwit (baseline [^`]+)`/.exec(refused) ?? [];
  await godwit(...command.replace("<database>", db.name).split(" "));
  expect((await godwit("up")).stdout).toContain("nothing to do");
  await godwit("status", "--check");
});

test("what was declared in a folder of our own and then replaced is not run", async ({ db }) => {
  const folder = folderOf({ "0001_a.sql": "create table a ();", "0002_b.sql": "create table b ();" });
  await db.sql("create table a (); create table b ()");
  const target = targetOf({ url: db.url, folder });
  await baseline(target, "head", recorder());
  for (const file of ["0001_a.sql", "0002_b.sql"]) rmSync(join(folder, file));
  writeFiles(folder, { "0003_all.sql": "create table if not exists a (); create table c ();" });
  expect((await refusalOf(up(target))).codes).toEqual(["LEDGER_FOREIGN"]);
  await baseline(target, "head", recorder(), { confirm: db.name });
  expect((await up(target)).steps).toEqual([]);
});

test("of what was declared, the newest are missed where a later file stands in their place", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": "create table a ();", "0002_b.sql": "create table b ();" });
  await db.sql("create table a (); create table b ()");
  const target = targetOf({ url: db.url, folder });
  await baseline(target, "head", recorder());
  rmSync(join(folder, "0002_b.sql"));
  writeFiles(folder, { "0003_b.sql": "create table if not exists b (n int);" });
  expect((await refusalOf(up(target))).codes).toEqual(["PLAN_VANISHED"]);
});
