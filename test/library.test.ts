/** The library keeps the command's promises, in a program's own process. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { describe } from "vitest";
import { IMAGE_TABLE } from "../src/images/image-table.ts";
import type { RunEvent } from "../src/index.ts";
import { expect, ledgerSchema, test } from "./support/database.ts";
import { folderOf, writeFiles } from "./support/target.ts";
import { createMigrator, createTestDatabase } from "./support/watched.ts";

const FILES = {
  "0001_shops.up.sql": "create table shops (id int primary key);",
  "0001_shops.down.sql": "drop table shops;",
  "0002_rows.sql": "-- migrate:up\ninsert into shops values (1);\n-- migrate:down\ndelete from shops;",
};
const NOTHING = { environment: {}, ledgerSchema } as const;

describe("createMigrator", () => {
  test("goes up and down, and tells what it does", async ({ db }) => {
    const seen: RunEvent["kind"][] = [];
    await using migrator = createMigrator({
      ...NOTHING,
      dir: folderOf(FILES),
      databaseUrl: db.url,
      observe: (event) => seen.push(event.kind),
    });
    expect(await migrator.status()).toMatchObject({ upToDate: false, current: [], heads: ["0002_rows"] });
    expect((await migrator.plan("+1")).steps.map((step) => step.revision)).toEqual(["0001_shops"]);
    const report = await migrator.up();
    expect(report).toMatchObject({
      outcome: "done",
      steps: [{ revision: "0001_shops" }, { revision: "0002_rows" }],
    });
    expect(await migrator.status()).toMatchObject({
      upToDate: true,
      current: ["0002_rows"],
      database: db.name,
    });
    await migrator.down("-1");
    expect((await migrator.history()).map((entry) => entry.revision)).toEqual(["0001_shops"]);
    await migrator.baseline("head");
    await migrator.repair({ kind: "forget", revision: "0002" }, { confirm: db.name });
    expect((await migrator.history()).map((entry) => entry.revision)).toEqual(["0001_shops"]);
    expect(seen.filter((kind) => kind === "step-done")).toHaveLength(3);
  });

  test("brings images in, finds what is there twice, and remembers what was decided", async ({ db }) => {
    const star = (side: number) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 60 60"><path d="M30 4l8 17 18 2-14 12 5 19-17-10-17 10 5-19L4 23l18-2z"/></svg>`;
    const root = folderOf({
      "migrations/0001_design_images.sql": IMAGE_TABLE,
      "designs/harbour/mug/star.svg": star(600),
      "designs/ink/mug/small star.svg": star(300),
      "designs/ink/mug/broken.png": "no picture at all",
    });
    const seen: RunEvent["kind"][] = [];
    await using migrator = createMigrator({
      ...NOTHING,
      root,
      databaseUrl: db.url,
      imports: { designs: { from: "designs" } },
      observe: (event) => seen.push(event.kind),
    });
    const [report] = (await migrator.up()).imports ?? [];
    expect(report).toMatchObject({
      import: "designs",
      outcome: "done",
      stored: 2,
      files: { stored: 2, unsupported: 1 },
    });
    expect(seen).toEqual(expect.arrayContaining(["import-started", "import-progress", "import-finished"]));
    const { groups } = await migrator.duplicates();
    expect(groups.map(({ kind, files }) => [kind, files.length])).toEqual([["same", 2]]);
    const [best] = groups[0]?.files ?? [];
    await migrator.decide({ kind: "keep", file: best?.id ?? 0 });
    expect((await migrator.duplicates()).groups).toEqual([]);
    await expect(migrator.import("desings")).rejects.toMatchObject({
      code: "IMPORT_UNKNOWN",
      hint: expect.stringContaining("Did you mean designs?"),
    });
  });

  test("throws an error that carries the report", async ({ db }) => {
    const dir = folderOf({ ...FILES, "0003_bad.sql": "select nonsense;" });
    await using migrator = createMigrator({ ...NOTHING, dir, databaseUrl: db.url });
    await expect(migrator.up()).rejects.toMatchObject({
      code: "STEP_FAILED",
      place: { line: 1, column: 8 },
      report: { outcome: "failed", failures: [{ revision: "0003_bad" }] },
    });
  });

  test("a program's own signal ends the run, and what ran is rolled back", async ({ db }) => {
    const stop = new AbortController();
    await using migrator = createMigrator({
      ...NOTHING,
      dir: folderOf({ "0001_slow.sql": "create table slow (id int); select pg_sleep(60);" }),
      databaseUrl: db.url,
      signal: stop.signal,
      observe: (event) => event.kind === "step-progress" && stop.abort(),
    });
    await expect(migrator.up()).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(await db.sql("select from pg_class where relname = 'slow'")).toEqual([]);
  });

  test("migrates a PGlite that was handed in, and leaves it open", async () => {
    const database = new PGlite();
    await using migrator = createMigrator({ ...NOTHING, dir: folderOf(FILES), database });
    expect((await migrator.up()).steps).toHaveLength(2);
    expect((await database.query("select id from shops")).rows).toEqual([{ id: 1 }]);
    expect((await migrator.dryRun()).outcome).toBe("worked");
    expect((await migrator.log()).map(({ event, revision }) => [event, revision])).toEqual([
      ["applied", "0002_rows"],
      ["applied", "0001_shops"],
    ]);
    const { healthy, findings } = await migrator.doctor();
    expect(healthy).toBe(true);
    expect(findings).toContainEqual({
      subject: "database",
      state: "ok",
      message: "provided by the program",
    });
    await migrator.down("base");
    await database.close();
  });
});

describe("createTestDatabase", () => {
  test("copies a migrated template, and an edited migration makes a new one", async ({ db }) => {
    const databaseUrl = db.adminUrl;
    const dir = folderOf(FILES);
    await using one = await createTestDatabase({ dir, databaseUrl });
    await using two = await createTestDatabase({ dir, databaseUrl });
    const write = await rowsOf(one.url, "insert into shops values (2) returning id");
    expect(write).toEqual([{ id: 2 }]);
    expect(await rowsOf(two.url, "select id from shops")).toEqual([{ id: 1 }]);
    writeFiles(dir, { "0003.sql": "delete from shops" });
    await using other = await createTestDatabase({ dir, databaseUrl });
    expect(await rowsOf(other.url, "select id from shops")).toEqual([]);
    const { name } = two;
    await two.close();
    expect(await db.admin("select from pg_database where datname = $1", [name])).toEqual([]);
  });
});

test("importing the package loads no driver, no compiler and no command line", () => {
  const entry = join(import.meta.dirname, "..", "dist", "index.js");
  const script = `import { migration, createMigrator, defineConfig, GodwitError } from ${JSON.stringify(entry)};
    import { createRequire } from "node:module";
    createMigrator({}); migration({ up() {} }); defineConfig({}); GodwitError.name;
    console.log(JSON.stringify(Object.keys(createRequire(${JSON.stringify(entry)}).cache)));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual([]);
});

async function rowsOf(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
