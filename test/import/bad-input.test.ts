/** What people and disks get wrong: each ends with a sentence that says what, and takes nothing else with it. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe } from "vitest";
import { ImportFailed } from "../../src/errors.ts";
import type { SftpSettings } from "../../src/origin/origin.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { importPlace, picture, put } from "../support/import-place.ts";
import { makeKey, startSshd, withoutSshd, withoutUser } from "../support/sshd.ts";
import { recorder } from "../support/target.ts";

const [A, B, C] = (await Promise.all([1, 2, 3].map(picture))) as [Buffer, Buffer, Buffer];

describe.skipIf(withoutSshd)(`a server${withoutSshd ? `: ${withoutSshd}` : ""}`, () => {
  test("that is not there, or lets nobody in, is refused at once, with what to do", async ({ db }) => {
    await using sshd = await startSshd();
    const place = await importPlace(db, { base: sshd.folder, origin: sshd.settings() });
    put(sshd.folder, { "s/t/a.png": A });
    makeKey(join(sshd.ownFolder, "stranger"), "ed25519");
    const stranger = readFileSync(join(sshd.ownFolder, "stranger"), "utf8");
    const { privateKey: _, ...keyless } = sshd.settings();
    const cases: readonly [SftpSettings, string, RegExp][] = [
      [sshd.settings({ host: "nowhere.invalid" }), "ORIGIN_UNREACHABLE", /nowhere\.invalid/],
      [sshd.settings({ port: 1 }), "ORIGIN_UNREACHABLE", /127\.0\.0\.1/],
      [sshd.settings({ privateKey: stranger }), "ORIGIN_LOGIN", new RegExp(sshd.username)],
      [sshd.settings({ username: "nobody-such" }), "ORIGIN_LOGIN", /nobody-such/],
      [
        sshd.settings({ hostKeys: { pinned: [], knownHosts: null, trustOnFirstUse: false } }),
        "ORIGIN_HOST_UNKNOWN",
        /127\.0\.0\.1/,
      ],
      [
        sshd.settings({
          hostKeys: { pinned: [`SHA256:${"A".repeat(43)}`], knownHosts: null, trustOnFirstUse: false },
        }),
        "ORIGIN_HOST_CHANGED",
        /127\.0\.0\.1/,
      ],
    ];
    const password: typeof cases = withoutUser
      ? []
      : [[{ ...keyless, password: "wrong horse" }, "ORIGIN_LOGIN", /password/i]];
    for (const [origin, code, words] of [...cases, ...password]) {
      const failed = await refusal(place.run({ origin }));
      expect(failed.code, failed.message).toBe(code);
      expect(`${failed.message} ${failed.hint}`).toMatch(words);
      expect(failed.hint).toBeTruthy();
      expect(JSON.stringify([failed.message, failed.hint, failed.details, failed.report])).not.toContain(
        "wrong horse",
      );
      expect((await place.rows()).size).toBe(0);
    }
    const known = { pinned: [], knownHosts: sshd.knownHosts, trustOnFirstUse: false };
    expect(await place.run({ origin: sshd.settings({ hostKeys: known }) })).toMatchObject({ stored: 1 });
  });

  test("that is trusted on first use is remembered, and another key is refused with the way out", async ({
    db,
  }) => {
    await using sshd = await startSshd();
    const place = await importPlace(db, { base: sshd.folder });
    put(sshd.folder, { "s/t/a.png": A });
    const hostKeys = { pinned: [], knownHosts: null, trustOnFirstUse: true };
    const origin = sshd.settings({ hostKeys });
    const first = recorder();
    expect(await place.run({ origin }, first)).toMatchObject({ stored: 1 });
    const notices = first.events.flatMap((event) => (event.kind === "import-notice" ? [event.message] : []));
    expect(notices.join("\n")).toContain("is trusted from now on");
    expect(await db.sql(`select host, port from "${ledgerSchema}".import_hosts`)).toEqual([
      { host: "127.0.0.1", port: sshd.port },
    ]);
    expect(await place.run({ origin })).toMatchObject({ outcome: "done" });
    const later = sshd.settings({ hostKeys: { ...hostKeys, trustOnFirstUse: false } });
    expect(await place.run({ origin: later })).toMatchObject({ outcome: "done" });

    // Somebody else answers there.
    await db.sql(`update "${ledgerSchema}".import_hosts set pin = $1`, [`SHA256:${"A".repeat(43)}`]);
    put(sshd.folder, { "s/t/b.png": B });
    const failed = await refusal(place.run({ origin }));
    expect(failed.code).toBe("ORIGIN_HOST_CHANGED");
    const way = /delete from .*import_hosts where host = '127\.0\.0\.1' and port = \d+;/.exec(
      failed.hint ?? "",
    );
    expect((await place.rows()).size).toBe(1);
    await db.sql(way?.[0] ?? "");
    expect(await place.run({ origin })).toMatchObject({ stored: 1 });
  });
});

describe("folders", () => {
  test("that lead in circles are read once", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A, "s/u/b.png": B });
    symlinkSync("..", join(place.base, "s/t/up"));
    symlinkSync(".", join(place.base, "s/t/self"));
    symlinkSync("loop", join(place.base, "s/t/loop"));
    symlinkSync("../u", join(place.base, "s/t/to-u"));
    symlinkSync("../t", join(place.base, "s/u/to-t"));
    symlinkSync("nowhere.png", join(place.base, "s/t/dangling.png"));
    symlinkSync("a.png", join(place.base, "s/t/link.png"));
    const report = await place.run();
    expect([...(await place.rows()).keys()].sort()).toEqual(["s/t/a.png", "s/t/link.png", "s/u/b.png"]);
    const said = report.warnings.map(({ message }) => message).join("\n");
    for (const name of ["up", "self", "to-u"]) expect(said).toContain(`s/t/${name}`);
    expect(report.outcome).toBe("done");
  });

  test("30 deep are read, and those below the 64th are named", async ({ db }) => {
    const place = await importPlace(db);
    const deep = (depth: number) => Array.from({ length: depth }, (_, n) => `d${n}`).join("/");
    put(place.base, { [`${deep(30)}/a.png`]: A, "s/t/b.png": B });
    expect(await place.run()).toMatchObject({ stored: 2, outcome: "done" });
    put(place.base, { [`${deep(70)}/c.png`]: C });
    const failed = await refusal(place.run());
    expect(failed.code).toBe("IMPORT_INCOMPLETE");
    expect(failed.message).toContain(`1 folder (${deep(65)})`);
    expect((await place.rows()).size).toBe(2);
  });
});

describe("names", () => {
  test("of every kind survive, in rows, in the ledger and in what is said", async ({ db }) => {
    const place = await importPlace(db);
    const names = [
      'it\'s "quoted".png',
      "new\nline.png",
      "tab\there\r.png",
      "back\\slash\\n.png",
      '{braces,"and"}.png',
      "🎨 emoji 👩‍👩‍👧.png",
      "<script>alert(1)<⁄script>.png",
      "\u001b[31mred\u0007.png",
      "%s %d $1 $$ :name ?.png",
      " leading and trailing .png",
      "null.png",
      `${"x".repeat(251)}.png`,
      `${"ü".repeat(125)}.png`,
      "NULL",
      "\\N.png",
      "\u202Egnp.exe.png",
    ];
    const paths = names.map((name) => `<b>shop<⁄b>/tem'plate\n/${name}`);
    const pictures = await Promise.all(paths.map((_, n) => picture(n)));
    put(place.base, Object.fromEntries(paths.map((path, n) => [path, pictures[n] as Buffer])));
    const report = await place.run();
    expect(report).toMatchObject({ stored: names.length, files: { stored: names.length } });
    const rows = await place.rows();
    expect([...rows.keys()].sort()).toEqual([...paths].sort());
    for (const [n, path] of paths.entries())
      expect(rows.get(path)?.file_name).toBe(names[n]?.normalize("NFC"));
    expect(await place.run()).toMatchObject({ stored: 0, bytesRead: 0 });
    const from = join(place.base, paths[1] ?? "");
    renameSync(from, `${from} moved`);
    expect(await place.run()).toMatchObject({ moved: 1, stored: 1 });
    expect((await place.rows()).get(`${paths[1]} moved`)?.id).toBe(rows.get(paths[1] ?? "")?.id);
  });

  test("that are not UTF-8 are in quarantine, files and folders", async ({ db }) => {
    const place = await importPlace(db);
    put(place.base, { "s/t/a.png": A });
    const raw = (...parts: (string | number)[]) =>
      Buffer.concat([
        Buffer.from(`${place.base}/s/`),
        ...parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))),
      ]);
    writeFileSync(raw("t/Gr", 0xfc, 0xdf, "e.png"), B);
    expect(await place.run()).toMatchObject({ stored: 1, files: { stored: 1, quarantined: 1 } });
    const bad = [...(await place.files()).values()].find(({ state }) => state === "quarantined");
    expect(bad).toMatchObject({ code: "FILE_NAME" });
    expect(bad?.reason).toContain("Rename it");
    mkdirSync(raw("M", 0xfc, "ll"));
    writeFileSync(raw("M", 0xfc, "ll/b.png"), B);
    const failed = await refusal(place.run());
    expect(failed).toMatchObject({ code: "IMPORT_INCOMPLETE" });
    expect(failed.message).toContain("s/M\uFFFDll");
  });

  test("longer than an index holds are refused by the database alone, with its reason", async ({ db }) => {
    const place = await importPlace(db);
    // Such a path can only be made bit by bit.
    const random = (n: number) =>
      Array.from({ length: 120 }, (_, at) =>
        ((at * 7919 + n * 104_729) % 46_656).toString(36).padStart(3, "0").slice(-2),
      ).join("");
    const long = Array.from({ length: 13 }, (_, n) => random(n)).join("/");
    put(place.base, { [`${long}/a.png`]: A, "s/t/b.png": B, "s/t/c.png": C });
    expect(Buffer.byteLength(`${long}/a.png`)).toBeGreaterThan(2_704);
    const report = await place.run();
    expect(report).toMatchObject({ outcome: "done", stored: 2, files: { stored: 2, quarantined: 1 } });
    expect(report.troubles).toMatchObject([{ path: `${long}/a.png`, code: "FILE_REFUSED" }]);
    expect(report.troubles[0]?.reason).toMatch(/index row size/);
  });
});

describe("contents", () => {
  test("that are empty, bombs, misnamed or no images have a reason each", async ({ db }) => {
    const place = await importPlace(db, { maxPixels: 100e6 });
    const bomb = await sharp({
      create: { width: 13_100, height: 13_000, channels: 3, background: "#123456" },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(2 ** 21);
    put(place.base, {
      "s/t/empty.png": Buffer.alloc(0),
      "s/t/bomb.png": bomb,
      "s/t/png.jpg": A,
      "s/t/cut.png": A.subarray(0, A.length >> 1),
      "s/t/zeros.png": Buffer.alloc(5_000),
      "s/t/page.png": Buffer.from("<!doctype html><script>alert(1)</script>"),
      "s/t/no ending": B,
      "s/t/hostile.svg": Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="99999999" height="99999999"><rect width="5" height="5"/></svg>`,
      ),
    });
    await place.run();
    const files = await place.files();
    const fate = (name: string) => {
      const { state, code } = files.get(`s/t/${name}`) ?? {};
      return [state, code];
    };
    expect(fate("empty.png")).toEqual(["quarantined", "FILE_EMPTY"]);
    expect(fate("bomb.png")).toEqual(["quarantined", "IMAGE_TOO_LARGE"]);
    expect(fate("cut.png")).toEqual(["quarantined", "IMAGE_BROKEN"]);
    expect(fate("zeros.png")[0]).not.toBe("stored");
    expect(fate("page.png")).toEqual(["unsupported", "IMAGE_UNSUPPORTED"]);
    expect(fate("hostile.svg")).toEqual(["quarantined", "IMAGE_TOO_LARGE"]);
    expect((await place.rows()).get("s/t/png.jpg")?.format).toBe("png");
    expect((await place.rows()).get("s/t/no ending")?.format).toBe("png");
    for (const { state, reason } of files.values()) if (state !== "stored") expect(reason).toBeTruthy();
    expect(files.get("s/t/bomb.png")?.reason).toContain("170 megapixels");
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
