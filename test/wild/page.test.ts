/** `docs/internals/wild.md`: each test that a row names is there, and of the failures of a deployment, and of a backfill, none is left out. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";

const rows = readFileSync(join(root, "docs", "internals", "wild.md"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const [, number, tests = ""] = /^\| (\d+) \| ([^|]+) \|/.exec(line) ?? [];
    return number === undefined ? [] : [{ number: Number(number), tests }];
  });

test("every test that a row names is there", () => {
  const missing = rows.flatMap(({ number, tests }) => {
    const names = [...tests.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    if (names.length === 0) return [`${number} names none`];
    const files = names.map((name) => (name.endsWith(".test.ts") ? name : `${name}.test.ts`));
    return files
      .filter((file) => !existsSync(join(root, "test", "wild", file)))
      .map((file) => `${number} ${file}`);
  });
  expect(missing).toEqual([]);
});

test("41 to 48, of deployments, and 53 to 62, of backfills, are all there, in order", () => {
  const numbers = rows.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(numbers).toEqual(expect.arrayContaining([41, 42, 43, 44, 45, 46, 47, 48]));
  expect(numbers).toEqual(expect.arrayContaining([53, 54, 55, 56, 57, 58, 59, 60, 61, 62]));
});
