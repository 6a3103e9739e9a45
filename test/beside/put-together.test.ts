/** A file in the place of some that ran: where its text holds theirs, it is not run, and each way out leads on. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { dryRun } from "../../src/run/dry-run.ts";
import { repair } from "../../src/run/repair.ts";
import { preview, statusOf } from "../../src/run/status.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

type Name = "a" | "b" | "c" | "all";
const TEXTS: Readonly<Record<Name, string>> = {
  a: "create table eff (n int);\n",
  b: "-- The second.\ninsert into eff values (2);",
  c: "insert into eff values (3);\ncomment on table eff is 'three'",
  all: "-- b\ninsert into eff   values (2);\n-- c\ninsert into eff values (3);\nCOMMENT on table eff is 'three';\n",
};

/** Layouts in which no number says that the new file is one of the old. */
const LAYOUTS: Readonly<Record<string, (name: Name) => Files>> = {
  plain: (name) => ({ [`${name === "all" ? "d" : name}_step.sql`]: TEXTS[name] }),
  prisma: (name) => ({
    [`2024010${{ a: 1, b: 2, c: 3, all: 4 }[name]}000000_${name}/migration.sql`]: TEXTS[name],
  }),
  supabase: (name) => ({ [`2024010${{ a: 1, b: 2, c: 3, all: 4 }[name]}000000_${name}.sql`]: TEXTS[name] }),
};

async function squashed(db: TestDatabase, layout: string, all = TEXTS.all) {
  const files = LAYOUTS[layout] as (name: Name) => Files;
  const folder = folderOf({ ...files("a"), ...files("b"), ...files("c") });
  const target =
    layout === "plain" ? targetOf({ url: db.url, folder }) : await targetIn(layout, { url: db.url, folder });
  await up(target);
  for (const name of Object.keys({ ...files("b"), ...files("c") }))
    rmSync(join(folder, name.replace("/migration.sql", "")), { recursive: true });
  const [[file = ""] = []] = Object.entries(files("all"));
  writeFiles(folder, { [file]: all });
  const [b, c] = ["b", "c"].map(
    (name) => Object.keys(files(name as Name))[0]?.replace(/(\/migration)?\.sql$/, "") ?? "",
  );
  return { target, id: file.replace(/(\/migration)?\.sql$/, ""), gone: [b ?? "", c ?? ""] };
}

const effects = async (db: TestDatabase) => (await db.sql("select n from eff order by n")).map(({ n }) => n);

test.for(Object.keys(LAYOUTS))("%s: every door refuses it by name", async (layout, { db }) => {
  const { target, id, gone } = await squashed(db, layout);
  const wanted = { ...UP, imports: async () => [] };
  for (const refused of [
    () => up(target),
    () => preview(target, UP, recorder()),
    () => dryRun(target, wanted, recorder()),
  ]) {
    const { codes, error } = await refusalOf(refused());
    expect(codes).toEqual(["PLAN_VANISHED"]);
    expect(error.message).toContain(`${id} is pending, and its text holds that of ${gone.join(", ")}`);
  }
  const status = await statusOf(target, wanted, recorder());
  expect(status.problems.map(({ code }) => code)).toEqual(["PLAN_VANISHED"]);
  const confirm = { confirm: db.name };
  await repair(target, { kind: "mark-done", revision: id, position: null }, confirm, recorder());
  for (const revision of gone) await repair(target, { kind: "forget", revision }, confirm, recorder());
  const { steps, warnings } = await up(target);
  expect({ steps, warnings }).toEqual({ steps: [], warnings: [] });
  expect(await effects(db)).toEqual([2, 3]);
});

test("it runs all the same once a person has said so", async ({ db }) => {
  const { target, id, gone } = await squashed(db, "plain");
  for (const revision of gone)
    await repair(target, { kind: "forget", revision }, { confirm: db.name }, recorder());
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual([id]);
  expect(await effects(db)).toEqual([2, 2, 3, 3]);
});

test("a newer database and a file of its own are no squash", async ({ db }) => {
  const { target, id } = await squashed(
    db,
    "plain",
    "insert into eff values (23); insert into eff values (32);",
  );
  const { steps, warnings } = await up(target);
  expect(steps.map(({ revision }) => revision)).toEqual([id]);
  expect(warnings.map(({ code }) => code)).toEqual(["PLAN_VANISHED"]);
});
