/** What failed in each target is named, and not only the first of it. */
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** Seven that fail, and one that does not. */
const files = (folder: string) =>
  Object.fromEntries(
    Array.from({ length: 8 }, (_, n) => [
      `${folder}/000${n + 1}_x.sql`,
      n === 7 ? "create table made ();" : `select nothing_${n};`,
    ]),
  );

test("the summary has every failure of a target up to five, and the JSON all of them", async ({ db }) => {
  await db.sql("create schema one; create schema two");
  const targets = { many: { url: db.url, schemas: ["one", "two"], dir: "all" } };
  const godwit = commandIn({
    folder: folderOf({ "godwit.config.json": JSON.stringify({ targets }), ...files("all") }),
  });
  const { stdout } = await godwit.fails(1, "up", "--on-failure", "continue");
  const named = [1, 2, 3, 4, 5].map((n) => `000${n}_x [STEP_FAILED]`).join(", ");
  expect(stdout).toContain(`many/one: failed: ${named} and 2 more`);
  const { json } = await godwit.fails(1, "up", "--on-failure", "continue", "--out-of-order", "--json");
  expect(json.problems).toHaveLength(7);
  const [{ schemas }] = json.targets;
  expect(schemas.map(({ problems }: Json) => problems?.length)).toEqual([7, undefined]);
});
