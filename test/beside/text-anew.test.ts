/** A tool has run the present text of an edited file, or would run one again: the ledger follows, or the run says so by name. */
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { repair } from "../../src/run/repair.ts";
import type { Target } from "../../src/run/session/target.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { TOOL_TABLES } from "../support/tool-tables.ts";
import { targetIn } from "../support/tools.ts";

const EDITED = ["sqlx", "prisma", "drizzle"] as const;

describe("a file was edited, and the tool has run its present text since", () => {
  test.for(EDITED)("%s: its text is adopted, and called applied", async (tool, { db }) => {
    const one = TOOL_TABLES.find((each) => each.tool === tool);
    if (one === undefined) throw new Error(tool);
    await db.sql(
      `create table effects (n int primary key); insert into effects values (1), (2); ${one.create}`,
    );
    const folder = folderOf(one.files([1, 2]));
    const target = await targetIn(one.layout, { url: db.url, folder });
    const row = async (n: number) => one.row(n, (await target.source.list()).migrations[n - 1]);
    for (const n of [1, 2]) await db.sql(await row(n));
    await adopt(target, ADOPT, recorder());
    const { migrations } = await target.source.list();
    writeFiles(folder, { [migrations[1]?.file ?? ""]: "insert into effects values (22);\n" });
    expect((await refusalOf(up(target))).codes).toEqual(["PLAN_EDITED"]);
    await db.sql(`${one.unrow(2)}; ${await row(2)}`);
    if (tool !== "drizzle") {
      // Its history is not mirrored, so a person is asked.
      expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
      await adopt(target, ADOPT, recorder());
    }
    const { steps, warnings } = await up(target);
    expect([steps, warnings]).toEqual([[], []]);
    expect((await up(target)).steps).toEqual([]);
    expect(await db.sql("select n from effects order by 1")).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

const T = 1_700_000_000_000;
const sql = (table: string) => `create table ${table} (id int);\n`;
const journal = (...entries: readonly (readonly [string, number])[]) => ({
  "meta/_journal.json": JSON.stringify({
    dialect: "postgresql",
    entries: entries.map(([tag, when], idx) => ({ idx, when: T + when, tag })),
  }),
});

/** Two that Drizzle has run, adopted. */
async function scene(db: TestDatabase, mirror?: string) {
  const folder = folderOf({
    ...journal(["0000_a", 1000], ["0001_b", 2000]),
    "0000_a.sql": sql("a"),
    "0001_b.sql": sql("b"),
  });
  const target = await targetIn("drizzle", {
    url: db.url,
    folder,
    ...(mirror === undefined ? {} : { settings: { mirror } }),
  });
  const migrations = (await target.source.list()).migrations;
  await db.sql(`create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint); ${sql("a")} ${sql("b")}`);
  for (const { tool } of migrations)
    await db.sql(
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('${tool?.checksums[0]}', ${tool?.columns?.created_at})`,
    );
  await adopt(target, ADOPT, recorder());
  return { folder, target };
}

/** What Drizzle itself would run: all that is later than its newest row. */
async function wouldRun(db: TestDatabase, target: Target) {
  const [row] = await db.sql("select max(created_at)::float8 as mark from drizzle.__drizzle_migrations");
  const { migrations } = await target.source.list();
  return migrations.flatMap(({ id, tool }) =>
    Number(tool?.columns?.created_at) > Number(row?.mark) ? [id] : [],
  );
}

const say = (db: TestDatabase, target: Target, kind: "forget" | "accept" | "mark-done") =>
  repair(
    target,
    kind === "mark-done" ? { kind, revision: "0001_b", position: null } : { kind, revision: "0001_b" },
    { confirm: db.name },
    recorder(),
  );

describe("Drizzle goes by time", () => {
  test("a later time alone: refused by name, and marked as done its row says so", async ({ db }) => {
    const { folder, target } = await scene(db);
    writeFiles(folder, journal(["0000_a", 1000], ["0001_b", 2500]));
    expect(await wouldRun(db, target)).toEqual(["0001_b"]);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_CONFLICT"]);
    expect(error.message).toContain("Drizzle would run 0001_b again");
    await say(db, target, "mark-done");
    expect((await up(target)).steps).toEqual([]);
    expect(await wouldRun(db, target)).toEqual([]);
  });

  test("the same, not mirrored: a warning", async ({ db }) => {
    const { folder, target } = await scene(db, "none");
    writeFiles(folder, journal(["0000_a", 1000], ["0001_b", 2500]));
    const { warnings, steps } = await up(target);
    expect([warnings.map(({ code }) => code), steps]).toEqual([["ADOPT_CONFLICT"], []]);
  });

  test.for(["Drizzle", "forget", "accept"] as const)(
    "generated anew under the same tag: said, and the way out ends (%s)",
    async (way, { db }) => {
      const { folder, target } = await scene(db);
      writeFiles(folder, {
        ...journal(["0000_a", 1000], ["0001_b", 7000]),
        "0001_b.sql": sql("other"),
      });
      const { codes, error } = await refusalOf(up(target));
      expect(codes).toEqual(["ADOPT_CONFLICT"]);
      expect(error.message).toContain("0001_b was generated anew: Drizzle has applied its former text");
      if (way === "Drizzle") {
        const hash = (await target.source.list()).migrations[1]?.tool?.checksums[0];
        await db.sql(
          `${sql("other")}; insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash}', ${T + 7000})`,
        );
      } else {
        if (way === "accept") await db.sql(sql("other"));
        await say(db, target, way);
        if (way === "accept") await say(db, target, "mark-done");
      }
      const { steps } = await up(target);
      expect(steps.map(({ revision }) => revision)).toEqual(way === "forget" ? ["0001_b"] : []);
      expect(await wouldRun(db, target)).toEqual([]);
      expect((await up(target)).steps).toEqual([]);
    },
  );
});
