import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SourceError } from "../../errors.ts";
import { callIn, createFolder, openFolder } from "../folder.fixture.ts";
import { openBundle, writeBundle } from "./bundle.ts";

const options = { cacheFolder: null };

/** Makes a folder with the bundle of these files in `out`. The original files are removed. */
async function build(files: Readonly<Record<string, string | Uint8Array>>) {
  const origin = createFolder(files);
  const source = openFolder(origin);
  const out = join(createFolder({}), "out");
  await writeBundle(source, out, options);
  const listing = await source.list();
  rmSync(origin, { recursive: true });
  return { out, listing, bundle: openBundle({ ...options, folder: out }) };
}

async function refused(files: Readonly<Record<string, string>>) {
  const error = await build(files).catch((caught: unknown) => caught);
  if (!(error instanceof SourceError)) throw new Error("it was not refused", { cause: error });
  return error.problems.map(({ code, place, message }) => ({ code, line: place?.line, message }));
}

const EVERYTHING = {
  "0001_sql.sql": "\ufeff-- godwit: transaction=off\r\nselect 1;\r\n",
  "0002_pair.up.sql": "select 1",
  "0002_pair.down.sql": "-- godwit: lock-timeout=1s\nselect 2",
  "0003_sections.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;",
  "0004_module.ts": `
    import { join } from "node:path";
    import { readFileSync } from "node:fs";
    import { migration } from "godwit";
    import type { Shop } from "../app/models";
    import { names } from "./help/names.js";
    import list from "./help/list.json" with { type: "json" };
    const text = readFileSync(new URL("./help/data.csv", import.meta.url), "utf8");
    export default migration({
      depends: "0001_sql",
      async up(context) { context?.log.info(JSON.stringify([join("a", "b"), names, list, text, (await import("./help/late")).late])); },
      down: (shop: Shop) => shop,
    });`,
  "0005_common.cjs": "const { deep } = require('./help/common'); exports.up = () => deep",
  "0006_common.cts": "import path = require('node:path'); export = { up: () => path.sep as string }",
  "help/names.ts": "import { more } from './deep/more.ts'; export const names: string[] = ['x', more]",
  "help/deep/more.mts": "export const more = 'y' as string",
  "help/late.ts": "export const late: number = 5",
  "help/list.json": "[1, 2]",
  "help/data.csv": "1,2",
  "help/common.js": "exports.deep = require('./deep/common.cjs')",
  "help/deep/common.cjs": "module.exports = 'deep'",
  "repeatable/views.sql": "select 3",
};

