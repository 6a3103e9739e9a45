import { describe, expect, test } from "vitest";
import { readBackfill } from "./backfill.ts";

const GOOD = { table: "products", set: { hits: "hits + 1" }, probe: "select 1" };

/** Values that `String` would make a good word of, or that look like numbers. */
const BAD: readonly (readonly [name: string, value: unknown])[] = [
  ...["007%", " 5%", "5 %", "1e1%", "5.5%", "Infinity"].map((word) => ["share", word] as const),
  ["share", ["5%"]],
  ["share", 0.05],
  ["maxLag", ["5s"]],
  ["maxLag", "05s"],
  ["maxLag", "1e1s"],
  ["maxLag", Number.POSITIVE_INFINITY],
  ["maxWal", ["50MB"]],
  ["maxWal", "0050MB"],
  ["maxWal", Number.POSITIVE_INFINITY],
  ["probeLimit", ["50ms"]],
  ["probeLimit", "050ms"],
  ["probe", ["select 1"]],
  ["probe", null],
  ["probe", 1],
  ["approve", ["yes"]],
  ["approve", null],
  ["undo", ["30d"]],
  ["undo", "030d"],
  ["triggers", ["skip"]],
  ["background", ["yes"]],
  ["throttle", ["on"]],
  ["window", ["500ms"]],
  ["window", "0500ms"],
  ["window", Number.NaN],
  ["minRows", ["10"]],
  ["minRows", "010"],
  ["minRows", 1e21],
  ["minRows", 1.5],
  ["maxRows", ["1000"]],
  ["maxRows", "1e3"],
  ["maxRows", Number.POSITIVE_INFINITY],
  ["parallel", ["2"]],
  ["parallel", "02"],
  ["parallel", 2.5],
];

describe("a value that cannot be used", () => {
  test.for(BAD)("%s of %j is one error", ([name, value]) => {
    const { backfill, problems } = readBackfill({ ...GOOD, minRows: 50, [name]: value }, "0001_a.ts");
    expect(backfill).toBeNull();
    expect(problems.map(({ message }) => message)).toEqual([
      `0001_a.ts declares \`${name}\` with a value that cannot be used.`,
    ]);
  });
});

test("words, numbers and truths are read", () => {
  const values = {
    share: "5%",
    maxLag: 5,
    undo: true,
    approve: "yes",
    maxRows: "100",
    parallel: 2,
    window: 0.5,
  };
  const { backfill, problems } = readBackfill({ ...GOOD, ...values }, "0001_a.ts");
  expect(problems).toEqual([]);
  expect(backfill).toMatchObject({
    ...{ parallel: 2, windows: { targetMs: 500, maxRows: 100 } },
    options: { share: 0.05, maxLagMs: 5000, undo: { keepMs: null }, approve: true, probe: "select 1" },
  });
});
