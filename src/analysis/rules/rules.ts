/** The table of our own rules. The docs are made from it. */
import { destructiveOutsideContract, noWayBack, renameInPlace } from "./destructive.ts";
import { applicationImport, duplicateNumber, idInFuture } from "./files.ts";
import {
  columnTypeChange,
  indexWithoutConcurrently,
  notNullWithoutCheck,
  requiredColumn,
  severalHotTables,
} from "./locks.ts";
import { newerServer } from "./newer-server.ts";
import { offsetLoop, updateWithoutWhere } from "./rows.ts";
import type { Rule } from "./rule.ts";
import { searchPathLeak } from "./search-path.ts";
import {
  enumValueMixed,
  enumValueUsed,
  mixedTransaction,
  needlessNoTransaction,
  outsideInTransaction,
} from "./transaction.ts";

export const RULES: readonly Rule[] = [
  outsideInTransaction,
  mixedTransaction,
  needlessNoTransaction,
  enumValueUsed,
  enumValueMixed,
  destructiveOutsideContract,
  renameInPlace,
  noWayBack,
  severalHotTables,
  indexWithoutConcurrently,
  notNullWithoutCheck,
  requiredColumn,
  columnTypeChange,
  updateWithoutWhere,
  offsetLoop,
  searchPathLeak,
  newerServer,
  idInFuture,
  duplicateNumber,
  applicationImport,
];

/** What is found without a rule of its own: its id, its level and what it says. */
export const REMARKS = [
  { id: "broken-file", level: "error", what: "A file cannot be run, so an `up` would stop." },
  { id: "file-note", level: "warning", what: "What an `up` would say of a file, and run it." },
  { id: "waiver-reason", level: "error", what: "A `lint-ignore` gives no reason, and counts for nothing." },
  { id: "waiver-unknown", level: "error", what: "A `lint-ignore` names a rule that does not exist." },
  { id: "waiver-unused", level: "warning", what: "A `lint-ignore` takes nothing out." },
] as const;
