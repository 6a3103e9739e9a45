/** An import is bound to its origin: another one, a mass of missing files and links out of it are asked about first. */
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { type Command, commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { importPlace, picture, put, temporaryFolder } from "../support/import-place.ts";
import { startSshd, withoutUser } from "../support/sshd.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const [A, B, C] = (await Promise.all([1, 2, 3].map(picture))) as [Buffer, Buffer, Buffer];
const MANY = await Promise.all(Array.from({ length: 45 }, (_, n) => picture(n + 100)));

interface Project {
  readonly godwit: Command;
  readonly folder: string;
}

function project(db: TestDatabase, config: object = {}): Project {
  const folder = folderOf({
    "migrations/0001_design_images.sql": IMAGE_TABLE,
    "godwit.config.json": JSON.stringify({ dir: "migrations", ...config }),
  });
  return { folder, godwit: commandIn({ folder, url: db.url }) };
}

const states = async (db: TestDatabase) =>
  (
    await db.sql<{ import_name: string; file_path: string; state: string }>(
      "select import_name, file_path, state from design_images order by 1, 2",
    )
  ).map((row) => `${row.import_name} ${row.file_path} ${row.state}`);

/** The commands between backticks in what was said. */
const commandsOf = (text: string) => [...text.matchAll(/`godwit ([^`]*)`/g)].map(([, words = ""]) => words);
const wordsOf = (command: string) => command.split(" ");

describe("another origin", () => {
  test("with the same last name changes nothing, and each command of the hint leads on", async ({ db }) => {
    const { godwit } = project(db);
    await godwit("up");
    const [one, two] = [join(temporaryFolder(), "pics"), join(temporaryFolder(), "pics")];
    put(one, { "s/t/a.png": A, "s/t/b.png": B });
    put(two, { "s/t/c.png": C });
    await godwit("import", "--from", one);
    const before = await states(db);
    const { stderr, json } = await godwit.fails(1, "import", "--from", two, "--json");
    expect(json.problems).toMatchObject([
      { code: "IMPORT_ORIGIN_CHANGED", details: { import: "pics", before: one, now: two } },
    ]);
    expect(stderr).not.toContain("password");
    expect(await states(db)).toEqual(before);
    const [apart = "", onPurpose = ""] = commandsOf(json.problems[0].hint);
    expect((await godwit(...wordsOf(apart), "--json")).json.imports).toMatchObject([{ stored: 1 }]);
    expect(await states(db)).toHaveLength(3);
    expect((await states(db)).filter((row) => row.startsWith("pics "))).toEqual(before);
    // The first two are not there, so that is asked too.
    const gone = await godwit.fails(1, ...wordsOf(onPurpose), "--json");
    expect(gone.json.problems).toMatchObject([{ code: "IMPORT_FILES_GONE" }]);
    expect((await states(db)).filter((row) => row.startsWith("pics "))).toEqual(before);
    const [confirmed = ""] = commandsOf(gone.json.problems[0].hint);
    await godwit(...wordsOf(confirmed));
    expect((await states(db)).filter((row) => row.startsWith("pics "))).toEqual([
      "pics s/t/a.png missing",
      "pics s/t/b.png missing",
      "pics s/t/c.png present",
    ]);
  });

  test("of a configured import stops up, and a way or a variable confirms it", async ({ db }) => {
    const place = temporaryFolder();
    const from = join(place, "designs");
    put(from, { "s/t/a.png": A });
    const { godwit } = project(db, { imports: { nas: { from, settle: 0, workers: 1 } } });
    await godwit("up");
    const moved = join(place, "moved");
    renameSync(from, moved);
    symlinkSync(moved, from);
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.problems).toMatchObject([{ code: "IMPORT_ORIGIN_CHANGED" }]);
    expect(json.problems[0].hint).toContain("imports.nas.from");
    expect(await godwit.fails(2, "status", "--new-origin")).toMatchObject({ code: 2 });
    const looked = await godwit.fails(1, "doctor", "--json");
    expect(looked.json.findings.at(-1)).toMatchObject({
      subject: "import nas",
      state: "problem",
      hint: expect.stringContaining("--new-origin"),
    });
    const done = await godwit.with({ GODWIT_NEW_ORIGIN: "true" })("up", "--json");
    expect(done.json.imports).toMatchObject([{ outcome: "done", bytesRead: 0, files: { stored: 1 } }]);
    // From now on it is the origin, however it is spelled.
    expect((await godwit("doctor")).stdout).toContain(`import nas: ${from} can be read`);
    expect((await godwit("up", "--json")).json.imports).toMatchObject([{ outcome: "done" }]);
    const migrator = createMigrator({
      databaseUrl: db.url,
      dir: folderOf({ "0001_design_images.sql": IMAGE_TABLE }),
      ledgerSchema,
      imports: { nas: { from: folderAgain(place), settle: 0, workers: 1 } },
    });
    await using _ = migrator;
    await expect(migrator.import("nas")).rejects.toMatchObject({ code: "IMPORT_ORIGIN_CHANGED" });
    expect(await migrator.import("nas", { newOrigin: true })).toMatchObject([{ files: { stored: 1 } }]);
  });

  test.skipIf(withoutUser)(
    "whose URL has a password is not repeated, and the command of the hint takes it again",
    async ({ db }) => {
      const sshd = await startSshd();
      onTestFinished(() => sshd.stop());
      put(sshd.folder, { "two/pics/s/t/b.png": B });
      const { godwit } = project(db);
      await godwit("up");
      const one = join(temporaryFolder(), "pics");
      put(one, { "s/t/a.png": A });
      await godwit("import", "--from", one);
      const password = encodeURIComponent(sshd.password ?? "");
      const from = `sftp://${sshd.username}:${password}@127.0.0.1:${sshd.port}${sshd.folder}/two/pics`;
      const typed = ["--from", from, "--host-key", sshd.hostKeyFingerprint];
      const { json } = await godwit.fails(1, "import", ...typed, "--json");
      expect(json.problems).toMatchObject([{ code: "IMPORT_ORIGIN_CHANGED" }]);
      const [apart = ""] = commandsOf(json.problems[0].hint);
      expect(apart).toMatch(/ --from …$/);
      await godwit(...wordsOf(apart).slice(0, 2), ...typed);
      expect(await states(db)).toHaveLength(2);
    },
  );

  test("is taken at once as long as no image was read, and known from what earlier releases wrote", async ({
    db,
  }) => {
    const place = await importPlace(db);
    const empty = temporaryFolder();
    await expect(place.run({ origin: { kind: "directory", base: empty } })).rejects.toMatchObject({
      code: "ORIGIN_BASE_EMPTY",
    });
    put(place.base, { "s/t/a.png": A });
    await place.run();
    await db.sql(`drop table "${ledgerSchema}".import_origins`);
    const other = temporaryFolder();
    put(other, { "s/t/b.png": B });
    const at = { origin: { kind: "directory", base: other }, description: other } as const;
    await expect(place.run(at)).rejects.toMatchObject({
      code: "IMPORT_ORIGIN_CHANGED",
      details: { before: place.base, now: other },
    });
    expect(await place.run()).toMatchObject({ files: { stored: 1 } });
    const bound = await db.sql(`select import, kind, host, base from "${ledgerSchema}".import_origins`);
    expect(bound).toEqual([{ import: "nas", kind: "directory", host: null, base: place.base }]);
  });

  test.skipIf(withoutUser)(
    "is another server or folder behind SSH, and never another name or user",
    async ({ db }) => {
      const sshd = await startSshd();
      onTestFinished(() => sshd.stop());
      put(sshd.folder, { "one/s/t/a.png": A, "two/s/t/b.png": B });
      const at = (folder: string, host = "127.0.0.1") => ({
        origin: sshd.settings({ base: join(sshd.folder, folder), host }),
        description: `sftp://worker@${host}:${sshd.port}${join(sshd.folder, folder)}`,
      });
      const place = await importPlace(db);
      await place.run(at("one"));
      await expect(place.run(at("two"))).rejects.toMatchObject({ code: "IMPORT_ORIGIN_CHANGED" });
      // Another name of the same server, and the same folder on another server.
      expect(await place.run(at("one", "localhost"))).toMatchObject({ bytesRead: 0, files: { stored: 1 } });
      const twin = await startSshd();
      onTestFinished(() => twin.stop());
      const origin = twin.settings({ base: join(sshd.folder, "one") });
      await expect(place.run({ origin })).rejects.toMatchObject({ code: "IMPORT_ORIGIN_CHANGED" });
      await place.run(at("one"));
      await db.sql(`drop table "${ledgerSchema}".import_origins`);
      await expect(place.run(at("two"))).rejects.toMatchObject({ code: "IMPORT_ORIGIN_CHANGED" });
      expect(await place.run(at("one"))).toMatchObject({ bytesRead: 0, files: { stored: 1 } });
      const written = JSON.stringify(await db.sql(`select o::text from "${ledgerSchema}".import_origins o`));
      expect(written).not.toContain(sshd.username);
      expect(written).toContain(sshd.hostKeyFingerprint);
      expect(written).toContain(String(sshd.port));
    },
  );
});

