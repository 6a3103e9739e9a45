import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/support/global.ts"],
    pool: "forks",
    // Most of the time of most tests is spent waiting for servers and processes.
    maxWorkers: Math.max(2, availableParallelism()),
    // A limit for what hangs, not a measure of what is slow: machines are shared.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    reporters: ["default"],
  },
});
