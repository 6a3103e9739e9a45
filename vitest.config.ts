import { availableParallelism } from "node:os";
import { relative, sep } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

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
/** They take minutes, the longest first: what is begun last keeps one worker busy while the others have nothing left to do. */
const LONGEST = [
  "test/backfill/cut.test.ts",
  "test/cut.test.ts",
  "test/hints/every-hint.test.ts",
  "test/diff/dump.test.ts",
  "test/package/guide.test.ts",
  "test/kill.test.ts",
  "test/tools/cut.test.ts",
  "test/doors/imports.test.ts",
  "test/doors/same-foresight.test.ts",
  "test/dev/drafts.test.ts",
  "test/rehearsal/folder-test.test.ts",
  "test/schema/drift.test.ts",
  "test/wild/run-ends-anywhere.test.ts",
  "test/beside/table.test.ts",
  "test/service/matrix.test.ts",
];

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

/** They replace a module, so each has a process of its own. */
const APART = ["test/origin/package.test.ts"];
/** Laws about the tree itself. */
const OF_THE_TREE = [
  "test/{architecture,words,docs,lock-file,project,brands-in-blooms/lines,{systems,wild}/page}.test.ts",
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