describe("files that are gone", () => {
  const library = () => Object.fromEntries(MANY.map((bytes, n) => [`s/${n % 9}/${n}.png`, bytes]));

  test("all, or most of many, are asked about; fewer are marked as ever", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, library());
    await place.run();
    const present = async () =>
      [...(await place.rows()).values()].filter(({ state }) => state === "present").length;
    for (const n of [0, 1, 2, 3]) rmSync(join(place.base, `s/${n}`), { recursive: true });
    expect(await place.run()).toMatchObject({ files: { stored: 25, missing: 20 } });
    for (const n of [4, 5, 6, 7]) rmSync(join(place.base, `s/${n}`), { recursive: true });
    await expect(place.run()).rejects.toMatchObject({
      code: "IMPORT_FILES_GONE",
      details: { known: 25, gone: 20 },
    });
    expect(await present()).toBe(25);
    rmSync(join(place.base, "s"), { recursive: true });
    await expect(place.run()).rejects.toMatchObject({ code: "IMPORT_FILES_GONE", details: { gone: 25 } });
    expect(await present()).toBe(25);
    expect(await place.run({ allowMissing: true })).toMatchObject({ files: { missing: 45, stored: 0 } });
    expect(await present()).toBe(0);
    // What was confirmed once is not asked again, nor is the empty folder taken for a share that is not mounted.
    expect(await place.run()).toMatchObject({ outcome: "done", files: { missing: 45, stored: 0 } });
    put(place.base, library());
    expect(await place.run()).toMatchObject({ bytesRead: 0, files: { stored: 45 } });
    expect(await present()).toBe(45);
  });

  test("are not those below a folder that was renamed, nor those that are excluded", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, library());
    await place.run();
    renameSync(join(place.base, "s"), join(place.base, "new name"));
    expect(await place.run()).toMatchObject({ moved: 45, files: { stored: 45, missing: 0 } });
    put(place.base, { "other/t/a.png": A });
    expect(await place.run({ exclude: ["new name"] })).toMatchObject({
      files: { stored: 1, excluded: 45 },
    });
  });

  test("because the share is not mounted: up stops, and the command of the hint confirms", async ({ db }) => {
    const from = join(temporaryFolder(), "mnt");
    put(from, { "s/t/a.png": A, "s/t/b.png": B });
    const { godwit } = project(db, { imports: { nas: { from, settle: 0, workers: 1 } } });
    await godwit("up");
    rmSync(from, { recursive: true });
    mkdirSync(from);
    const { json, stderr } = await godwit.fails(1, "up", "--json");
    expect(json.problems).toMatchObject([{ code: "IMPORT_FILES_GONE", details: { known: 2, gone: 2 } }]);
    expect(stderr).toContain("[IMPORT_FILES_GONE]");
    expect(await states(db)).toEqual(["nas s/t/a.png present", "nas s/t/b.png present"]);
    const [confirmed = ""] = commandsOf(json.problems[0].hint);
    await godwit(...wordsOf(confirmed));
    expect(await states(db)).toEqual(["nas s/t/a.png missing", "nas s/t/b.png missing"]);
  });
});

