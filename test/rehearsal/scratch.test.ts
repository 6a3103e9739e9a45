/** The scratch server: of the wanted version or the nearest, and gone with whoever made it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, vi } from "vitest";
import { serverPackage } from "../../scripts/servers.mjs";
import { fastTemporary } from "../../src/database/embedded/folder.ts";
import { nearest, openScratch } from "../../src/database/embedded/scratch.ts";
import { CACHED } from "../support/cache.ts";
import { BINARY, commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const scratches = (folder: string) =>
  readdirSync(folder).filter((name) => name.startsWith("godwit-scratch-"));

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const)
  test(`server and folder are gone after ${signal}`, async ({ db }) => {
    const folder = folderOf({ "migrations/0001_long.sql": "select pg_sleep(600);", "temporary/x": "" });
    const temporary = `${folder}/temporary`;
    const godwit = commandIn({ folder, url: db.url, env: { TMPDIR: temporary } });
    const running = godwit.start("rehearse", "--json");
    const data = await until(
      () => {
        const [name] = scratches(temporary);
        return name !== undefined && readdirSync(`${temporary}/${name}`).includes("data") ? name : null;
      },
      { what: "the scratch server" },
    );
    await until(() => readdirSync(`${temporary}/${data}/data`).includes("postmaster.pid"));
    running.child.kill(signal);
    await running.ended;
    await until(() => scratches(temporary).length === 0, { what: "the folder to go" });
  });

for (const [temporary, why] of [
  ["missing", "it does not exist"],
  ["file", "a file is in its place"],
] as const)
  test(`a folder of temporary files that cannot be used is named, with what helps (${temporary})`, async ({
    db,
  }) => {
    const folder = folderOf({ "migrations/0001_one.sql": "select 1;", file: "" });
    const godwit = commandIn({ folder, url: db.url, env: { TMPDIR: `${folder}/${temporary}` } });
    for (const command of [["rehearse"], ["test"], ["diff", "--from", "database", "--to", "migrations"]]) {
      const { stderr } = await godwit.fails(1, ...command);
      expect(stderr).toContain(
        `The scratch PostgreSQL cannot be made in the folder of temporary files, ${folder}/${temporary}: ${why}. [EMBEDDED_FAILED]`,
      );
      expect(stderr).toContain("→ Set TMPDIR to a folder that this user may write to");
    }
  });

/** A folder of temporary files on a file system of its own, for one command. Only root may make one. */
function onOwnFileSystem(folder: string, options: string, ...words: readonly string[]) {
  const script = `mount -t tmpfs -o ${options} tmpfs "$TMPDIR" && "$@"; code=$?; ls "$TMPDIR" >&2; exit $code`;
  return spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", process.execPath, BINARY, ...words], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: `${folder}/temporary` },
  });
}

const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0 && process.getuid?.() === 0;

describe.skipIf(!mayMount)("on a file system that", () => {
  test.for([
    { is: "is read-only", options: "ro,size=10m", why: "it is on a file system that is read-only" },
    { is: "has no room for a server", options: "size=10m", why: "No space left on device" },
    { is: "is full when databases are made", options: "size=45m", why: "has no room left in the folder" },
  ])("$is, a test says so, with what helps, and leaves nothing", ({ options, why }) => {
    const folder = folderOf({ "migrations/0001_one.sql": "create table one (id int);", "temporary/x": "" });
    const { status, stderr } = onOwnFileSystem(folder, options, "test");
    expect(stderr).toContain(why);
    expect(stderr).toContain("[EMBEDDED_FAILED]");
    expect(stderr).toContain("→ Set TMPDIR to a folder that this user may write to, with 100 MB of room");
    expect(stderr.split("\n").filter((line) => line.startsWith("godwit-scratch-"))).toEqual([]);
    expect(status).toBe(1);
  });
});

test("two at once, below a folder with a long name, do not disturb each other and leave nothing", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_one.sql": "create table one (id int);" });
  const temporary = join(folder, "t".repeat(Math.max(1, 120 - folder.length)));
  mkdirSync(temporary);
  const godwit = commandIn({ folder, url: db.url, env: { TMPDIR: temporary } });
  const both = await Promise.all([godwit("rehearse", "--json"), godwit("test", "--json")]);
  expect(both[0].json.counts).toMatchObject({ rehearsed: 1, failed: 0 });
  expect(both[1].json.counts).toMatchObject({ passed: 1, failed: 0 });
  expect(scratches(temporary)).toEqual([]);
});

function hasRoomInMemory(): boolean {
  if (!existsSync("/dev/shm")) return false;
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize >= 1024 ** 3 && process.availableMemory() >= 4 * 1024 ** 3;
}

describe("its files", () => {
  const dataOf = async (options: Partial<Parameters<typeof openScratch>[0]>) => {
    await using scratch = await openScratch({ environment: CACHED, ...options });
    await using connection = await scratch.open("postgres");
    const { rows } = await connection.query<{ folder: string }>(
      "select current_setting('data_directory') as folder",
    );
    return rows[0]?.folder ?? "";
  };

  test("are in memory where there is room, but where times are measured or somebody has said another folder", async () => {
    const { TMPDIR } = process.env;
    try {
      delete process.env.TMPDIR;
      const fast = fastTemporary();
      expect(fast).toBe(hasRoomInMemory() ? "/dev/shm" : tmpdir());
      const [usual, measured] = [await dataOf({}), await dataOf({ isMeasured: true })];
      expect(usual.startsWith(`${fast}/godwit-scratch-`)).toBe(true);
      expect(measured.startsWith(`${tmpdir()}/godwit-scratch-`)).toBe(true);
      expect([usual, measured].filter((one) => existsSync(one))).toEqual([]);
      process.env.TMPDIR = folderOf({ "one/x": "" });
      expect((await dataOf({})).startsWith(`${process.env.TMPDIR}/godwit-scratch-`)).toBe(true);
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  });
});

describe("the version", () => {
  test("is the wanted one, else the nearest newer one, else the newest", () => {
    const found = [18, 15, 16].map((major) => ({ major }));
    const chosen = (major: number | undefined) => nearest(found, major)?.major;
    expect(chosen(15)).toBe(15);
    expect(chosen(17)).toBe(18);
    expect(chosen(13)).toBe(15);
    expect(chosen(19)).toBe(18);
    expect(chosen(undefined)).toBe(18);
    expect(nearest([], 15)).toBeUndefined();
  });

  test("that was asked for is named where it is another", async () => {
    await using scratch = await openScratch({ major: 14, environment: CACHED });
    expect(scratch).toMatchObject({ major: 18, insteadOf: 14 });
  });

  test("of a package of its own is found", async () => {
    const packages = [serverPackage(15), "/nowhere"];
    await using scratch = await openScratch({ major: 15, packages, environment: CACHED });
    await scratch.create("some");
    await using connection = await scratch.open("some");
    expect(Math.floor(connection.server.version / 10_000)).toBe(15);
    expect(scratch.insteadOf).toBeNull();
  });
});
