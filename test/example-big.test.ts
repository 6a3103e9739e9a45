/** `npm run example:big`: CraftFlow's migrations on many times its rows. Here they are few. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../scripts/fresh.mjs";
import { folderOf } from "./support/target.ts";

const SCRIPT = join(root, "scripts", "example-big.mjs");

test("the big example makes its rows, migrates them and checks each", { timeout: 120_000 }, () => {
  const folder = join(folderOf({}), "big");
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, "7", folder], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, DATABASE_URL: "postgres://nobody@127.0.0.1:9/nothing" },
  });
  expect(stdout, stderr).toContain("All rows are as they should be");
  expect(stdout).toContain("Making 18,060 rows");
  expect(status).toBe(0);
});

test("a number that is none is refused, and nothing is made", () => {
  for (const wrong of ["0", "many", "-3"]) {
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT, wrong], { encoding: "utf8" });
    expect([status, stderr]).toEqual([
      2,
      "How many times its rows? A whole number: npm run example:big -- 50\n",
    ]);
  }
});
