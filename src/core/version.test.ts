import { expect, test } from "vitest";
import { migration } from "./fixtures.ts";
import { sharesTimestamp, sharesVersion } from "./version.ts";

const of = (id: string, version?: string) =>
  migration(id, version === undefined ? {} : { tool: { version, checksums: [] } });

test.for([
  ["0020_b", undefined, "20_renamed"],
  ["20_b", "20", "20_renamed"],
  ["20-b", undefined, "0020-renamed"],
  ["V1_2__a", "1.2", "V1.2__b"],
  ["2024-01-01-000001_a", undefined, "20240101000001_b"],
] as const)("%s (%s) and %s are of one version", ([id, version, other]) => {
  expect(sharesVersion(of(id, version), other)).toBe(true);
});

test.for([
  ["0020_b", undefined, "0021_b"],
  // Its version is the whole name.
  ["1700000000000_a", "1700000000000_a", "1700000000000_b"],
  // Two of one day.
  ["2024-01-01-a", undefined, "2024-01-01-b"],
  // Ids of Alembic.
  ["27c6a30d7c24", undefined, "27ab90d17c11"],
  ["users", undefined, "shops"],
] as const)("%s (%s) and %s are not", ([id, version, other]) => {
  expect(sharesVersion(of(id, version), other)).toBe(false);
});

test("a time stamp to the minute is nobody else's", () => {
  expect(sharesTimestamp("1700000000000_a", "1700000000000_b")).toBe(true);
  expect(sharesTimestamp("20240101_a", "20240101_b")).toBe(false);
  expect(sharesTimestamp("27c6a30d7c24", "27c6a30d7c24")).toBe(false);
});
