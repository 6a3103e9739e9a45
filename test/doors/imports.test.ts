/** Files belong to `up` by whichever door it is called, and every door says where they do not. */
import { renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { GodwitError } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { putOld } from "../support/slow-images.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const star = `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90" viewBox="0 0 60 60"><path d="M30 4l8 17 18 2-14 12 5 19-17-10-17 10 5-19L4 23l18-2z"/></svg>`;

const FILES = {
  "migrations/0001_design_images.sql": IMAGE_TABLE,
  "migrations/0002_count.sql":
    "-- godwit: phase=complex\ncreate table counted as select count(*)::int as images from design_images;",
  "designs/harbour/mug/star.svg": star,
};
const imports = { designs: { from: "designs" } };

function project(db: TestDatabase, files: Readonly<Record<string, string>> = FILES) {
  const config = {
    imports: { designs: { from: "designs" } },
  };
  const folder = folderOf({ ...files, "godwit.config.json": JSON.stringify(config) });
  // An import lets a file rest for five seconds that has just changed.
  for (const [name, text] of Object.entries(files)) if (name.endsWith(".svg")) putOld(folder, name, text);
  const programs = {
    root: folder,
    ledgerSchema,
    environment: { PATH: process.env.PATH ?? "", HOME: folder },
  };
  return {
    folder,
    programs,
    godwit: commandIn({ folder, url: db.url }),
    migrator: () => createMigrator({ ...programs, imports, databaseUrl: db.url }),
  };
}

const counted = (db: TestDatabase) => db.sql("select images from counted");

describe("up, by every door and in Alembic's words, imports between the phases", () => {
  test.for([["up"], ["up", "heads"], ["up", "head"], ["upgrade", "head"], ["upgrade", "heads"]])(
    "godwit %j",
    async (words, { db }) => {
      const { json } = await project(db).godwit(...words, "--json");
      expect(json.imports).toMatchObject([{ import: "designs", outcome: "done", stored: 1 }]);
      expect(json.report.imports).toEqual(json.imports);
      expect(await counted(db)).toEqual([{ images: 1 }]);
    },
  );

  test.for([undefined, "head", "heads"])("createMigrator().up(%j)", async (goal, { db }) => {
    await using migrator = project(db).migrator();
    const report = await migrator.up(goal);
    expect(report).toMatchObject({
      outcome: "done",
      steps: [{ revision: "0001_design_images" }, { revision: "0002_count" }],
      imports: [{ import: "designs", stored: 1 }],
    });
    expect(await counted(db)).toEqual([{ images: 1 }]);
  });

  test("createFleet().up()", async ({ db }) => {
    const { programs } = project(db);
    await using fleet = createFleet({
      ...programs,
      targets: { shop: { url: db.url, dir: "migrations", imports } },
    });
    const { targets } = await fleet.up();
    expect(targets).toMatchObject([{ ok: true, report: { imports: [{ import: "designs", stored: 1 }] } }]);
    expect(await counted(db)).toEqual([{ images: 1 }]);
  });

  test("a goal or a mode that is less than all imports nothing", async ({ db }) => {
    const { godwit, migrator } = project(db);
    const { json } = await godwit("up", "+1", "--json");
    expect(json).not.toHaveProperty("imports");
    expect((await godwit.with({ MIGRATION_MODE: "startup" })("up", "--json")).json).not.toHaveProperty(
      "imports",
    );
    await using program = migrator();
    expect(await program.up("0001")).not.toHaveProperty("imports");
  });

  test("a failure carries what was imported, by both doors alike", async ({ db }) => {
    const bad = { ...FILES, "migrations/0002_count.sql": "-- godwit: phase=complex\nselect nonsense;" };
    const { godwit, migrator } = project(db, bad);
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.report).toMatchObject({ outcome: "failed", imports: [{ import: "designs", stored: 1 }] });
    await using program = migrator();
    const error = await program.up().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GodwitError);
    expect((error as GodwitError).report).toMatchObject({
      outcome: "failed",
      imports: [{ import: "designs", outcome: "done", stored: 0 }],
    });
  });
});

test("plan names the imports that up would run, and a failed import is a failed run", async ({ db }) => {
  const { folder, godwit } = project(db);
  expect((await godwit("plan", "--json")).json.imports).toEqual(["designs"]);
  expect((await godwit("plan")).stdout).toContain("Imports that also run: designs.");
  expect((await godwit("plan", "+1", "--json")).json.imports).toEqual([]);
  rmSync(join(folder, "designs"), { recursive: true });
  const { json } = await godwit.fails(1, "up", "--json");
  expect(json.report).toMatchObject({ outcome: "failed", imports: [{ outcome: "failed" }] });
});

test("status says what the last run of an import has failed by, and asks its origin nothing", async ({
  db,
}) => {
  const { folder, godwit, migrator } = project(db);
  await godwit("up");
  renameSync(join(folder, "designs"), join(folder, "away"));
  const { json } = await godwit.fails(1, "up", "--json");
  const [{ code, message }] = json.problems;
  expect(code).toMatch(/^ORIGIN_/);
  // What is there now makes no difference.
  renameSync(join(folder, "away"), join(folder, "designs"));
  const status = await godwit("status", "--json");
  expect(status.json.imports).toMatchObject([{ state: "incomplete", problem: { code, message } }]);
  await using program = migrator();
  expect((await program.status()).imports).toEqual(status.json.imports);
  const { stdout } = await godwit("status");
  expect(stdout).toContain(`import designs has failed (${code}): \`godwit import designs\`\n    ${message}`);
  expect((await godwit("import", "--status")).stdout).toContain(`${message} [${code}]`);
  await godwit("import", "designs"); // what the line says
  const after = (await godwit("status", "--json")).json.imports;
  expect(after).toEqual([{ import: "designs", state: "done" }]);
});

