import { expect, test } from "vitest";
import { halfOf, mostRows, nextRows } from "./pace.ts";

const windows = { targetMs: 500, minRows: 100, maxRows: 50_000, isAlone: false };

/** The windows of a table that does so many rows in a millisecond. */
function walk(rowsPerMs: (rows: number) => number, count: number): number[] {
  const sizes = [windows.minRows];
  while (sizes.length < count) {
    const rows = sizes.at(-1) ?? 0;
    sizes.push(nextRows(windows, { rows, tookMs: rows / rowsPerMs(rows) }));
  }
  return sizes;
}

test("windows grow from the smallest to the one that takes the target, and never beyond", () => {
  const sizes = walk(() => 40, 20);
  expect(sizes[1]).toBeLessThanOrEqual(1000);
  expect(sizes.every((rows) => rows / 40 <= windows.targetMs)).toBe(true);
  expect(sizes.at(-1)).toBeGreaterThan(0.95 * 40 * windows.targetMs);
});

test("a window holds a small share of its table", () => {
  const most = (isAlone: boolean) =>
    [null, 0, 300_000, 10_000_000, 1e9].map((rows) => mostRows(rows, { isAlone }));
  expect(most(false)).toEqual([200_000, 5000, 5000, 50_000, 200_000]);
  expect(most(true)).toEqual([200_000, 20_000, 20_000, 200_000, 200_000]);
});

test("where nobody else works, the second window has what the first one says that it may have", () => {
  const alone = { ...windows, isAlone: true };
  expect(nextRows(alone, { rows: 100, tookMs: 5 })).toBe(10_000);
  expect(nextRows(alone, { rows: 100, tookMs: 200 })).toBe(250);
  expect(nextRows(alone, { rows: 100, tookMs: 5_000 })).toBe(100);
});

test("a window that took too long is followed by one that would not", () => {
  expect(nextRows(windows, { rows: 20_000, tookMs: 5_000 })).toBe(2_000);
});

test("they stay between the limits, whatever the clock says", () => {
  expect(nextRows(windows, { rows: 100, tookMs: 0 })).toBe(1000);
  expect(nextRows(windows, { rows: 50_000, tookMs: 0 })).toBe(50_000);
  expect(nextRows(windows, { rows: 200, tookMs: 1e9 })).toBe(100);
  expect([halfOf(7), halfOf(2), halfOf(1)]).toEqual([3, 1, 0]);
});
