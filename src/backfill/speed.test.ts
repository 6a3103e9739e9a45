import { expect, test } from "vitest";
import { speedOf } from "./speed.ts";

/** After windows of so many rows and milliseconds. */
function after(windows: readonly (readonly [rows: number, ms: number])[]): number {
  let elapsedMs = 0;
  let known: number | null = null;
  for (const [rows, ms] of windows) {
    elapsedMs += ms;
    known = speedOf(known, { rows, ms, elapsedMs });
  }
  return known ?? 0;
}

test("the first windows are small, and say little a moment later", () => {
  const large = Array.from({ length: 8 }, () => [5000, 25] as const);
  expect(after([[100, 5], [1000, 8], ...large])).toBeGreaterThan(180_000);
});

test("a rest that is kept from the second window on counts almost at once", () => {
  const resting = Array.from({ length: 3 }, () => [100, 13_000] as const);
  expect(after([[100, 3000], ...resting])).toBeLessThan(10);
});

test("later a single window changes little", () => {
  const steady = Array.from({ length: 100 }, () => [5000, 500] as const);
  expect(after([...steady, [5000, 1000]])).toBeGreaterThan(9500);
});
