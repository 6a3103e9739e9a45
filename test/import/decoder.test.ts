/** A decoder that ends its process over whatever it is given: the machine's fault, so no file is blamed. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BINARY } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { makeImageTable, picture, put, temporaryFolder } from "../support/import-place.ts";

test("the import ends and says so, and every file is pending still", async ({ db }) => {
  await makeImageTable(db);
  const own = temporaryFolder();
  cpSync(dirname(BINARY), join(own, "dist"), { recursive: true });
  mkdirSync(join(own, "node_modules", "sharp"), { recursive: true });
  const aborts = "process.abort();";
  writeFileSync(join(own, "node_modules", "sharp", "index.js"), aborts);
  const base = temporaryFolder();
  const image = await picture(1);
  // Each its own, or one would do for all.
  const names = Array.from({ length: 30 }, (_, n) => `s/t/${String(n).padStart(2, "0")}.png`);
  put(base, Object.fromEntries(names.map((name, n) => [name, Buffer.concat([image, Buffer.from([n])])])));

  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    const env = { PATH: process.env.PATH, DATABASE_URL: db.url, GODWIT_LEDGER_SCHEMA: ledgerSchema };
    execFile(
      process.execPath,
      [join(own, "dist", "godwit.cjs"), "import", "--from", base],
      { cwd: own, env },
      (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr }),
    );
  });
  expect(stderr).toContain("[IMPORT_WORKERS]");
  expect(stderr).toContain("over each of 20 images in a row");
  expect(code).toBe(1);
  const rows = await db.sql(`select state, code from "${ledgerSchema}".import_files group by 1, 2`);
  expect(rows).toEqual([{ state: "pending", code: null }]);
});
