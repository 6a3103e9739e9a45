import { availableParallelism } from "node:os";
import { relative, sep } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { APART, LONGEST, OF_THE_TREE, SLOW } from "./test/support/lists.ts";

/** Without a list, whole projects come one after the other, and files by their size. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.indexOf(relative(import.meta.dirname, moduleId).replaceAll(sep, "/"));
      return at === -1 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

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
    // Tests wait for servers and processes: two workers leave a fifth of two cores idle.
    maxWorkers: Math.max(3, availableParallelism()),
    teardownTimeout: 20_000,
    reporters: ["default"],
    sequence: { sequencer: LongestFirst },
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
