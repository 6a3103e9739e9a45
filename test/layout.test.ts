/** Another tool's folder through the command: found out, asked for, refused, and frozen into a bundle. */
import { join } from "node:path";
import { describe } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { LAYOUT_NAMES } from "../src/source/layouts/layouts.ts";
import { commandIn } from "./support/command.ts";
import { expect, test } from "./support/database.ts";
import { folderOf } from "./support/target.ts";

const GOOSE = {
  "db/00001_a.sql": "-- +goose Up\ncreate table a (id int);\n-- +goose Down\ndrop table a;\n",
  "db/00002_b.sql":
    "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\ninsert into a values (1);\nCOMMIT;\ncreate index concurrently a_i on a (id);\n",
};

describe("the layout", () => {
  test("is found out, told, and run", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(GOOSE), url: db.url });
    const doctor = (await godwit("doctor", "--dir", "db")).stdout;
    expect(doctor).toMatch(/files: 2 migrations in .*db, layout goose \(recognised from its files\)/);
    await godwit("up", "--dir", "db");
    const status = await godwit("status", "--dir", "db", "--json");
    expect(status.json).toMatchObject({ layout: "goose", upToDate: true, current: ["00002_b"] });
    expect((await godwit("status", "--dir", "db")).stdout).toContain("2 applied (files of goose)");
    expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
    // The same folder as one of ours: the ids and texts are the same, so nothing is new.
    expect((await godwit("status", "--dir", "db", "--layout", "plain", "--json")).json).toMatchObject({
      layout: "plain",
      pending: 0,
    });
  });

  test("is asked for where the files have two answers, and taken from flag, environment and file", async ({
    db,
  }) => {
    const files = {
      ".git/HEAD": "",
      "go.mod": "module a",
      "Cargo.toml": "[package]",
      "migrations/1_a.up.sql": "create table a (id int);",
      "migrations/1_a.down.sql": "drop table a;",
    };
    const folder = folderOf(files);
    const godwit = commandIn({ folder, url: db.url });
    const refused = await godwit.fails(1, "up");
    expect(refused.stderr).toContain("--layout sqlx or --layout golang-migrate");
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
    const doctor = await godwit.fails(1, "doctor", "--json");
    const said = doctor.json.findings.filter(({ state }: { state: string }) => state === "problem");
    expect(said).toMatchObject([{ subject: "files" }]);

    await godwit("up", "--layout", "golang-migrate");
    const status = await godwit.with({ GODWIT_LAYOUT: "golang-migrate" })("status", "--json");
    expect(status.json).toMatchObject({ layout: "golang-migrate", upToDate: true });
  });

  test("that does not exist is refused with the one that was meant", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(GOOSE), url: db.url });
    const { stderr } = await godwit.fails(2, "up", "--dir", "db", "--layout", "gose");
    expect(stderr).toContain("Did you mean goose?");
    for (const name of LAYOUT_NAMES) expect(stderr).toContain(name);
  });

  test("that does not fit is refused by name, and so are files that only their tool can run", async ({
    db,
  }) => {
    const folder = folderOf({ ...GOOSE, "py/versions/1_a.py": "", "py/env.py": "" });
    const godwit = commandIn({ folder, url: db.url });
    const wrong = await godwit.fails(1, "up", "--dir", "db", "--layout", "prisma");
    expect(wrong.stderr).toContain("cannot be run as a folder of prisma");
    const alembic = await godwit.fails(1, "up", "--dir", "py");
    expect(alembic.stderr).toMatch(/folder of Alembic: its migrations are Python programs/);
    expect(alembic.stderr).toContain("godwit adopt");
  });

  test("of a tool that names its own files gets none of ours", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(GOOSE), url: db.url });
    const { stderr } = await godwit.fails(1, "new", "--dir", "db", "add", "c");
    expect(stderr).toContain("is a folder of goose, which names and numbers its own files");
    const init = await godwit("init", "--dir", "db", "--json");
    expect(init.json.made).toEqual([expect.stringContaining("godwit.config.ts")]);
  });

  test("is kept in a bundle, with the transactions of its files", async ({ db }) => {
    const folder = folderOf(GOOSE);
    const godwit = commandIn({ folder, url: db.url });
    await godwit("build", "image", "--dir", "db");
    await godwit("up", "--dir", "image");
    expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
    expect((await godwit("status", "--dir", "image", "--json")).json).toMatchObject({
      layout: "goose",
      upToDate: true,
    });
    expect((await godwit("status", "--dir", "db", "--json")).json).toMatchObject({ upToDate: true });
    const down = await godwit.fails(1, "down", "base", "--dir", "image", "--json");
    expect(down.json.problems[0].message).toContain("00002_b");
  });
});

describe("placeholders", () => {
  const load = (placeholders: unknown) =>
    loadConfig({ flags: {}, environment: {}, workingFolder: "/", file: { placeholders } });

  test("are names and texts, in the file alone", async () => {
    const { values } = await load({ schema: "shop", size: 7, on: true });
    expect(values.placeholders).toEqual({ schema: "shop", size: "7", on: "true" });
    expect(
      (await loadConfig({ flags: {}, environment: {}, workingFolder: "/", file: {} })).values,
    ).toMatchObject({
      placeholders: {},
      layout: null,
    });
  });

  test.for([["schema=shop"], [["a"]], [{ a: { b: 1 } }], [7]])("%j are refused", async ([given]) => {
    await expect(load(given)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("placeholders"),
    });
  });

  test("are named by doctor, their values are not", async ({ db }) => {
    const config = { placeholders: { token: "very secret" }, dir: "db" };
    const folder = folderOf({ ...GOOSE, "godwit.config.json": JSON.stringify(config) });
    const { stdout } = await commandIn({ folder, url: db.url })("doctor");
    expect(stdout).toMatch(/placeholders +token/);
    expect(stdout).not.toContain("very secret");
    expect(stdout).toContain(join(folder, "db"));
  });
});
