import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Every point of something: a connection cut before and after each message, a process killed at each, thousands of files. */
const SLOW = [
  "test/cut.test.ts",
  "test/kill.test.ts",
  "test/tools/cut.test.ts",
  "test/backfill/{cut,model}.test.ts",
  "test/wild/run-ends-anywhere.test.ts",
  "test/brands-in-blooms/containers.test.ts",
  "test/package/*.test.ts",
  "test/import/{volume,killed,cut-origin,cut-database}.test.ts",
];
/** They replace a module, so each has a process of its own. */
const APART = ["test/origin/package.test.ts"];
/** Laws about the tree itself. */
const OF_THE_TREE = [
  "test/{architecture,docs,lock-file,project,brands-in-blooms/lines,{systems,wild}/page}.test.ts",
];

/** A limit for what hangs, not a measure of what is slow: machines are shared. */
const limits = { testTimeout: 120_000, hookTimeout: 120_000 };
const onDatabase = {
  ...limits,
  pool: "forks" as const,
  globalSetup: ["test/support/global.ts"],
  setupFiles: ["test/support/watch-processes.ts"],
};

export default defineConfig({
  test: {
    // Most of the time of most tests is spent waiting for servers and processes.
    maxWorkers: Math.max(2, availableParallelism()),
    teardownTimeout: 20_000,
    reporters: ["default"],
    // The longest first: at the end one of them alone would keep all others waiting.
    projects: [
      // Some of them remove whole installed projects, for which a busy disk takes minutes.
      { test: { ...onDatabase, hookTimeout: 240_000, name: "slow", include: [...SLOW, ...APART] } },
      {
        test: {
          ...limits,
          name: "unit",
          pool: "threads",
          isolate: false,
          include: ["src/**/*.test.ts", ...OF_THE_TREE],
          globalSetup: ["test/support/built.ts"],
        },
      },
      {
        test: {
          ...onDatabase,
          name: "database",
          // Each process loads its modules once, not once for each file.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: [...SLOW, ...APART, ...OF_THE_TREE],
        },
      },
    ],
  },
});
