/** Gates: a migration that requires a finished backfill, and contract steps that wait for each one before them. */
import { describe } from "vitest";
import type { MigrateOptions } from "../../src/run/plan.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { down, folderOf, recorder, targetOf, UP, up, writeFiles } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const TABLE = `create table products (id int primary key, slug text);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const FILL = `-- godwit: backfill table=products undo=yes phase=complex
-- godwit: where slug is null
update products set slug = 'p' || id where :window;
`;
const STRICT = `-- godwit: requires=0002_fill phase=complex
alter table products alter slug set not null;
`;
const STRICT_BACK = "alter table products alter slug drop not null;";
const FILES = {
  "0001_table.sql": TABLE,
  "0002_fill.sql": FILL,
  "0003_strict.sql": STRICT,
  "0003_strict.down.sql": STRICT_BACK,
};
const inMigrations = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
const TABLES = `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`;
const LEFT = "select count(*)::int as n from products where slug is null";
const phases = (...list: MigrateOptions["goal"]["phases"]): Partial<MigrateOptions> => ({
  goal: { ...UP.goal, phases: list },
});

/** Ends its run after the first window, of 100 rows. */
async function begun(target: ReturnType<typeof targetOf>): Promise<void> {
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") recorded.abort(new Error("enough"));
  });
  await expect(up(target, recorded)).rejects.toThrow("100 rows of public.products");
}

describe("a migration that requires a backfill", () => {
  test("runs behind it in one run, whatever the numbers are", async ({ db }) => {
    const files = { ...FILES, "0000_early.sql": "-- godwit: requires=0002_fill phase=complex\nselect 1;" };
    const folder = folderOf(inMigrations(files));
    const godwit = commandIn({ folder, url: db.url });
    const { json } = await godwit("plan", "--json");
    expect(json.plan.steps).toMatchObject([
      { revision: "0001_table" },
      { revision: "0002_fill" },
      { revision: "0000_early", requires: ["0002_fill"], after: ["0002_fill"] },
      { revision: "0003_strict", requires: ["0002_fill"], after: ["0002_fill"] },
    ]);
    expect(json.plan.steps[0]).not.toHaveProperty("requires");
    expect((await godwit("plan")).stdout).toContain("0003_strict.sql (complex, requires 0002_fill)");
    await godwit("up");
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
    await godwit("status", "--check");
  });

  test("ends the run before its first step, where the backfill is no part of it", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "0003_strict.sql": STRICT.replace("complex", "contract"),
      "0004_later.sql": "create table later (id int);",
    });
    const target = targetOf({ url: db.url, folder });
    const refused = {
      code: "BACKFILL_REQUIRED",
      message:
        "0003_strict requires the backfill 0002_fill, which has not begun and runs in phase complex. Nothing was begun.",
      hint: "Finish it with `godwit up 0002_fill --phase startup,complex`, then run again.",
    };
    await expect(up(target, recorder(), phases("startup", "contract"))).rejects.toMatchObject(refused);
    expect(await db.sql(TABLES)).toEqual([]);
    // A number of steps that does not reach it is not refused.
    const next = (to: string): Partial<MigrateOptions> => ({
      goal: { ...UP.goal, to, phases: ["startup", "contract"] },
    });
    expect((await up(target, recorder(), next("+2"))).steps).toMatchObject([
      { revision: "0001_table" },
      { revision: "0004_later" },
    ]);
    await expect(up(target, recorder(), next("+1"))).rejects.toMatchObject({ code: "BACKFILL_REQUIRED" });
    await begun(target);
    await expect(up(target, recorder(), phases("startup", "contract"))).rejects.toMatchObject({
      code: "BACKFILL_REQUIRED",
      message:
        "0003_strict requires the backfill 0002_fill, which is not finished: 100 of about 2,000 rows are done. Nothing was begun.",
      hint: "Finish it with `godwit up 0002_fill --phase complex`, then run again.",
      details: { revision: "0003_strict", requires: "0002_fill", phase: "complex" },
    });
    // What goes on after a failure is refused too: nothing has failed yet.
    await expect(
      up(target, recorder(), { ...phases("startup", "contract"), failure: "continue" }),
    ).rejects.toMatchObject({ code: "BACKFILL_REQUIRED" });
    await expect(
      up(target, recorder(), { goal: { ...UP.goal, to: "0003", phases: ["contract"] } }),
    ).rejects.toMatchObject({ code: "BACKFILL_REQUIRED" });
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0002_fill", "0003_strict"]);
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
  });

  test("is not begun where the backfill fails, and what does not wait is done", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "0002_fill.sql": FILL.replace("'p' || id", "case id when 1500 then null else 'p' || id end"),
      "0004_other.sql": "-- godwit: phase=complex\ncreate table other (id int);",
      "0005_drop.sql": "-- godwit: phase=contract\ndrop table products;",
    });
    const target = targetOf({ url: db.url, folder });
    const recorded = recorder();
    await expect(up(target, recorded, { failure: "continue" })).rejects.toMatchObject({
      code: "BACKFILL_REMAINDER",
    });
    // A contract step waits although nobody has written that it depends on the backfill.
    expect(await db.sql(TABLES)).toEqual([{ name: "other" }, { name: "products" }]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history order by 1`)).toEqual([
      { revision: "0001_table" },
      { revision: "0002_fill" },
      { revision: "0004_other" },
    ]);
  });

  test("holds the backfill, on the way back and against an undo", async ({ db }) => {
    const folder = folderOf(inMigrations(FILES));
    writeFiles(folder, { "migrations/0001_table.down.sql": "drop table products;" });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const refused = await godwit.fails(1, "backfill", "undo", "0002_fill", "--json");
    expect(refused.json.problems).toMatchObject([
      {
        code: "BACKFILL_REQUIRED",
        message: "0003_strict is applied and requires the backfill 0002_fill, so its old values stay away.",
        hint: "Take that back first: `godwit down 0002_fill` goes back to 0002_fill.",
      },
    ]);
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
    // By the file alone, and by what the ledger has kept where that is gone.
    const target = targetOf({ url: db.url, folder: `${folder}/migrations` });
    const { parents } = (
      await db.sql(`select parents from "${ledgerSchema}".migration_history where revision = '0003_strict'`)
    )[0] as { parents: string[] };
    expect(parents).toEqual(["0002_fill"]);
    await godwit("down", "0002_fill");
    await godwit("backfill", "undo", "0002_fill");
    expect(await db.sql(LEFT)).toEqual([{ n: 2000 }]);
    await up(target);
    await godwit("down", "0001_table");
    expect(await db.sql(LEFT)).toEqual([{ n: 2000 }]);
    await expect(up(target, recorder(), down("base"))).resolves.toMatchObject({ outcome: "done" });
  });

  test("is refused by name where it names no backfill", async ({ db }) => {
    const folder = folderOf({
      ...FILES,
      "0003_strict.sql": STRICT.replace("0002_fill", "0001_table,0002_fil"),
    });
    const target = targetOf({ url: db.url, folder });
    const error = await up(target).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      problems: [
        {
          code: "SOURCE_DIRECTIVE_INVALID",
          message: "0003_strict requires 0001_table, which is no backfill.",
        },
        {
          code: "GRAPH_UNKNOWN_PARENT",
          message: "0003_strict requires 0002_fil, which is not among these files.",
          hint: expect.stringContaining("Did you mean 0002_fill?"),
        },
      ],
    });
    expect(await db.sql(TABLES)).toEqual([]);
    writeFiles(folder, { "0003_strict.sql": STRICT, "0003_strict.down.sql": `${STRICT}select 1;` });
    await expect(up(target)).rejects.toMatchObject({ code: "PLAN_BROKEN_FILE" });
  });

  test("may be a module, and its backfill one", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_fill.ts": `import { backfill } from "godwit";
export default backfill({ table: "products", phase: "complex", where: "slug is null", set: { slug: "'p' || id" } });`,
      "0003_strict.ts": `import { migration } from "godwit";
export default migration({ requires: ["0002_fill"], phase: "contract",
  async up({ execute }) { await execute("alter table products alter slug set not null"); } });`,
    });
    const options = { databaseUrl: db.url, dir: folder, ledgerSchema, environment: {} };
    await using migrator = createMigrator({ ...options, phase: ["startup", "contract"] });
    const status = await migrator.status();
    expect(status.problems).toMatchObject([{ code: "BACKFILL_REQUIRED" }]);
    await expect(migrator.up()).rejects.toMatchObject({
      code: "BACKFILL_REQUIRED",
    });
    expect(await db.sql(TABLES)).toEqual([]);
    await using whole = createMigrator({ ...options, contract: true });
    await whole.up();
    expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
  });
});

describe("a contract step", () => {
  test("waits for every backfill before it that is not finished, and for none behind it", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_fill.sql": FILL,
      "0003_other.sql": "create table other (id int primary key);",
      "0004_drop.sql": "-- godwit: phase=contract\ndrop table other;",
      "0005_fill.sql": FILL.replace("undo=yes ", "").replaceAll("slug is null", "slug like 'p%'"),
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target, recorder(), phases("startup", "contract"))).rejects.toMatchObject({
      code: "BACKFILL_REQUIRED",
      message: expect.stringContaining(
        "0004_drop runs in phase contract, so it waits for the backfill 0002_fill",
      ),
    });
    expect(await db.sql(TABLES)).toEqual([]);
    await up(target, recorder(), { goal: { ...UP.goal, to: "0002", phases: ["startup", "complex"] } });
    const report = await up(target, recorder(), phases("startup", "contract"));
    expect(report.steps.map(({ revision }) => revision)).toEqual(["0003_other", "0004_drop"]);
  });
});

describe("where nothing is run,", () => {
  const CONTRACT = { ...FILES, "0003_strict.sql": STRICT.replace("complex", "contract") };

  test("status, plan and a dry run say what up would say", async ({ db }) => {
    const folder = folderOf(inMigrations(CONTRACT));
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_PHASE: "startup,contract" } });
    const has = expect.objectContaining({ code: "BACKFILL_REQUIRED" });
    expect((await godwit.fails(1, "status", "--check", "--json")).json.problems).toEqual([has]);
    expect((await godwit.fails(1, "plan", "--json")).json.problems).toEqual([has]);
    expect((await godwit.fails(1, "up", "--dry-run", "--json")).json.problems).toEqual([has]);
    expect((await godwit.fails(1, "up", "--sql")).stderr).toContain("BACKFILL_REQUIRED");
    const tried = await godwit.with({ GODWIT_PHASE: "startup,complex,contract" })("up", "--dry-run");
    expect(tried.stdout + tried.stderr).toContain("it depends on 0002_fill");
  });

  test("a script asks where it runs whether the backfill is finished", async ({ db }) => {
    const folder = folderOf(inMigrations(CONTRACT));
    const godwit = commandIn({ folder, url: db.url });
    const target = targetOf({ url: db.url, folder: `${folder}/migrations` });
    const script = (await godwit("up", "--sql", "--from", "0002_fill", "--contract")).stdout;
    await begun(target);
    expect(psql(db.url, script)).toContain(
      "0003_strict waits for the backfill 0002_fill, which is not finished",
    );
    expect(await db.sql("select count(*)::int as n from products where slug is not null")).toEqual([
      { n: 100 },
    ]);
    await godwit("up", "0002_fill");
    expect(psql(db.url, script)).toBe(null);
    expect((await godwit("status", "--json")).json.upToDate).toBe(true);
  });
});
