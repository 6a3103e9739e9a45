/** Very many files, very large ones, and files that are being written: FAILURES of other importers, as they happen over SFTP. */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { importPlace, makeImageTable, picture, put } from "../support/import-place.ts";
import { watchMemory } from "../support/memory.ts";
import { type Sshd, startSshd, withoutSshd } from "../support/sshd.ts";
import { folderOf, recorder } from "../support/target.ts";

const MB = 2 ** 20;

const server = async (): Promise<Sshd> => {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  return sshd;
};

describe.skipIf(withoutSshd)(`memory${withoutSshd ? `: ${withoutSshd}` : ""}`, () => {
  /** The real binary against the server, with a table to import into. */
  const binary = (url: string, sshd: Sshd, env: Readonly<Record<string, string>> = {}) =>
    commandIn({
      folder: folderOf({ key: sshd.privateKey }),
      url,
      env: {
        QNAP_HOST: "127.0.0.1",
        QNAP_PORT: String(sshd.port),
        QNAP_USERNAME: sshd.username,
        QNAP_PRIVATE_KEY: "key",
        QNAP_HOST_KEY: sshd.hostKeyFingerprint,
        NAS_BASE_PATH: sshd.folder,
        ...env,
      },
    });

  test("SYSTEMS 2.4: does not grow with a folder of 100,000 files", { timeout: 180_000 }, async ({ db }) => {
    const sshd = await server();
    await makeImageTable(db);
    const folder = join(sshd.folder, "shop/template");
    mkdirSync(folder, { recursive: true });
    for (let n = 0; n < 100_000; n++) writeFileSync(join(folder, `design ${n}.pdf`), "x");
    put(sshd.folder, { "shop/template/a.png": await picture(1), "shop/template/z.png": await picture(2) });
    const running = binary(db.url, sshd).start("import", "--json");
    const memory = watchMemory(running.child.pid ?? 0);
    const { json } = await running.exits(0);
    const peak = memory.stop();
    expect(json.imports[0]).toMatchObject({
      outcome: "done",
      stored: 2,
      scanned: { files: 100_002 },
      files: { stored: 2, unsupported: 100_000 },
    });
    const counted = `select count(*)::int as n from "${ledgerSchema}".import_files`;
    expect(await db.sql(counted)).toEqual([{ n: 100_002 }]);
    console.log(`100,000 files: at most ${Math.round(peak / MB)} MB in all processes`);
    expect(peak).toBeLessThan(400 * MB);
  });

  test("is shared out by bytes: huge images among tiny ones", { timeout: 180_000 }, async ({ db }) => {
    const sshd = await server();
    await makeImageTable(db);
    const huge = await flat(13_100, 13_000);
    expect(huge.length).toBeLessThan(2 * MB);
    const tiny = await Promise.all(Array.from({ length: 60 }, (_, n) => picture(n)));
    put(sshd.folder, Object.fromEntries(tiny.map((bytes, n) => [`shop/t${n % 7}/${n}.png`, bytes])));
    for (const n of [1, 5]) put(sshd.folder, { [`shop/t${n}/huge.png`]: huge });
    const running = binary(db.url, sshd).start("import", "--json");
    const memory = watchMemory(running.child.pid ?? 0);
    const { json } = await running.exits(0);
    const peak = memory.stop();
    expect(json.imports[0]).toMatchObject({ stored: 62, files: { stored: 62, quarantined: 0 } });
    console.log(
      `2 images of 170 megapixels: at most ${Math.round(peak / MB)} MB in all processes, of 512 MB`,
    );
    expect(peak).toBeLessThan(512 * MB);
  });
});

test("what must be decoded in one piece, and takes more than all the memory, is refused and says so", async ({
  db,
}) => {
  const place = await importPlace(db, { memoryBytes: 70e6 });
  const large = sharp({ create: { width: 5_000, height: 5_000, channels: 3, background: "#804020" } });
  put(place.base, {
    "s/t/in one piece.png": await large.clone().png({ progressive: true }).toBuffer(),
    "s/t/row by row.png": await large.png().toBuffer(),
  });
  expect(await place.run()).toMatchObject({ stored: 1, files: { stored: 1, quarantined: 1 } });
  const { code, reason } = (await place.files()).get("s/t/in one piece.png") ?? {};
  expect(code).toBe("IMAGE_TOO_LARGE");
  expect(reason).toMatch(
    /25 megapixels \(5000 x 5000\) .* in one piece, which takes 8\d MB; 70 MB may be used/,
  );
});

