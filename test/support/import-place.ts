/** An origin folder, a table for its images in the test's database, and the import between them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { onTestFinished } from "vitest";
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import { DEFAULT_COLUMNS } from "../../src/images/table.ts";
import type { ImportReport } from "../../src/import/report.ts";
import type { ImportSettings } from "../../src/import/settings.ts";
import { runImport } from "../../src/run/import.ts";
import { ledgerSchema, type TestDatabase } from "./database.ts";
import { type Recorder, recorder, targetOf } from "./target.ts";

export interface ImageRow {
  readonly id: string;
  readonly shop_name: string | null;
  readonly template_name: string | null;
  readonly file_name: string;
  readonly file_path: string;
  readonly sha256: string;
  readonly phash: string;
  readonly phash_256: string;
  readonly phash_visual: string;
  readonly phash_white: string | null;
  readonly hash_size: number;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  readonly state: string;
}

export interface FileRow {
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
  readonly reason: string | null;
}

export interface ImportPlace {
  readonly base: string;
  run(changes?: Partial<ImportSettings>, context?: Recorder): Promise<ImportReport>;
  /** By path. */
  rows(): Promise<Map<string, ImageRow>>;
  files(): Promise<Map<string, FileRow>>;
}

/** Long ago, so that nothing looks as if it were still being written. */
export const LONG_AGO = new Date(Date.UTC(2021, 5, 1, 12));

export function settingsOf(base: string, changes: Partial<ImportSettings> = {}): ImportSettings {
  return {
    name: "nas",
    origin: { kind: "directory", base },
    description: base,
    originFrom: "imports.nas.from",
    command: ["godwit", "import", "nas"],
    pattern: "<shop>/<template>/<file>",
    exclude: [],
    table: { name: "design_images", columns: DEFAULT_COLUMNS },
    batched: true,
    batchBytes: 500e6,
    workers: 1,
    hashSize: 8,
    maxPixels: 400e6,
    memoryBytes: 512e6,
    settleMs: 0,
    patienceMs: 1_000,
    fileTimeoutMs: 60_000,
    ...changes,
  };
}

export async function importPlace(
  db: TestDatabase,
  { base = temporaryFolder(), ...always }: Partial<ImportSettings> & { base?: string } = {},
): Promise<ImportPlace> {
  await makeImageTable(db);
  const target = targetOf({ url: db.url, folder: temporaryFolder() });
  return {
    base,
    run: (changes = {}, context = recorder()) => {
      const settings = settingsOf(base, { ...always, ...changes });
      return runImport(target, { name: settings.name, settings }, context);
    },
    rows: async () => {
      const rows = await db.sql<ImageRow>("select i.*, i.id::text as id from design_images i order by i.id");
      return new Map(rows.map((row) => [row.file_path, row]));
    },
    files: async () => {
      const rows = await db.sql<FileRow & { path: string }>(
        `select path, id::text as id, state, code, reason from "${ledgerSchema}".import_files order by path collate "C"`,
      );
      return new Map(rows.map(({ path, ...row }) => [path, row]));
    },
  };
}

/** The table that `godwit init --import` has a migration for. */
export async function makeImageTable(db: TestDatabase): Promise<void> {
  await db.sql(IMAGE_TABLE.split("-- migrate:down")[0] ?? "");
}

/** As if nothing had ever been imported. */
export async function forgetImports(db: TestDatabase): Promise<void> {
  const rows = await db.sql<{ name: string }>(IMPORT_TABLES, [ledgerSchema]);
  await db.sql(`truncate ${rows.map(({ name }) => name).join(", ")}, design_images restart identity cascade`);
}

const IMPORT_TABLES = `select format('%I.%I', schemaname, tablename) as name from pg_tables
  where schemaname = $1 and (tablename like 'import%' or tablename like 'duplicate%')`;

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-import-"));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files with a date long ago; a file's folders are made. */
export function put(base: string, files: Readonly<Record<string, Buffer>>, at = LONG_AGO): void {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), bytes);
    utimesSync(join(base, path), at, at);
  }
}

/** A small PNG that no other number gives. */
export async function picture(number: number): Promise<Buffer> {
  let state = (number * 2_654_435_761 + 1) >>> 0;
  const pixels = Buffer.from(
    Array.from({ length: 8 * 8 * 3 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
  return sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(64, 64, { kernel: "nearest" })
    .png()
    .toBuffer();
}

export function bitsBetween(left: string, right: string): number {
  let differing = BigInt(`0x${left}`) ^ BigInt(`0x${right}`);
  let bits = 0;
  for (; differing > 0n; differing >>= 1n) bits += Number(differing & 1n);
  return bits;
}