describe("a bundle", () => {
  test("lists what its folder listed, and gives the same texts", async () => {
    const origin = openFolder(createFolder(EVERYTHING));
    const { bundle, listing } = await build(EVERYTHING);
    expect(await bundle.list()).toEqual(listing);
    expect(listing.problems).toEqual([]);
    expect(bundle.layout).toBe("plain");
    for (const migration of listing.migrations.filter(({ kind }) => kind !== "module"))
      for (const direction of migration.revertible ? (["up", "down"] as const) : (["up"] as const))
        expect(await bundle.read(migration, direction)).toEqual(await origin.read(migration, direction));
  });

  test("runs without a compiler, in a process and a place of its own", async () => {
    const { out, listing } = await build(EVERYTHING);
    const image = createFolder({});
    cpSync(out, join(image, "out"), { recursive: true });
    mkdirSync(join(image, "node_modules/godwit"), { recursive: true });
    writeFileSync(
      join(image, "node_modules/godwit/index.mjs"),
      "export const migration = (definition) => definition;",
    );
    writeFileSync(join(image, "node_modules/godwit/package.json"), '{ "exports": "./index.mjs" }');
    expect(
      readdirSync(join(image, "out"), { recursive: true }).filter((name) => /\.[mc]?ts$/.test(`${name}`)),
    ).toEqual([]);
    expect(listing.migrations.filter(({ kind }) => kind === "module")).toHaveLength(3);
    const modules = ["0004_module.mjs", "0005_common.cjs", "0006_common.cjs"];
    // The hooks are not active in this run, so every import must be one that Node finds by itself.
    const script = `for (const name of ${JSON.stringify(modules.slice(1))}) { const m = await import("./out/modules/" + name); console.log(JSON.stringify(await m.default.up())) }`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: image,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(stdout).toBe('"deep"\n"/"\n');
    const bundle = openBundle({ ...options, folder: join(image, "out") });
    const module = listing.migrations.find(({ id }) => id === "0004_module");
    const content = module && (await bundle.read(module, "up"));
    expect(content && (await callIn(content))).toEqual([
      JSON.stringify(["a/b", ["x", "y"], [1, 2], "1,2", 5]),
    ]);
  });

  test("is replaced as a whole, and only by a build that succeeds", async () => {
    const { out } = await build({ "a.sql": "select 1", "b.sql": "select 1" });
    await expect(
      writeBundle(openFolder(createFolder({ "c.sql": "-- godwit: phase=x" })), out, options),
    ).rejects.toBeInstanceOf(SourceError);
    expect(readdirSync(join(out, "sql"))).toEqual(["a.up.sql", "b.up.sql"]);
    await writeBundle(openFolder(createFolder({ "c.sql": "select 1" })), out, options);
    expect(readdirSync(join(out, "sql"))).toEqual(["c.up.sql"]);
    expect(readdirSync(join(out, ".."))).toEqual(["out"]);
  });

  test("never overwrites a folder that is something else", async () => {
    const out = createFolder({ precious: "" });
    await expect(
      writeBundle(openFolder(createFolder({ "a.sql": "select 1" })), out, options),
    ).rejects.toMatchObject({
      code: "SOURCE_BUNDLE_BROKEN",
    });
    expect(existsSync(join(out, "precious"))).toBe(true);
  });

  test("names the migration whose frozen file was changed or is gone", async () => {
    const { out, bundle } = await build({
      "a.sql": "select 1",
      "b.ts": "import './h/c.ts'; export const up = () => {}",
      "d.sql": "select 1",
      "h/c.ts": "",
    });
    writeFileSync(join(out, "sql/a.up.sql"), "drop database");
    writeFileSync(join(out, "modules/h/c.js"), "evil()");
    rmSync(join(out, "sql/d.up.sql"));
    const { migrations } = await bundle.list();
    expect(migrations.map(({ id, problem }) => [id, problem?.code])).toEqual([
      ["a", "SOURCE_FILE_CHANGED"],
      ["b", "SOURCE_FILE_CHANGED"],
      ["d", "SOURCE_FILE_UNREADABLE"],
    ]);
    for (const { problem: _, ...migration } of migrations)
      await expect(bundle.read(migration, "up")).rejects.toBeInstanceOf(SourceError);
  });

  test.each([
    ["missing", (path: string) => rmSync(path)],
    ["cut off", (path: string) => writeFileSync(path, readFileSync(path, "utf8").slice(0, -10))],
    ["from the future", (path: string) => writeFileSync(path, '{ "format": 2 }')],
  ])("whose manifest is %s says so", async (_, damage) => {
    const { out } = await build({ "a.sql": "select 1" });
    damage(join(out, "godwit-bundle.json"));
    expect(() => openBundle({ ...options, folder: out })).toThrow(
      expect.objectContaining({ code: "SOURCE_BUNDLE_BROKEN" }),
    );
  });
});

describe("a build refuses by name", () => {
  const up = "export const up = () => {};";
  test.each<[string, string, string, string]>([
    [
      "what lies outside the folder",
      "a.mjs",
      `${up}\n\nexport const f = () => import("../models.mjs")`,
      "outside",
    ],
    ["an alias", "a.mjs", `${up}\n\nexport const f = () => import("@/models")`, "neither a package nor"],
    [
      "a path of the machine",
      "a.mjs",
      `${up}\n\nexport const f = () => import("/opt/models.js")`,
      "neither a package nor",
    ],
    [
      "a package that is not installed",
      "a.mjs",
      `${up}\n\nexport const f = () => import("src/models")`,
      "no such package",
    ],
    ["a computed import", "a.mjs", `${up}\n\nexport const f = (x) => import(x)`, "computed"],
    ["a computed require", "a.cjs", "exports.up = () => {};\n\nexports.f = (x) => require(x)", "computed"],
    ["its own address", "a.mjs", `${up}\n\nexport const f = () => import.meta.url`, "asks where it is"],
    ["its own folder", "a.cjs", "exports.up = () => {};\n\nexports.f = () => __dirname", "asks where it is"],
  ])("%s", async (_, name, text, words) => {
    expect(await refused({ [name]: text })).toEqual([
      { code: "SOURCE_MODULE_IMPORT", line: 3, message: expect.stringContaining(words) },
    ]);
  });

  test("everything that is wrong, at once", async () => {
    const found = await refused({
      "a.sql": "-- godwit: phase=x\nselect 1",
      "b.down.sql": "select 1",
      "c.mjs": "",
    });
    expect(found.map(({ code }) => code).sort()).toEqual([
      ...["SOURCE_DIRECTIVE_INVALID", "SOURCE_DOWN_WITHOUT_UP", "SOURCE_MODULE_WITHOUT_UP"],
    ]);
  });
});