describe("links out of the base", () => {
  test("are named and not followed, unless that is wanted; what came from there stays", async ({ db }) => {
    const place = await importPlace(db);
    const outside = temporaryFolder();
    put(outside, { "deep/c.png": C, "b.png": B });
    put(place.base, { "s/t/a.png": A });
    symlinkSync(outside, join(place.base, "s/out"));
    symlinkSync(join(outside, "b.png"), join(place.base, "s/t/b.png"));
    symlinkSync("a.png", join(place.base, "s/t/inside.png"));
    const report = await place.run();
    expect(report).toMatchObject({ outcome: "done", files: { stored: 2 } });
    expect(report.warnings).toMatchObject([{ code: "IMPORT_LINKS_OUTSIDE" }]);
    for (const word of [`s/out → ${outside}`, `s/t/b.png → ${join(outside, "b.png")}`])
      expect(report.warnings[0]?.message).toContain(word);
    const followed = await place.run({ followLinks: true });
    expect(followed.warnings).toEqual([]);
    const all = ["s/out/b.png", "s/out/deep/c.png", "s/t/a.png", "s/t/b.png", "s/t/inside.png"];
    expect([...(await place.rows()).keys()].sort()).toEqual(all);
    expect(await place.run()).toMatchObject({ outcome: "done", files: { stored: 5, missing: 0 } });
    rmSync(join(place.base, "s/out"));
    expect(await place.run()).toMatchObject({ files: { stored: 3, missing: 2 } });
  });

  test("whose targets are gone mark nothing as missing, and are named", async ({ db }) => {
    const place = await importPlace(db);
    const outside = temporaryFolder();
    put(outside, { "deep/c.png": C, "b.png": B });
    put(place.base, { "s/t/a.png": A });
    symlinkSync(outside, join(place.base, "s/out"));
    symlinkSync(join(outside, "b.png"), join(place.base, "s/t/b.png"));
    await place.run({ followLinks: true });
    rmSync(outside, { recursive: true });
    for (const followLinks of [false, true]) {
      const report = await place.run({ followLinks });
      expect(report).toMatchObject({ outcome: "done", files: { stored: 4, missing: 0 } });
      expect(report.warnings).toMatchObject([{ code: "IMPORT_LINKS_NOWHERE" }]);
      for (const word of ["s/out", "s/t/b.png"]) expect(report.warnings[0]?.message).toContain(word);
    }
    rmSync(join(place.base, "s/out"));
    rmSync(join(place.base, "s/t/b.png"));
    expect(await place.run({ allowMissing: true })).toMatchObject({ files: { stored: 1, missing: 3 } });
  });

  test("alone are no empty folder, and the command of the hint follows them", async ({ db }) => {
    const outside = temporaryFolder();
    put(outside, { "t/a.png": A });
    const from = temporaryFolder();
    symlinkSync(outside, join(from, "s"));
    symlinkSync("/", join(from, "root"));
    const { godwit } = project(db, { imports: { nas: { from, settle: 0, workers: 1, exclude: ["root"] } } });
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.problems).toMatchObject([{ code: "IMPORT_LINKS_OUTSIDE" }]);
    const [follow = ""] = commandsOf(json.problems[0].hint);
    expect((await godwit(...wordsOf(follow), "--json")).json.imports).toMatchObject([{ stored: 1 }]);
  });

  test.skipIf(withoutUser)("over SFTP as well", async ({ db }) => {
    const sshd = await startSshd();
    onTestFinished(() => sshd.stop());
    put(sshd.folder, { "base/s/t/a.png": A, "out/b.png": B });
    symlinkSync(join(sshd.folder, "out"), join(sshd.folder, "base/s/out"));
    symlinkSync("/etc", join(sshd.folder, "base/s/etc"));
    const place = await importPlace(db);
    const at = { origin: sshd.settings({ base: join(sshd.folder, "base") }) };
    const report = await place.run(at);
    expect(report).toMatchObject({ files: { stored: 1 }, warnings: [{ code: "IMPORT_LINKS_OUTSIDE" }] });
    expect(report.warnings[0]?.message).toContain("s/etc → /etc");
    expect(report.scanned.outside).toBe(0);
  });
});

/** The same design in one more folder. */
function folderAgain(place: string): string {
  put(join(place, "again"), { "s/t/a.png": A });
  return join(place, "again");
}
