/** A row that was there when a person spoke of its migration is no later doing of the tool's. */
import { rmSync } from "node:fs";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { baseline } from "../../src/run/baseline.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { preview } from "../../src/run/status.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { down, folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { TOOL_TABLES, type ToolTable } from "../support/tool-tables.ts";
import { targetIn } from "../support/tools.ts";

const DBMATE = TOOL_TABLES.find(({ tool }) => tool === "dbmate") as ToolTable;
const GOLANG = TOOL_TABLES.find(({ tool }) => tool === "golang-migrate") as ToolTable;

/** Two adopted, a third applied by the tool, and a fourth that is pending. */
async function scene(db: TestDatabase, one: ToolTable) {
  await db.sql(
    `create table effects (n int primary key); insert into effects values (1), (2), (3); ${one.create}`,
  );
  const folder = folderOf({});
  writeFiles(folder, one.files([1, 2, 3]));
  const at = (mirror: string | null) => targetIn(one.layout, { url: db.url, folder, settings: { mirror } });
  const target = await at(null);
  const { migrations } = await target.source.list();
  const ids = migrations.map(({ id }) => id);
  const row = async (n: number) => db.sql(await one.row(n, migrations[n - 1]));
  await row(1);
  await row(2);
  await adopt(target, { assume: false, dryRun: false }, recorder());
  await row(3);
  expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
  const [, , third = ""] = ids;
  return { target, folder, third, at, row };
}

const ways = {
  "repair --mark-done": async (db: TestDatabase, { target, third }: Awaited<ReturnType<typeof scene>>) =>
    void (await repair(
      target,
      { kind: "mark-done", revision: third, position: null },
      { confirm: db.name },
      recorder(),
    )),
  baseline: async (_: TestDatabase, { target, third }: Awaited<ReturnType<typeof scene>>) =>
    void (await baseline(target, third, recorder())),
};

describe("ADOPT_NEEDED is answered with", () => {
  const cases = [DBMATE, GOLANG].flatMap((one) =>
    Object.entries(ways).map(([way, answer]) => ({ way, tool: one.tool, one, answer })),
  );
  test.for(cases)("$way, beside $tool", async ({ one, answer }, { db }) => {
    const place = await scene(db, one);
    await answer(db, place);
    for (const mirror of [null, one.tool, null]) {
      const { steps, warnings } = await up(await place.at(mirror));
      expect({ steps, warnings }).toEqual({ steps: [], warnings: [] });
    }
  });
});

test("what the tool applies after that is still said", async ({ db }) => {
  const place = await scene(db, DBMATE);
  await ways.baseline(db, place);
  const back = "delete from effects where n = 4;\n";
  writeFiles(place.folder, { "0004_n.sql": `${DBMATE.files([4])["0004_n.sql"]}${back}` });
  await up(place.target);
  await db.sql(await DBMATE.row(4, undefined));
  const { warnings } = await up(place.target);
  expect(warnings.map(({ code }) => code)).toEqual(["ADOPT_CONFLICT"]);
  expect(warnings[0]?.message).toContain("0004_n was applied here, and since then dbmate");
  // Taken back here it would stay there, which the plan says as well.
  expect((await refusalOf(preview(place.target, down("-1"), recorder()))).codes).toEqual(["ADOPT_CONFLICT"]);
  expect((await refusalOf(migrate(place.target, down("-1"), recorder()))).codes).toEqual(["ADOPT_CONFLICT"]);
});

test("a row taken back after that is missed", async ({ db }) => {
  const place = await scene(db, DBMATE);
  await ways.baseline(db, place);
  await db.sql(DBMATE.unrow(3));
  expect((await refusalOf(up(place.target))).codes).toEqual(["ADOPT_TAKEN_BACK"]);
});

test("a squash that has the version of a row declares no more than it was", async ({ db }) => {
  const { target, folder, third } = await scene(db, DBMATE);
  await repair(
    target,
    { kind: "mark-done", revision: third, position: null },
    { confirm: db.name },
    recorder(),
  );
  const old = DBMATE.files([1, 2, 3]);
  for (const name of Object.keys(old)) rmSync(`${folder}/${name}`);
  writeFiles(folder, { "0003_all.sql": old["0003_n.sql"] ?? "" });
  const squashed = await targetIn("dbmate", { url: db.url, folder });
  expect((await refusalOf(up(squashed))).codes).toContain("PLAN_VANISHED");
  await baseline(squashed, "head", recorder(), { confirm: db.name });
  expect((await up(squashed)).warnings).toEqual([]);
});
