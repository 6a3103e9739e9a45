/** PrintPilot, the grown-up CraftFlow: batches, discovery, dependencies, and migrations in TypeScript. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { IMPORT_OPTIONS } from "../../src/config/imports/imports.ts";
import { commandIn, type Finished, type Json } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { example, OLD } from "../support/example.ts";
import {
  forgetImports,
  importPlace,
  makeImageTable,
  picture,
  put,
  temporaryFolder,
} from "../support/import-place.ts";
import { folderOf, recorder, writeFiles } from "../support/target.ts";

const ELEVEN = [
  ...["add_multi_tenant_schema", "add_etsy_shop_id", "add_phash_to_designs", "update_phash_hash_size"],
  ...["separate_platform_connections", "remove_shopify_unique_constraint", "import_nas_designs"],
  ...["import_nas_designs_batched", "migration_add_railway_entities"],
  ...["migration_add_printers_and_canvas_updates", "run_canvas_size_migration"],
];

/** Of every picture, filled up with zeros. */
const SIZE = 2_000;

const eventsOf = ({ stderr }: Finished): readonly Json[] =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

/** 40 pictures of one size in 8 folders; the second of them has nothing but broken ones. */
async function importing(db: TestDatabase) {
  await makeImageTable(db);
  const base = temporaryFolder();
  const pictures = await Promise.all(Array.from({ length: 40 }, (_, number) => picture(number)));
  const files = Object.fromEntries(
    pictures.map((bytes, number) => {
      const folder = Math.floor(number / 5);
      const content = folder === 1 ? Buffer.alloc(60, bytes.subarray(0, 8)) : bytes;
      return [`shop/t${folder}/${number}.png`, Buffer.concat([content], SIZE)];
    }),
  );
  put(base, files);
  const config = { imports: { nas: { from: base, settle: "0s", workers: 2, batchSize: 5 * SIZE } } };
  const folder = folderOf({ "godwit.config.json": JSON.stringify(config) });
  return { godwit: commandIn({ folder, url: db.url }), base };
}

describe("NAS_USE_BATCHED", () => {
  test("SYSTEMS 2.2: is true, and a batch is 500 MB, where nobody says otherwise", async ({ db }) => {
    const { godwit } = example("craftflow", db);
    expect((await godwit("doctor")).stdout).toMatch(/^nasBatched +true$/m);
    expect(IMPORT_OPTIONS.find(({ key }) => key === "batchSize")?.default).toBe("500MB");
  });

  test("SYSTEMS 2.3, 2.5, 2.6: several batches and processors at once, a line for each batch, and a broken batch takes no other with it", async ({
    db,
  }) => {
    const { godwit, base } = await importing(db);
    const done = await godwit("import", "--json", "--verbose", "--log-format", "json");
    expect(done.json.imports).toMatchObject([
      { outcome: "done", stored: 35, files: { stored: 35, quarantined: 5 } },
    ]);
    const told = eventsOf(done).map(({ message }) => message);
    const batches = told.filter((message) => /^batch \d+ of 8\b/.test(message));
    expect(batches).toHaveLength(8);
    expect(batches.filter((message) => message.includes("failed"))).toEqual([
      expect.stringMatching(/^batch 2 of 8: 5 files, .*, 5 failed/),
    ]);

    await forgetImports(db);
    await db.sql("drop table design_images");
    const place = await importPlace(db, { base, workers: 2, batchBytes: 5 * SIZE });
    const most = { batches: 0, processes: 0 };
    const context = recorder((event) => {
      if (event.kind !== "import-progress") return;
      most.batches = Math.max(most.batches, event.figures.batches.running.length);
      most.processes = Math.max(most.processes, new Set(event.figures.workers.map(({ pid }) => pid)).size);
    });
    await place.run({}, context);
    expect(most.batches).toBeGreaterThan(1);
    expect(most.processes).toBe(2);
  });

  test("SYSTEMS 2.7: false reads one file at a time, in the order of paths", async ({ db }) => {
    const { godwit } = await importing(db);
    await godwit.with({ NAS_USE_BATCHED: "false" })("import");
    const rows = await db.sql<{ file_path: string }>("select file_path from design_images order by id");
    const paths = rows.map(({ file_path }) => file_path);
    expect(paths).toHaveLength(35);
    expect(paths).toEqual(paths.toSorted());
  });
});

