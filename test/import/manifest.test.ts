/** What the import makes of a whole NAS, held against what the folder's manifest says of every file. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { makeNas, type NasManifest } from "../../scripts/nas.mjs";
import { expect, test } from "../support/database.ts";
import { bitsBetween, forgetImports, type ImageRow, importPlace } from "../support/import-place.ts";
import { type Sshd, startSshd, withoutSshd } from "../support/sshd.ts";
import { recorder } from "../support/target.ts";

const DESIGNS = 60;
const PIXELS = 320;

let scratch: string;
let base: string;
let manifest: NasManifest;
let sshd: Sshd | undefined;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "godwit-manifest-"));
  base = join(scratch, "nas");
  manifest = await makeNas(base, { designs: DESIGNS, pixels: PIXELS, copies: 0.5 });
  if (!withoutSshd) {
    sshd = await startSshd();
    cpSync(base, sshd.folder, { recursive: true, preserveTimestamps: true });
  }
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** What must be the same whichever way the files came. */
const COMPARED = `select to_jsonb(i) - 'id' - 'created_at' as row from design_images i order by file_path collate "C"`;

describe("a whole NAS", () => {
  test("every file has the fate that the manifest says, and every row is that of its file", async ({
    db,
  }) => {
    const place = await importPlace(db, { base, workers: 2 });
    const report = await place.run();
    const [files, rows] = [await place.files(), await place.rows()];
    for (const { path, fate, sha256 } of manifest.files) {
      expect(files.get(path)?.state ?? "none", path).toBe(
        fate === "ignored" || fate === "outside" ? "none" : fate,
      );
      expect(rows.has(path), path).toBe(fate === "stored");
      if (fate === "stored") expect(rows.get(path)?.sha256, path).toBe(sha256);
    }
    const stored = manifest.files.filter(({ fate }) => fate === "stored");
    expect(rows.size).toBe(stored.length);
    expect(files.size).toBe(manifest.files.filter(({ fate }) => !/ignored|outside/.test(fate)).length);
    expect(report).toMatchObject({ outcome: "done", stored: stored.length, moved: 0, restored: 0 });
    expect(report.scanned.outside).toBe(manifest.files.filter(({ fate }) => fate === "outside").length);
    expect(report.warnings).toContainEqual(expect.objectContaining({ code: "IMPORT_OUTSIDE_PATTERN" }));
    for (const { code, reason } of files.values()) expect(code === null).toBe(reason === null);
  });

  test("names are composed in their columns, and the path keeps every byte", async ({ db }) => {
    const place = await importPlace(db, { base, workers: 2 });
    await place.run();
    const rows = await place.rows();
    let decomposed = 0;
    for (const { path, fate } of manifest.files) {
      if (fate !== "stored") continue;
      if (path !== path.normalize("NFC")) decomposed++;
      const [shop, template, ...rest] = path.normalize("NFC").split("/");
      const row = rows.get(path);
      expect([row?.shop_name, row?.template_name, row?.file_name], path).toEqual([
        shop,
        template,
        rest.at(-1),
      ]);
    }
    expect(decomposed).toBeGreaterThan(3);
    const nested = manifest.files.filter(({ path, fate }) => fate === "stored" && path.split("/").length > 3);
    expect(nested.length).toBeGreaterThan(0);
  });

  test("exact copies share their content, the others look the same within 8 bits", async ({ db }) => {
    const place = await importPlace(db, { base, workers: 2 });
    await place.run();
    const rows = await place.rows();
    const seen = new Set<string>();
    for (const { path, of, how, fate } of manifest.files) {
      if (fate !== "stored" || of === null) continue;
      const [copy, original] = [rows.get(path), rows.get(of)] as [ImageRow, ImageRow];
      if (how === "exact") expect(copy.sha256, path).toBe(original.sha256);
      else expect(copy.sha256, path).not.toBe(original.sha256);
      const distances = [bitsBetween(copy.phash_visual, original.phash_visual), onWhite(copy, original)];
      expect(Math.min(...distances), `${how}: ${path}`).toBeLessThanOrEqual(8);
      seen.add(String(how));
    }
    expect([...seen].sort()).toEqual(["exact", "jpeg", "lossless", "resized50", "resized75", "webp"]);
  });

  test("one file at a time gives the same rows, in the order of paths", async ({ db }) => {
    const place = await importPlace(db, { base, workers: 2 });
    await place.run();
    const batched = await db.sql(COMPARED);
    await forgetImports(db);
    const context = recorder();
    await place.run({ batched: false, workers: 4, batchBytes: 100_000 }, context);
    expect(await db.sql(COMPARED)).toEqual(batched);
    const paths = [...(await place.rows()).keys()];
    expect(paths).toEqual([...paths].sort((left, right) => Buffer.compare(bytes(left), bytes(right))));
    const figures = context.events.flatMap((event) =>
      event.kind === "import-progress" ? [event.figures] : [],
    );
    for (const { workers } of figures) {
      expect(workers.length).toBeLessThanOrEqual(1);
      for (const { paths: inHand } of workers) expect(inHand.length).toBeLessThanOrEqual(1);
    }
    expect(figures.at(-1)?.batches.total).toBeGreaterThan(1);
  });

  test.skipIf(withoutSshd)("SFTP and a folder give the same rows", async ({ db }) => {
    const place = await importPlace(db, { base, workers: 2 });
    await place.run();
    const fromFolder = await db.sql(COMPARED);
    const states = await place.files();
    await forgetImports(db);
    await place.run({ origin: (sshd as Sshd).settings() });
    expect(await db.sql(COMPARED)).toEqual(fromFolder);
    // Which words libvips finds for a broken file depends on what else it decodes at that moment.
    const verdicts = (files: typeof states) =>
      [...files].map(([path, { state, code }]) => [path, state, code]);
    expect(verdicts(await place.files())).toEqual(verdicts(states));
  });
});

function onWhite(left: ImageRow, right: ImageRow): number {
  const hash = (row: ImageRow) => row.phash_white ?? row.phash_visual;
  return bitsBetween(hash(left), hash(right));
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}
