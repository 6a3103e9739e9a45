import { expect, test } from "vitest";
import { memoryKbFor, workersFor } from "./workers.ts";

const MB = 128; // pages

test.each([
  [4 * MB, {}, null, 0],
  [8 * MB, { maintenance_work_mem: "1048576" }, null, 1],
  [24 * MB, { maintenance_work_mem: "1048576" }, null, 2],
  [2000 * MB, { maintenance_work_mem: "1048576" }, null, 2],
  [2000 * MB, { maintenance_work_mem: "1048576", max_parallel_maintenance_workers: "8" }, null, 6],
  [2000 * MB, { maintenance_work_mem: "65536" }, null, 1],
  [2000 * MB, { maintenance_work_mem: "16384" }, null, 0],
  [2000 * MB, { maintenance_work_mem: "16384", max_parallel_workers: "1" }, 4, 1],
  [2000 * MB, { maintenance_work_mem: "1048576", max_parallel_maintenance_workers: "0" }, null, 0],
] as const)("an index of %i pages with %j and %s has %i workers", (pages, settings, chosen, workers) => {
  expect(workersFor(pages, settings, chosen)).toBe(workers);
});

test("a part of the rows has the same part of the memory, and at least what the server wants", () => {
  expect(memoryKbFor(0.25, { maintenance_work_mem: "65536" })).toBe(16_384);
  expect(memoryKbFor(0.001, { maintenance_work_mem: "65536" })).toBe(1024);
  expect(memoryKbFor(2, { maintenance_work_mem: "65536" })).toBe(65_536);
});
