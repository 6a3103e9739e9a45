/** The forms of a step. A new form is one file that carries it out, and one row here. */
import { noTransactionMarker } from "../../source/layouts/no-transaction.ts";
import { runBackfill } from "./backfill/backfill.ts";
import { refuseHalfBack, refuseHalfDone } from "./backfill/half-done.ts";
import { examineBackfill } from "./backfill/outlook.ts";
import { runUndo } from "./backfill/undo.ts";
import type { StepContext, StepOutcome } from "./context.ts";
import { runModule } from "./module.ts";
import { callModule } from "./module-call.ts";
import type { Form, Prepared } from "./prepared.ts";
import {
  refuseBackfill,
  refuseModuleOutside,
  refuseProgram,
  refuseUndo,
  renderModule,
  renderStatements,
  renderTransaction,
} from "./render.ts";
import { refuseAny, refuseStatements, refuseUnlessIdempotent } from "./resume.ts";
import { runStatements } from "./statements.ts";
import { runTransactions, tryText } from "./transactions.ts";

export const FORMS = {
  /** The text runs in one transaction. */
  transaction: {
    transactional: true,
    sends: "whole",
    run: runTransactions,
    try: tryText,
    examine: null,
    render: renderTransaction,
    refuseResume: refuseAny,
    advise: noTransactionMarker,
  },
  /** The text runs statement by statement, each in its own transaction or in none. */
  statements: {
    transactional: false,
    sends: "statements",
    run: oneByOne(runStatements),
    try: null,
    examine: null,
    render: renderStatements,
    refuseResume: refuseStatements,
    advise: noTransactionMarker,
  },
  /** A function runs in one transaction. */
  module: {
    transactional: true,
    sends: "calls",
    run: oneByOne(runModule),
    try: callModule,
    examine: null,
    render: renderModule,
    refuseResume: refuseAny,
    advise: declareOutside,
  },
  /** A function begins and commits its own transactions. */
  "module-outside": {
    transactional: false,
    sends: "calls",
    run: oneByOne(runModule),
    try: null,
    examine: null,
    render: refuseModuleOutside,
    refuseResume: refuseUnlessIdempotent,
    advise: declareOutside,
  },
  /** One statement runs for each window of a table, in a transaction of its own. */
  backfill: {
    transactional: false,
    sends: "windows",
    run: oneByOne(runBackfill),
    try: null,
    examine: examineBackfill,
    render: refuseBackfill,
    refuseResume: refuseHalfDone,
    advise: () => null,
  },
  /** The old values that a backfill has kept come back, in windows too. */
  undo: {
    transactional: false,
    sends: "windows",
    run: oneByOne(runUndo),
    try: null,
    examine: null,
    render: refuseUndo,
    refuseResume: refuseHalfBack,
    advise: () => null,
  },
  /** A program of the user's does what it does, in sessions of its own. */
  program: {
    transactional: false,
    sends: "program",
    run: oneByOne(runModule),
    try: null,
    examine: null,
    render: refuseProgram,
    refuseResume: refuseAny,
    advise: () => null,
  },
} as const satisfies Readonly<Record<string, Form>>;

function declareOutside(): string {
  return "declare the module with transaction: false";
}

/** Makes a runner of consecutive steps from one that runs a single step. */
function oneByOne(
  run: (context: StepContext, prepared: Prepared, index: number) => Promise<StepOutcome>,
): Form["run"] {
  return async (context, [prepared], index, onDone) => {
    if (prepared === undefined) return { done: 0, failed: null };
    const outcome = await run(context, prepared, index);
    if (!outcome.ok) return { done: 0, failed: { prepared, outcome } };
    onDone(outcome.report);
    return { done: 1, failed: null };
  };
}
