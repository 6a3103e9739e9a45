/** The embedded server may be killed or lose its folder at any time: it comes back, or what happened is said by name. */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isServing, readPostmaster } from "../../src/database/embedded/postmaster.ts";
import type { RunEvent } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";
import { createMigrator } from "../support/watched.ts";

const FILES = { "migrations/0001_shops.sql": "create table shops (id int primary key);" };
const environment = { PATH: process.env.PATH };

function projectOf(files: Files = FILES) {
  const root = folderOf(files);
  chmodSync(root, 0o755); // root may have to be somebody else
  const data = join(root, ".godwit", "postgres", "data");
  const postmaster = async () => {
    const found = await readPostmaster(data);
    return found !== undefined && (await isServing(found.pid, data)) ? found.pid : undefined;
  };
  const kill = async () => {
    const pid = await postmaster();
    if (pid === undefined) throw new Error("The server does not run.");
    process.kill(pid, "SIGKILL");
    await until(async () => (await postmaster()) === undefined);
    return pid;
  };
  onTestFinished(async () => {
    const left = await postmaster();
    if (left !== undefined) process.kill(left, "SIGQUIT");
  });
  return { root, kill, postmaster, folder: join(root, ".godwit") };
}

describe("an embedded server that is killed", () => {
  test("is started again by the next call of the same migrator, and has kept everything", async () => {
    const { root, kill } = projectOf();
    await using migrator = createMigrator({ root, environment });
    await migrator.up();
    await kill();
    expect((await migrator.history()).map(({ revision }) => revision)).toEqual(["0001_shops"]);
    await kill();
    writeFiles(root, { "migrations/0002_rows.sql": "insert into shops values (1);" });
    expect((await migrator.up()).steps.map(({ revision }) => revision)).toEqual(["0002_rows"]);
  });

  test("in the middle of a step is started again, and the run goes on", async () => {
    const files = {
      ...FILES,
      "migrations/0002_slow.sql": "insert into shops values (1); select pg_sleep(2);",
    };
    const { root, kill } = projectOf(files);
    let killing: Promise<unknown> | undefined;
    const observe = (event: RunEvent) => {
      if (event.kind === "step-progress") killing ??= kill();
    };
    await using migrator = createMigrator({ root, environment, observe });
    const report = await migrator.up();
    expect(killing).toBeDefined();
    expect(report).toMatchObject({ outcome: "done" });
    expect((await migrator.history()).map(({ revision }) => revision)).toEqual(["0001_shops", "0002_slow"]);
  });
});

describe("a folder that is deleted while its server runs", () => {
  const gone = (folder: string) => ({
    code: "EMBEDDED_FAILED",
    message: `The folder ${join(folder, "postgres")} of the embedded PostgreSQL was deleted or replaced while its server ran; the database in it is gone.`,
  });

  test("is what the next call says, and a new migrator makes a new one", async () => {
    const { root, folder } = projectOf();
    await using migrator = createMigrator({ root, environment });
    await migrator.up();
    rmSync(folder, { recursive: true });
    await expect(migrator.status()).rejects.toMatchObject(gone(folder));
    // As its hint says.
    await using another = createMigrator({ root, environment });
    expect((await another.up()).steps).toHaveLength(1);
    await expect(migrator.status()).rejects.toMatchObject(gone(folder));
  });

  test("is never blamed on a migration", async () => {
    const files = { ...FILES, "migrations/0002_more.sql": "create table more (id int);" };
    const { root, folder } = projectOf(files);
    const observe = (event: RunEvent) => {
      if (event.kind === "step-started") rmSync(folder, { recursive: true, force: true });
    };
    await using migrator = createMigrator({ root, environment, observe });
    const error = await migrator.up().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(gone(folder));
    expect(error).not.toHaveProperty("place.file");
  });
});

describe("a folder that cannot be used", () => {
  test("is named, with what to do, by command and library", async () => {
    const { root, folder } = projectOf({ ...FILES, ".godwit": "a file" });
    const said = expect.stringMatching(/cannot use its folder .*\.godwit: a file is in its place/);
    const { json } = await commandIn({ folder: root }).fails(1, "up", "--json");
    expect(json.problems).toMatchObject([
      { code: "EMBEDDED_FAILED", message: said, hint: expect.stringContaining("DATABASE_URL") },
    ]);
    await using migrator = createMigrator({ root, environment });
    await expect(migrator.up()).rejects.toMatchObject({ code: "EMBEDDED_FAILED", message: said });
    // As the hint says.
    rmSync(folder);
    expect((await migrator.up()).steps).toHaveLength(1);
  });

  test.skipIf(process.getuid?.() === 0)("because this user may not write there says so", async () => {
    const { root } = projectOf();
    chmodSync(root, 0o555);
    onTestFinished(() => chmodSync(root, 0o755));
    await using migrator = createMigrator({ root, environment });
    await expect(migrator.up()).rejects.toMatchObject({
      code: "EMBEDDED_FAILED",
      message: expect.stringContaining("this user may not read and write there"),
    });
  });
});
