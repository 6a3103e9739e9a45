/** The project's own lint rules find what they are for, and nothing else. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { folderOf } from "./support/target.ts";

const ROOT = resolve(import.meta.dirname, "..");
const BIOME = join(ROOT, "node_modules", "@biomejs", "biome", "bin", "biome");

/** The files of a project with our rules that hold something which a rule of ours refuses. */
function refused(files: Readonly<Record<string, string>>): readonly string[] {
  const { linter, plugins } = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8"));
  const absolute = plugins.map((each: { path: string }) => ({ ...each, path: join(ROOT, each.path) }));
  const config = JSON.stringify({ linter, plugins: absolute });
  const { stdout, stderr } = spawnSync(process.execPath, [BIOME, "lint", "--max-diagnostics=none", "."], {
    cwd: folderOf({ ...files, "biome.json": config }),
    encoding: "utf8",
  });
  return [...(stdout + stderr).matchAll(/^(\S+?):\d+:\d+ plugin/gm)].map(([, path = ""]) => path).sort();
}

test("a test that waits for a length of time is refused", () => {
  const waits = [
    "export const a = new Promise((resolve) => setTimeout(resolve, 100));",
    'import { setTimeout as pause } from "node:timers/promises";\nawait pause(100);',
    'import * as timers from "node:timers/promises";\nawait timers.setTimeout(100);',
    "await delay(100);",
    'await db.sql("select pg_sleep(0.1)");',
    `await db.sql(\`select pg_sleep($\{ms})\`, []);`,
  ];
  const files = (folder: string, end: string) =>
    Object.fromEntries(waits.map((text, index) => [`${folder}/${index}${end}`, `${text}\n`]));
  const tests = { ...files("test/wild", ".test.ts"), ...files("src/core", ".test.ts") };
  expect(refused({ ...tests, ...files("src/core", ".ts") })).toEqual(Object.keys(tests).sort());
});

test("a statement or a module that takes long is not, nor is a turn of the event loop", () => {
  const text = `import { setImmediate as turn } from "node:timers/promises";
const running = connection.query("select pg_sleep(60)");
const folder = folderOf({ "a.js": "setTimeout(() => {}, 100)" });
await turn();
await db.sql("create table a (); select pg_sleep(1)");
`;
  expect(refused({ "test/some.test.ts": text })).toEqual([]);
});