describe.skipIf(OLD)("the folder", () => {
  test("SYSTEMS 2.1, 2.19: the eleven migrations are there and applied, together with the rest of the example", async ({
    db,
  }) => {
    const { godwit, folder } = example("craftflow", db);
    const names = readdirSync(join(folder, "migrations")).map((name) => name.replace(/\.\w+$/, ""));
    expect(names).toEqual(expect.arrayContaining(ELEVEN));
    const { json } = await godwit("up", "--json");
    const done = json.report.steps.map(({ revision }: Json) => revision);
    expect(done).toEqual(expect.arrayContaining(ELEVEN));
  });

  test("SYSTEMS 2.10: what is needed comes first, however the files are named", async ({ db }) => {
    const { godwit, folder } = example("craftflow", db);
    writeFiles(folder, {
      "migrations/a_first_by_name.sql":
        "-- godwit: depends=run_canvas_size_migration phase=complex\ncomment on table canvas_sizes is 'sizes';",
    });
    const { json } = await godwit("up", "--json");
    const order = json.report.steps.map(({ revision }: Json) => revision);
    expect(order.indexOf("a_first_by_name")).toBeGreaterThan(order.indexOf("run_canvas_size_migration"));
    for (const file of readdirSync(join(folder, "migrations"))) {
      const text = file.includes(".")
        ? readFileSync(join(folder, "migrations", file), "utf8").slice(0, 400)
        : "";
      const [, list = ""] = /depends(?:=|: \[)([^\]\n]+)/.exec(text) ?? [];
      for (const needed of list.split(",").map((each) => each.replace(/[" ]/g, "")))
        if (needed !== "")
          expect(order.indexOf(needed), `${file} needs ${needed}`).toBeLessThan(
            order.indexOf(file.replace(/\.\w+$/, "")),
          );
    }
  });

  test("SYSTEMS 2.15: startup migrations take less than 30 s, and a second run does nothing", async ({
    db,
  }) => {
    const { godwit } = example("craftflow", db);
    const startup = godwit.with({ MIGRATION_MODE: "startup" });
    const { json } = await startup("up", "--json");
    expect(json.report.durationMs).toBeLessThan(30_000);
    expect((await startup("up", "--json")).json.report.steps).toEqual([]);
  });
});

test("SYSTEMS 2.11: broken files alone are named and stop no others; beside a missing one all are named", async ({
  db,
}) => {
  const { godwit, folder } = example("craftflow", db);
  writeFiles(folder, {
    "migrations/broken_one.ts": "export default {{",
    "migrations/broken_two.sql": "-- godwit: dpends=x\nselect 1",
    "migrations/sound.sql": "create table sound (id int)",
  });
  const names = ["broken_one.ts", "broken_two.sql"];
  const startup = godwit.with({ MIGRATION_MODE: "startup" });
  const broken = await startup.fails(1, "up");
  for (const name of names) expect(broken.stderr).toContain(name);
  expect(broken.stderr).toContain("sound applied");
  writeFiles(folder, { "migrations/needs_nobody.sql": "-- godwit: depends=nobody_at_all\nselect 1" });
  const missing = await startup.fails(1, "up");
  for (const name of [...names, "nobody_at_all"]) expect(missing.stderr).toContain(name);
  expect((await godwit.start("status").exits(0, 1)).stdout).toContain("sound");
});

test("SYSTEMS 2.12: a module with upgrade alone has no way back, and one with downgrade has", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_both.ts": `import type { MigrationContext } from "godwit";
export async function upgrade({ sql }: MigrationContext): Promise<void> { await sql\`create table a (id int)\`; }
export async function downgrade({ sql }: MigrationContext): Promise<void> { await sql\`drop table a\`; }`,
    "migrations/0002_up.ts": `export const upgrade = async ({ sql }: { sql: any }) => { await sql\`create table b (id int)\`; };`,
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  expect((await godwit.fails(1, "down", "-1")).stderr).toContain("0002_up");
  writeFileSync(
    join(folder, "migrations/0003_both.ts"),
    readFileSync(join(folder, "migrations/0001_both.ts"), "utf8").replaceAll("table a", "table c"),
  );
  await godwit("up");
  await godwit("down", "-1");
  expect(await db.sql("select to_regclass('a') is null as a, to_regclass('c') is null as c")).toEqual([
    { a: false, c: true },
  ]);
});
