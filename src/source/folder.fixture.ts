/** Real folders for the tests of sources. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { openPlain, type PlainOptions } from "./plain.ts";
import type { Source } from "./source.ts";

/** A temporary folder with these files, removed when the test is over. */
export function createFolder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-source-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export const nativeImport = createRequire(import.meta.url)("./native-import.fixture.cjs") as (
  url: string,
) => Promise<unknown>;

export function openFolder(folder: string, options: Partial<PlainOptions> = {}): Source {
  return openPlain({ folder, cacheFolder: join(folder, ".cache"), importModule: nativeImport, ...options });
}
