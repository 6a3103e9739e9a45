/**
 * Alembic's graph, kept in step: the same revisions as its programs and as our files, half by it and half by us. After
 * each step its own `current` is asked, and `upgrade heads` must find nothing to do.
 */
import { execFile } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { adopt } from "../../src/run/adopt.ts";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { down, type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { without, withoutPython } from "../support/tools.ts";

const missing = without("Alembic", "/usr/bin/alembic", "--version") || withoutPython("psycopg2", "psycopg2");

interface Revision {
  readonly id: string;
  readonly below: readonly string[];
  readonly depends?: string;
  readonly label?: string;
}

const GRAPH: readonly Revision[] = [
  { id: "aaaa1111", below: [] },
  { id: "bbbb2222", below: ["aaaa1111"] },
  { id: "cccc3333", below: ["aaaa1111"], label: "net" },
  { id: "dddd4444", below: ["bbbb2222", "cccc3333"] },
  { id: "eeee5555", below: [], label: "shop", depends: "bbbb2222" },
  { id: "ffff6666", below: ["eeee5555"] },
];

const python = (ids: readonly string[]) =>
  ids.length === 0 ? "None" : `(${ids.map((id) => `"${id}",`).join(" ")})`;

/** Both forms of it: Alembic's programs below `alembic`, our files below `sql`. */
function project(): string {
  const files: Files = Object.fromEntries(
    GRAPH.flatMap(({ id, below, depends, label }): [string, string][] => [
      [
        `alembic/versions/${id}_made.py`,
        `from alembic import op\nrevision = "${id}"\ndown_revision = ${python(below)}\n` +
          `branch_labels = ${label === undefined ? "None" : `("${label}",)`}\ndepends_on = ${depends === undefined ? "None" : `"${depends}"`}\n` +
          `def upgrade():\n    op.execute("create table t_${id} (id int)")\ndef downgrade():\n    op.execute("drop table t_${id}")\n`,
      ],
      [
        `sql/${id}.sql`,
        `-- godwit: revises=${below.join(",") || "none"}${depends === undefined ? "" : ` depends=${depends}`}\n` +
          `-- migrate:up\ncreate table t_${id} (id int);\n-- migrate:down\ndrop table t_${id};\n`,
      ],
    ]),
  );
  const folder = folderOf({
    "alembic.ini": "[alembic]\nscript_location = alembic\n",
    "alembic/script.py.mako": "",
    ...files,
  });
  cpSync(join(root, "test", "fixtures", "alembic"), join(folder, "alembic"), { recursive: true });
  return folder;
}

async function alembic(db: TestDatabase, folder: string, ...args: readonly string[]): Promise<string> {
  const environment = { PATH: process.env.PATH ?? "", TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await promisify(execFile)("/usr/bin/alembic", [...args], {
    cwd: folder,
    env: environment,
  }).catch((error) => {
    throw new Error(`alembic ${args.join(" ")}: ${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

const targetIn = (db: TestDatabase, folder: string, mirror: string | null = "alembic"): Target =>
  targetOf({ url: db.url, folder: join(folder, "sql"), settings: { mirror } });

const rowsOf = async (db: TestDatabase) =>
  (await db.sql<{ version_num: string }>("select version_num from alembic_version order by 1")).map(
    (row) => row.version_num,
  );

const tablesOf = async (db: TestDatabase) =>
  (
    await db.sql<{ name: string }>("select relname as name from pg_class where relname ~ '^t_' order by 1")
  ).map(({ name }) => name.slice(2));

const upTo = (target: Target, to: string) => up(target, recorder(), { goal: { ...UP.goal, to } });

/** Alembic says of itself that it has nothing to do. */
async function nothingLeft(db: TestDatabase, folder: string): Promise<void> {
  const [rows, tables] = [await rowsOf(db), await tablesOf(db)];
  await alembic(db, folder, "upgrade", "heads");
  expect(await rowsOf(db)).toEqual(rows);
  expect(await tablesOf(db)).toEqual(tables);
}

describe.skipIf(missing)(`Alembic${missing ? `: ${missing}` : ""}`, () => {
  test("first by it, adopted with what its heads imply, then by us", async ({ db }) => {
    const folder = project();
    await alembic(db, folder, "upgrade", "eeee5555");
    expect(await rowsOf(db)).toEqual(["eeee5555"]);
    const target = targetIn(db, folder);
    const report = await adopt(target, { assume: false, dryRun: true }, recorder());
    expect(report.applied.map(({ revision, assumed }) => [revision, assumed]).sort()).toEqual([
      ["aaaa1111", true],
      ["bbbb2222", true],
      ["eeee5555", false],
    ]);
    // Nothing questionable: it simply carries on.
    const { steps } = await up(target);
    expect(steps.map(({ revision }) => revision).sort()).toEqual(["cccc3333", "dddd4444", "ffff6666"]);
    expect(await rowsOf(db)).toEqual(["dddd4444", "ffff6666"]);
    const current = await alembic(db, folder, "current");
    expect(current).toContain("dddd4444");
    expect(current).toContain("ffff6666");
    await nothingLeft(db, folder);
    expect((await up(target)).steps).toEqual([]);
  });

  test("step by step by us: its rows are the heads after each, up and down", async ({ db }) => {
    const folder = project();
    const target = targetIn(db, folder);
    await upTo(target, "eeee5555");
    expect(await rowsOf(db)).toEqual(["eeee5555"]);
    expect(await alembic(db, folder, "current")).toContain("eeee5555");
    await upTo(target, "cccc3333");
    expect(await rowsOf(db)).toEqual(["cccc3333", "eeee5555"]);
    await up(target);
    expect(await rowsOf(db)).toEqual(["dddd4444", "ffff6666"]);
    await nothingLeft(db, folder);
    await migrate(target, down("bbbb2222"), recorder());
    const ours = [await rowsOf(db), await tablesOf(db)];
    // The same by itself, from the same state.
    await up(target);
    await alembic(db, folder, "downgrade", "bbbb2222");
    expect(ours).toEqual([await rowsOf(db), await tablesOf(db)]);
    expect(ours[0]).toEqual(["cccc3333", "ffff6666"]);
  });

  test("down to the base leaves no row, and its own upgrade begins again", async ({ db }) => {
    const folder = project();
    const target = targetIn(db, folder);
    await up(target);
    await migrate(target, down("base"), recorder());
    expect(await rowsOf(db)).toEqual([]);
    await alembic(db, folder, "upgrade", "heads");
    expect(await rowsOf(db)).toEqual(["dddd4444", "ffff6666"]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("what it did in between is taken over", async ({ db }) => {
    const folder = project();
    const target = targetIn(db, folder);
    await upTo(target, "aaaa1111");
    await alembic(db, folder, "upgrade", "dddd4444");
    const { steps } = await up(target);
    expect(steps.map(({ revision }) => revision)).toEqual(["eeee5555", "ffff6666"]);
    await nothingLeft(db, folder);
  });

  test("adopted for a new folder: the heads stand for what is below them", async ({ db }) => {
    const folder = project();
    await alembic(db, folder, "upgrade", "heads");
    const next = folderOf({ "0001_next.sql": "create table t_next (id int);" });
    const target = targetOf({ url: db.url, folder: next });
    const report = await adopt(target, { assume: false, dryRun: false }, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["dddd4444", "ffff6666"]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0001_next"]);
    expect(await rowsOf(db)).toEqual(["dddd4444", "ffff6666"]);
  });

  test("a revision numbered by hand is that of the file with its number", async ({ db }) => {
    const program = (id: string, below: string) =>
      `from alembic import op\nrevision = "${id}"\ndown_revision = ${below}\ndef upgrade():\n    op.execute("create table t_${id} (id int)")\n`;
    const folder = project();
    rmSync(join(folder, "alembic/versions"), { recursive: true });
    writeFiles(folder, {
      "alembic/versions/001_initial.py": program("001", "None"),
      "alembic/versions/002_more.py": program("002", '"001"'),
    });
    await alembic(db, folder, "upgrade", "002");
    const ours = folderOf({
      "001_initial.ts":
        "export const revises = 'none'; export const up = ({ sql }: any) => sql`create table t_001 ()`;",
      "002_more.ts":
        "export const revises = '001_initial'; export const up = ({ sql }: any) => sql`create table t_002 ()`;",
      "003_new.ts":
        "export const revises = '002_more'; export const up = ({ sql }: any) => sql`create table t_003 ()`;",
    });
    const target = targetOf({ url: db.url, folder: ours });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const report = await adopt(target, { assume: false, dryRun: false }, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["001_initial", "002_more"]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["003_new"]);
  });

  test("a folder that does not say what stands on what cannot be kept in step", async ({ db }) => {
    const folder = folderOf({ "sql/0001_a.sql": "create table t_a (id int);" });
    const { codes, error } = await refusalOf(up(targetIn(db, folder)));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.hint).toContain("revises");
  });
});
