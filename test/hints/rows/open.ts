/** Hints that no row follows yet. A hint that gets a row leaves this list. */
export const OPEN: readonly string[] = [
  "assemble/dev.ts refuseOutsideDevelopment: godwit doctor",
  "assemble/dev.ts refuseOutsideDevelopment: godwit up",
  "cli/commands/adopt.ts textOf: godwit adopt --assume",
  "cli/commands/adopt.ts textOf: godwit up --out-of-order",
  "core/checks.ts brokenFile: godwit …",
  "core/revision.ts parse: godwit up",
  "dev/rounds.ts noWayBack: godwit new",
  "images/table.ts openTable: godwit init --import",
  "images/table.ts openTable: godwit up",
  "import/problems.ts command: godwit import … --from …",
  "run/repair.ts refuseSwallowed: godwit up …",
  "run/rollback.ts refuseRollback: godwit import",
  "run/rollback.ts withRest: godwit up",
  "run/step/module-call.ts CORRECT_DOWN: godwit up",
  "source/bundle/freeze.ts scanner: godwit build",
];