describe("status knows an import that has not run to its end", () => {
  test("never, incomplete and done, in the command's words and the library's", async ({ db }) => {
    const { godwit, migrator } = project(db);
    const both = async () => {
      await using program = migrator();
      const [{ json, stdout }, status] = [
        await godwit.start("status", "--check", "--json").exits(0, 1),
        await program.status(),
      ];
      const text = await godwit("status");
      expect(status.imports).toEqual(json.imports);
      expect(status.upToDate).toBe(json.upToDate);
      expect(stdout).not.toBe("");
      return { imports: json.imports, ok: json.ok, text: text.stdout };
    };
    expect(await both()).toMatchObject({ imports: [{ import: "designs", state: "never" }], ok: false });
    await godwit.with({ MIGRATION_MODE: "startup" })("up");
    await godwit("up", "--phase", "complex");
    const never = await both();
    expect(never).toMatchObject({ imports: [{ import: "designs", state: "never" }], ok: false });
    expect(never.text).toContain("import designs has never run: `godwit import designs`");
    await godwit("import", "designs"); // what the hint says
    expect(await both()).toMatchObject({ imports: [{ state: "done" }], ok: true });
    await db.sql(`update "${ledgerSchema}".import_runs set state = 'failed'`);
    const incomplete = await both();
    expect(incomplete).toMatchObject({ imports: [{ state: "incomplete" }], ok: false });
    await godwit("up");
    expect(await both()).toMatchObject({ ok: true });
    // A release that imports nothing is not asked about imports.
    await db.sql(`delete from "${ledgerSchema}".import_runs`);
    await godwit.with({ MIGRATION_MODE: "startup" })("status", "--check");
  });

  test("an import that cannot be run is as little in the way of status as of up", async ({ db }) => {
    const { godwit } = project(db, { "migrations/0001_a.sql": "create table a (id int);" });
    const without = godwit.with({ QNAP_HOST: "nas.invalid" });
    await without("up", "--phase", "startup");
    const { json } = await without("status", "--json");
    expect(json.imports).toHaveLength(1);
  });
});

test("what an import asks about is answered for up() of a program too", async ({ db }) => {
  const { folder, programs } = project(db);
  const made = (given: object) => createMigrator({ ...programs, imports, databaseUrl: db.url, ...given });
  await using migrator = made({});
  await migrator.up();
  renameSync(join(folder, "designs"), join(folder, "away"));
  symlinkSync(join(folder, "away"), join(folder, "designs"));
  await using asked = made({});
  await expect(asked.up()).rejects.toMatchObject({ code: "IMPORT_ORIGIN_CHANGED" });
  await using answered = made({ newOrigin: true });
  expect(await answered.up()).toMatchObject({ imports: [{ outcome: "done" }] });
  rmSync(join(folder, "away/harbour"), { recursive: true });
  await expect(asked.up()).rejects.toMatchObject({ code: "IMPORT_FILES_GONE" });
  const targets = { shop: { url: db.url, imports, dir: "migrations" } };
  await using fleet = createFleet({ ...programs, targets, allowMissing: true });
  expect(await fleet.up()).toMatchObject({ targets: [{ report: { imports: [{ files: { missing: 1 } }] } }] });
});

describe("where files are not imported, it is said", () => {
  test("in a script, for people and as data", async ({ db }) => {
    const { godwit } = project(db);
    const script = await godwit("up", "--sql");
    expect(script.stdout).toMatch(/^-- .*does not import.*designs.*godwit import designs/m);
    expect((await godwit("up", "--sql", "--json")).json).toMatchObject({ notImported: ["designs"] });
    expect((await godwit("up", "+1", "--sql", "--json")).json).toMatchObject({ notImported: [] });
  });

  test("in a dry run", async ({ db }) => {
    const { godwit } = project(db);
    const { stdout } = await godwit("up", "--dry-run");
    expect(stdout).toContain("Not imported: designs");
    expect((await godwit("up", "--dry-run", "--json")).json.report).toMatchObject({
      notImported: ["designs"],
    });
    expect((await godwit("up", "+1", "--dry-run", "--json")).json.report).toMatchObject({ notImported: [] });
  });

  test("in a dry run the origin is asked as up would ask it", async ({ db }) => {
    const { godwit, folder } = project(db);
    await godwit("up");
    expect((await godwit("up", "--dry-run", "--json")).json.report).toMatchObject({
      outcome: "worked",
      importFailures: [],
    });
    renameSync(join(folder, "designs"), join(folder, "away"));
    const { json } = await godwit("up", "--dry-run", "--json");
    expect(json.report).toMatchObject({
      outcome: "uncertain",
      importFailures: [
        {
          import: "designs",
          uncertain: true,
          problem: { code: (await godwit.fails(1, "up", "--json")).json.problems[0].code },
        },
      ],
    });
    symlinkSync(join(folder, "away"), join(folder, "designs"));
    const changed = await godwit.fails(1, "up", "--dry-run", "--json");
    expect(changed.json).toMatchObject({
      problems: [{ code: "IMPORT_ORIGIN_CHANGED" }],
      report: { outcome: "failed", importFailures: [{ import: "designs", uncertain: false }] },
    });
    expect((await godwit.fails(1, "up", "--json")).json.problems[0].code).toBe("IMPORT_ORIGIN_CHANGED");
    await godwit("up", "--dry-run", "--new-origin");
  });
});
