/** Which tests belong to which project, and which begin first. `vitest.config.ts` uses these lists. */

/** Every point of something: a connection cut before and after each message, a process killed at each, thousands of files. */
export const SLOW = [
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
export const LONGEST = [
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
  "test/import/killed.test.ts",
  "test/import/cut-origin.test.ts",
  "test/bounded/user-code.test.ts",
  "test/package/types.test.ts",
  "test/import/volume.test.ts",
  "test/import/together.test.ts",
  "test/import/cut-database.test.ts",
];

/** They replace a module, so each has a process of its own. */
export const APART = ["test/origin/package.test.ts"];
/** Laws about the tree itself. */
export const OF_THE_TREE = [
  "test/{architecture,docs,lock-file,project,brands-in-blooms/lines,{systems,wild}/page}.test.ts",
];
