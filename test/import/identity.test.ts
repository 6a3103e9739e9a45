/** What a second look at the same folder does: nothing where nothing changed, and the right thing where something did. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { ImportFailed } from "../../src/errors.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { importPlace, LONG_AGO, picture, put } from "../support/import-place.ts";
import { startSshd, withoutUser } from "../support/sshd.ts";
import { recorder } from "../support/target.ts";

const [A, B, C, D] = (await Promise.all([1, 2, 3, 4].map(picture))) as [Buffer, Buffer, Buffer, Buffer];
const later = (seconds: number) => new Date(LONG_AGO.getTime() + seconds * 1000);

describe("what is read again", () => {
  test("is nothing, where neither size nor time of a file changed", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B, "s/t/broken.png": B.subarray(0, 60), "s/t/x.pdf": A });
    expect(await place.run()).toMatchObject({ stored: 2, files: { quarantined: 1, unsupported: 1 } });
    const before = [await place.rows(), await place.files()];
    expect(await place.run()).toMatchObject({
      stored: 0,
      bytesRead: 0,
      files: { stored: 2, quarantined: 1 },
    });
    expect([await place.rows(), await place.files()]).toEqual(before);
  });

  test("is a file whose size or time changed; with the same bytes its row stays as it is", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B, "s/t/c.png": C });
    await place.run();
    const before = await place.rows();
    put(place.base, { "s/t/a.png": A }, later(60));
    // Other bytes, the same time.
    put(place.base, { "s/t/b.png": D });
    const report = await place.run();
    expect(report).toMatchObject({ stored: 2, bytesRead: A.length + D.length, files: { stored: 3 } });
    const after = await place.rows();
    const timeless = (row: object | undefined) => ({ ...row, file_modified_at: null });
    expect(timeless(after.get("s/t/a.png"))).toEqual(timeless(before.get("s/t/a.png")));
    expect(after.get("s/t/b.png")?.id).toBe(before.get("s/t/b.png")?.id);
    expect(after.get("s/t/b.png")?.phash).not.toBe(before.get("s/t/b.png")?.phash);
    expect(after.get("s/t/c.png")).toEqual(before.get("s/t/c.png"));
  });

  test("is a broken file that was mended, and a good one that broke says so in its row", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A.subarray(0, 60), "s/t/b.png": B });
    await place.run();
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B.subarray(0, 70) }, later(60));
    await place.run();
    expect((await place.files()).get("s/t/a.png")?.state).toBe("stored");
    expect((await place.files()).get("s/t/b.png")).toMatchObject({
      state: "quarantined",
      code: "IMAGE_BROKEN",
    });
    expect((await place.rows()).get("s/t/b.png")?.state).toBe("quarantined");
    put(place.base, { "s/t/b.png": B }, later(120));
    await place.run();
    expect((await place.rows()).get("s/t/b.png")?.state).toBe("present");
  });

  test("is what was not known when a file went away, even if it comes back as it was last seen", async ({
    db,
  }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B });
    await place.run();
    // It broke, went away, and came back whole with the size and time of the broken one.
    const whole = Buffer.concat([C, Buffer.alloc(300)]);
    const same = Buffer.alloc(whole.length, 7);
    put(place.base, { "s/t/a.png": same }, later(60));
    await place.run();
    rmSync(join(place.base, "s/t/a.png"));
    await place.run();
    put(place.base, { "s/t/a.png": whole }, later(60));
    await place.run();
    const row = (await place.rows()).get("s/t/a.png");
    expect(row?.sha256).toBe(createHash("sha256").update(whole).digest("hex"));
    expect(row?.state).toBe("present");
  });
});

describe("moved files", () => {
  test("keep id and decisions, however they were renamed", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B, "s/t/c.png": C });
    await place.run();
    const [rows, files] = [await place.rows(), await place.files()];
    const id = (path: string) => files.get(path)?.id ?? "";
    const decision = `insert into "${ledgerSchema}".duplicate_decisions (left_file, right_file, verdict)
      values (least($1::bigint, $2), greatest($1::bigint, $2), 'different')`;
    await db.sql(decision, [id("s/t/a.png"), id("s/t/b.png")]);
    mkdirSync(join(place.base, "other/deep/er"), { recursive: true });
    renameSync(join(place.base, "s/t/a.png"), join(place.base, "s/t/a new.png"));
    renameSync(join(place.base, "s/t/b.png"), join(place.base, "other/deep/er/b.png"));
    const report = await place.run();
    expect(report).toMatchObject({ moved: 2, files: { stored: 3, missing: 0 } });
    const [nowRows, nowFiles] = [await place.rows(), await place.files()];
    expect(nowRows.size).toBe(3);
    for (const [from, to] of [
      ["s/t/a.png", "s/t/a new.png"],
      ["s/t/b.png", "other/deep/er/b.png"],
      ["s/t/c.png", "s/t/c.png"],
    ] as const) {
      expect(nowRows.get(to)?.id, to).toBe(rows.get(from)?.id);
      expect(nowFiles.get(to)?.id, to).toBe(files.get(from)?.id);
      expect(nowRows.get(to)?.state, to).toBe("present");
    }
    expect(nowRows.get("other/deep/er/b.png")).toMatchObject({
      shop_name: "other",
      template_name: "deep",
      file_name: "b.png",
    });
    expect(await db.sql(`select verdict from "${ledgerSchema}".duplicate_decisions`)).toHaveLength(1);
    // And back again.
    renameSync(join(place.base, "s/t/a new.png"), join(place.base, "s/t/a.png"));
    expect(await place.run()).toMatchObject({ moved: 1 });
    expect((await place.files()).get("s/t/a.png")?.id).toBe(id("s/t/a.png"));
  });

  test("also several with the same content at once, one for one", async ({ db }) => {
    const place = await importPlace(db);
    const names = ["1.png", "2.png", "3.png"];
    put(place.base, Object.fromEntries(names.map((name) => [`s/old/${name}`, A])));
    await place.run();
    const ids = (of: Map<string, { id: string }>) => [...of.values()].map(({ id }) => id).sort();
    const before = [ids(await place.rows()), ids(await place.files())];
    // One more than there were, so one of them is new.
    renameSync(join(place.base, "s/old"), join(place.base, "s/new"));
    put(place.base, { "s/new/4.png": A });
    expect(await place.run()).toMatchObject({ moved: 3, files: { stored: 4, missing: 0 } });
    const after = [ids(await place.rows()), ids(await place.files())];
    expect(after[0]).toEqual(expect.arrayContaining(before[0] ?? []));
    expect(after[1]).toEqual(expect.arrayContaining(before[1] ?? []));
    expect([...(await place.rows()).keys()].sort()).toEqual([
      "s/new/1.png",
      "s/new/2.png",
      "s/new/3.png",
      "s/new/4.png",
    ]);
  });

  test("that exchanged their names are two rows, each with what lies there now", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A });
    put(place.base, { "s/t/b.png": B }, later(5));
    await place.run();
    const before = await place.rows();
    renameSync(join(place.base, "s/t/a.png"), join(place.base, "s/t/x"));
    renameSync(join(place.base, "s/t/b.png"), join(place.base, "s/t/a.png"));
    renameSync(join(place.base, "s/t/x"), join(place.base, "s/t/b.png"));
    expect(await place.run()).toMatchObject({ stored: 2, files: { stored: 2, missing: 0 } });
    const after = await place.rows();
    expect(after.size).toBe(2);
    expect(after.get("s/t/a.png")?.sha256).toBe(before.get("s/t/b.png")?.sha256);
    expect(after.get("s/t/b.png")?.sha256).toBe(before.get("s/t/a.png")?.sha256);
    expect(new Set([...after.values()].map(({ id }) => id))).toEqual(
      new Set([...before.values()].map(({ id }) => id)),
    );
  });

  test("that were changed on the way are new ones, and the old ones are missing", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B });
    await place.run();
    rmSync(join(place.base, "s/t/a.png"));
    put(place.base, { "s/t/a2.png": C });
    expect(await place.run()).toMatchObject({ moved: 0, stored: 1, files: { stored: 2, missing: 1 } });
    const rows = await place.rows();
    expect(rows.get("s/t/a.png")?.state).toBe("missing");
    expect(rows.get("s/t/a2.png")?.state).toBe("present");
  });
});

describe("what is gone", () => {
  test("is missing, and present when it comes back, without being read again", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B });
    await place.run();
    const before = await place.rows();
    rmSync(join(place.base, "s/t/a.png"));
    expect(await place.run()).toMatchObject({ outcome: "done", files: { stored: 1, missing: 1 } });
    expect((await place.rows()).get("s/t/a.png")).toMatchObject({
      id: before.get("s/t/a.png")?.id,
      state: "missing",
    });
    put(place.base, { "s/t/a.png": A });
    expect(await place.run()).toMatchObject({ bytesRead: 0, files: { stored: 2, missing: 0 } });
    expect(await place.rows()).toEqual(before);
  });

  test("from the table is written again", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B });
    await place.run();
    await db.sql("delete from design_images where file_name = 'a.png'");
    expect(await place.run()).toMatchObject({ restored: 1, bytesRead: 0 });
    expect([...(await place.rows()).keys()].sort()).toEqual(["s/t/a.png", "s/t/b.png"]);
    await db.sql("truncate design_images");
    expect(await place.run()).toMatchObject({ restored: 2, bytesRead: 0 });
  });

  test("because it is excluded now says so, and is present when it is wanted again", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/drafts/b.png": B, "s/t/old/c.png": C });
    await place.run();
    const before = await place.rows();
    const exclude = ["drafts", "s/t/old/**"];
    expect(await place.run({ exclude })).toMatchObject({ files: { stored: 1, excluded: 2, missing: 0 } });
    expect(
      [...(await place.rows()).values()].map(({ file_name, state }) => [file_name, state]).sort(),
    ).toEqual([
      ["a.png", "present"],
      ["b.png", "excluded"],
      ["c.png", "excluded"],
    ]);
    expect(await place.run()).toMatchObject({ bytesRead: 0, files: { stored: 3, excluded: 0 } });
    expect(await place.rows()).toEqual(before);
  });

  test("thumbnails and recycle bins were never there", async ({ db }) => {
    const place = await importPlace(db);
    const debris = [
      "s/t/@eaDir/a.png/SYNOPHOTO_THUMB_M.png",
      "s/t/.@__thumb/a.png",
      "@Recycle/s/t/b.png",
      "#recycle/s/t/b.png",
      "@Recently-Snapshot/1/s/t/b.png",
      "s/t/._a.png",
      "s/t/.hidden.png",
      "s/t/Thumbs.db",
      "s/t/upload.png.part",
    ];
    put(place.base, { "s/t/a.png": A, ...Object.fromEntries(debris.map((path) => [path, B])) });
    expect(await place.run()).toMatchObject({ stored: 1 });
    expect([...(await place.files()).keys()]).toEqual(["s/t/a.png"]);
  });
});

describe("what cannot be looked at", () => {
  test.skipIf(withoutUser)(
    "is not missing: everything else is imported, and the run fails",
    async ({ db }) => {
      await using sshd = await startSshd();
      const place = await importPlace(db, { base: sshd.folder, origin: sshd.settings() });
      put(sshd.folder, { "s/t/a.png": A, "s/locked/b.png": B, "s/locked/deep/c.png": C });
      await place.run();
      const before = await place.rows();
      chmodSync(join(sshd.folder, "s/locked"), 0o000);
      put(sshd.folder, { "s/t/d.png": D });
      const failed = await refusal(place.run());
      expect(failed.code).toBe("IMPORT_INCOMPLETE");
      expect(failed.message).toContain("s/locked");
      expect(failed.report).toMatchObject({ outcome: "failed", stored: 1 });
      const after = await place.rows();
      for (const [path, row] of before) expect(after.get(path), path).toEqual(row);
      expect(after.get("s/t/d.png")?.state).toBe("present");
      chmodSync(join(sshd.folder, "s/locked"), 0o755);
      expect(await place.run()).toMatchObject({ outcome: "done", bytesRead: 0, files: { stored: 4 } });

      // A file that may not be read is tried again by every run.
      put(sshd.folder, { "s/t/mine.png": await picture(5) });
      chmodSync(join(sshd.folder, "s/t/mine.png"), 0o000);
      expect(await refusal(place.run())).toMatchObject({ code: "IMPORT_INCOMPLETE" });
      expect((await place.files()).get("s/t/mine.png")).toMatchObject({
        state: "failed",
        code: "FILE_UNREADABLE",
      });
      chmodSync(join(sshd.folder, "s/t/mine.png"), 0o644);
      expect(await place.run()).toMatchObject({ stored: 1 });

      // Nothing at all can be read: that is no empty folder.
      for (const name of ["s"]) chmodSync(join(sshd.folder, name), 0o000);
      const blind = await refusal(place.run());
      chmodSync(join(sshd.folder, "s"), 0o755);
      expect(blind.code).toBe("IMPORT_INCOMPLETE");
      expect(blind.message).toContain("(s)");
      expect([...(await place.rows()).values()].map(({ state }) => state)).toEqual(Array(5).fill("present"));

      chmodSync(sshd.folder, 0o000);
      expect(await refusal(place.run())).toMatchObject({ code: "ORIGIN_BASE_UNREADABLE" });
      chmodSync(sshd.folder, 0o755);
      const missing = sshd.settings({ base: `${sshd.folder}/nowhere` });
      expect(await refusal(place.run({ origin: missing }))).toMatchObject({ code: "ORIGIN_BASE_MISSING" });
      expect([...(await place.rows()).values()].map(({ state }) => state)).toEqual(Array(5).fill("present"));
    },
  );

  test("is not forgotten by a run that goes on with the scan of one that was cut off", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/u/b.png": B });
    await place.run();
    const t = (name: string) => `"${ledgerSchema}".${name}`;
    await db.sql(
      `insert into ${t("import_scans")} (import, origin) select import, origin from ${t("import_scans")}`,
    );
    await db.sql(`update ${t("import_folders")} set scan = (select max(id) from ${t("import_scans")}),
state = case path when 's/t' then 'unreadable' when 's/u' then 'found' else 'read' end`);
    const failed = await refusal(place.run());
    expect(failed).toMatchObject({ code: "IMPORT_INCOMPLETE", message: expect.stringContaining("s/t") });
    expect([...(await place.rows()).values()].map(({ state }) => state)).toEqual(["present", "present"]);
    expect(await place.run()).toMatchObject({ outcome: "done", bytesRead: 0 });
  });

  test("a base that is gone, empty, a file or another folder marks nothing as missing", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B });
    await place.run();
    const before = await place.rows();
    const refused = async (base: string, code: string, words: string) => {
      const failed = await refusal(place.run({ origin: { kind: "directory", base }, description: base }));
      expect(failed.code, base).toBe(code);
      expect(failed.message, base).toContain(words);
      expect(failed.hint, base).toBeTruthy();
      expect(await place.rows(), base).toEqual(before);
      expect([...(await place.files()).values()].map(({ state }) => state)).toEqual(["stored", "stored"]);
    };
    const other = join(place.base, "..", `${place.base.split("/").at(-1)}-other`);
    mkdirSync(other);
    try {
      await refused(join(place.base, "nowhere"), "ORIGIN_BASE_MISSING", "nowhere");
      await refused(join(place.base, "s/t/a.png"), "ORIGIN_BASE_UNREADABLE", "not a folder");
      await refused(other, "IMPORT_ORIGIN_CHANGED", other);
      renameSync(place.base, `${place.base}-away`);
      renameSync(other, place.base);
      await refused(place.base, "IMPORT_FILES_GONE", "2 of 2 images");
      // One level too deep, as when the base path names the shop.
      writeFileSync(join(place.base, "a.png"), A);
      await refused(place.base, "IMPORT_FILES_GONE", "for example a.png");
      rmSync(join(place.base, "a.png"));
      mkdirSync(join(place.base, "@eaDir"));
      await refused(place.base, "IMPORT_FILES_GONE", "2 of 2 images");
    } finally {
      rmSync(place.base, { recursive: true, force: true });
      renameSync(`${place.base}-away`, place.base);
    }
    // And then all is well again.
    const context = recorder();
    expect(await place.run({}, context)).toMatchObject({ outcome: "done", bytesRead: 0 });
  });
});

test("a refused row is tried again by the next run", async ({ db }) => {
  const place = await importPlace(db);
  put(place.base, { "s/t/a.png": A, "s/t/b.png": B, "s/t/c.png": C });
  await db.sql("alter table design_images add constraint no_b check (file_name <> 'b.png')");
  expect(await place.run()).toMatchObject({ stored: 2, files: { stored: 2, quarantined: 1 } });
  expect((await place.files()).get("s/t/b.png")).toMatchObject({ code: "FILE_REFUSED" });
  expect((await place.files()).get("s/t/b.png")?.reason).toContain("no_b");
  await db.sql("alter table design_images drop constraint no_b");
  expect(await place.run()).toMatchObject({ stored: 1, files: { stored: 3, quarantined: 0 } });
});

describe("the hash size", () => {
  test("changed, all is hashed again, and a file that was away too", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/t/b.png": B, "s/t/gone.png": C, "s/t/same.png": C });
    await place.run();
    const before = await place.rows();
    rmSync(join(place.base, "s/t/gone.png"));
    await place.run();
    expect(await place.run({ hashSize: 16 })).toMatchObject({ stored: 3 });
    put(place.base, { "s/t/gone.png": C });
    await place.run({ hashSize: 16 });
    for (const [path, row] of await place.rows()) {
      expect(row, path).toMatchObject({ hash_size: 16, id: before.get(path)?.id, state: "present" });
      expect(row.phash, path).toHaveLength(64);
      expect(row.phash, path).toBe(row.phash_256);
      expect(before.get(path)?.phash, path).toHaveLength(16);
    }
  });

  test("changed, killed in the middle and run again: every row has the new size", async ({ db }) => {
    const place = await importPlace(db, { batched: false });
    const many = await Promise.all(Array.from({ length: 40 }, (_, n) => picture(n)));
    put(place.base, Object.fromEntries(many.map((bytes, n) => [`s/t/${n}.png`, bytes])));
    await place.run();
    const stopping = recorder((event) => {
      if (
        event.kind === "import-progress" &&
        event.figures.stage === "reading" &&
        event.figures.files.done === 0
      )
        stopping.abort(new Error("stopped by the test"));
    });
    await expect(place.run({ hashSize: 16 }, stopping)).rejects.toThrow("stopped by the test");
    const left = (await place.run({ hashSize: 16 })).stored;
    expect(left).toBeGreaterThan(0);
    expect(new Set([...(await place.rows()).values()].map(({ hash_size }) => hash_size))).toEqual(
      new Set([16]),
    );
    expect(await place.run({ hashSize: 16 })).toMatchObject({ stored: 0, bytesRead: 0 });
  });
});

async function refusal(run: Promise<unknown>): Promise<ImportFailed> {
  const error = await run.then(
    () => new Error("It was done."),
    (reason) => reason,
  );
  if (!(error instanceof ImportFailed)) throw error;
  return error;
}
