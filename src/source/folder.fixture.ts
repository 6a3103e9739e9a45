/** Real folders for the tests of sources. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { openPlain, type PlainOptions } from "./plain/plain.ts";
import type { Content, Source } from "./source.ts";

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

/** Calls a module's function and gives back what it logged. */
export async function callIn(content: Content): Promise<readonly string[]> {
  if (content.kind !== "module") throw new Error("not a module");
  const logged: string[] = [];
  const never = new AbortController().signal;
  await content.call({
    ask: () => Promise.reject(new Error("there is no database")),
    parameterKinds: () => Promise.reject(new Error("there is no database")),
    execute: () => Promise.reject(new Error("there is no database")),
    late: () => {},
    begun: () => {},
    log: (_, message) => logged.push(message),
    signal: never,
    abandoned: never,
  });
  return logged;
}

export function openFolder(folder: string, options: Partial<PlainOptions> = {}): Source {
  const source = openPlain({ folder, cacheFolder: join(folder, ".cache"), ...options });
  onTestFinished(() => source.close?.());
  return source;
}