describe.skipIf(withoutSshd)("a file that is being written", () => {
  test("is left for the next run, whole, and holds nothing up", async ({ db }) => {
    const sshd = await server();
    const place = await importPlace(db, { base: sshd.folder, origin: sshd.settings(), settleMs: 150 });
    const [whole, other] = [Buffer.concat([await picture(1), Buffer.alloc(400_000)]), await picture(2)];
    put(sshd.folder, { "s/t/other.png": other });
    const growing = join(sshd.folder, "s/t/growing.png");
    writeFileSync(growing, whole.subarray(0, 100_000));
    let at = 100_000;
    const writer = setInterval(() => {
      appendFileSync(growing, whole.subarray(at, at + 100));
      at += 100;
    }, 10);
    const report = await place.run().finally(() => clearInterval(writer));
    expect(at).toBeLessThan(whole.length);
    expect(report).toMatchObject({ outcome: "done", stored: 1, files: { stored: 1, changing: 1 } });
    expect([...(await place.rows()).keys()]).toEqual(["s/t/other.png"]);
    expect((await place.files()).get("s/t/growing.png")).toMatchObject({
      state: "changing",
      code: "FILE_CHANGED",
    });
    appendFileSync(growing, whole.subarray(at));
    expect(await place.run()).toMatchObject({ stored: 1, files: { stored: 2, changing: 0 } });
    expect((await place.rows()).get("s/t/growing.png")?.sha256).toBe(sha256(whole));
  });

  test("is waited for, if it comes to rest in time", async ({ db }) => {
    const sshd = await server();
    const place = await importPlace(db, { base: sshd.folder, origin: sshd.settings(), settleMs: 2_000 });
    const whole = Buffer.concat([await picture(1), Buffer.alloc(50_000, 1)]);
    put(sshd.folder, { "s/t/other.png": await picture(2) });
    const path = join(sshd.folder, "s/t/new.png");
    writeFileSync(path, whole.subarray(0, 40_000));
    // The rest comes when the import has seen it half.
    const context = recorder((event) => {
      if (
        event.kind === "import-progress" &&
        event.figures.stage === "reading" &&
        statSync(path).size < whole.length
      )
        appendFileSync(path, whole.subarray(40_000));
    });
    expect(await place.run({}, context)).toMatchObject({ stored: 2, files: { stored: 2, changing: 0 } });
    expect((await place.rows()).get("s/t/new.png")?.sha256).toBe(sha256(whole));
  });

  test("is never taken for whole when it is replaced, cut or rewritten meanwhile", async ({ db }) => {
    const place = await importPlace(db, { settleMs: 100 });
    const [a, b] = [await picture(1), await picture(2)];
    const path = join(place.base, "s/t/a.png");
    put(place.base, { "s/t/a.png": a, "s/t/x/new": b });
    let turn = 0;
    // The same size or another one, always another time.
    const writer = setInterval(() => {
      turn++;
      writeFileSync(join(place.base, "s/t/x/new"), turn % 2 === 0 ? a.subarray(0, 30) : b);
      renameSync(join(place.base, "s/t/x/new"), path);
      utimesSync(path, turn, turn);
    }, 5);
    await place.run().finally(() => clearInterval(writer));
    const state = (await place.files()).get("s/t/a.png")?.state;
    // Between two turns of the writer it may have been read whole, as it was then.
    expect(["changing", "stored", "quarantined"]).toContain(state);
    if (state === "stored") expect((await place.rows()).get("s/t/a.png")?.sha256).toBe(sha256(b));
    put(place.base, { "s/t/a.png": a });
    await place.run();
    expect((await place.rows()).get("s/t/a.png")?.sha256).toBe(sha256(a));
  });
});

describe("the same bytes twice", () => {
  test("are one content, and what became of one file is nothing to the other", async ({ db }) => {
    const place = await importPlace(db, { batched: false });
    const [good, other] = [await picture(1), await picture(2)];
    put(place.base, {
      "s/t/1 refused.png": good,
      "s/t/2 good.png": good,
      "s/t/3 again.jpg": good,
      "s/t/4 by its name.pdf": good,
      "s/t/5 other.png": other,
    });
    writeFileSync(
      Buffer.concat([Buffer.from(join(place.base, "s/t/6 ")), Buffer.from([0xe4]), Buffer.from(".png")]),
      good,
    );
    await db.sql("alter table design_images add constraint no check (file_name not like '1 %')");
    const report = await place.run();
    expect(report).toMatchObject({
      stored: 3,
      moved: 0,
      files: { stored: 3, quarantined: 2, unsupported: 1 },
    });
    expect([...(await place.rows()).keys()]).toEqual([
      "s/t/2 good.png",
      "s/t/3 again.jpg",
      "s/t/5 other.png",
    ]);
    const contents = `select count(*)::int as n from "${ledgerSchema}".import_contents`;
    expect(await db.sql(contents)).toEqual([{ n: 2 }]);
    // The good one goes, and the refused one is not taken for it.
    rmSync(join(place.base, "s/t/2 good.png"));
    await place.run();
    expect((await place.rows()).get("s/t/2 good.png")?.state).toBe("missing");
    expect((await place.files()).get("s/t/1 refused.png")?.code).toBe("FILE_REFUSED");
    expect((await place.rows()).get("s/t/3 again.jpg")?.state).toBe("present");
  });
});

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** An image of many pixels and few bytes, with something to see on it. */
async function flat(width: number, height: number): Promise<Buffer> {
  const ink = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: "#204080" } })
    .png()
    .toBuffer();
  return sharp({ create: { width, height, channels: 3, background: "#f0f0e0" }, limitInputPixels: false })
    .composite([{ input: ink, left: 1000, top: 2000 }])
    .png({ compressionLevel: 9 })
    .toBuffer();
}
