/** Hints that another test follows: their situation needs more than a folder, a database and one command. */
interface Elsewhere {
  readonly file: string;
  readonly title: string;
}

const beside = (file: string, title: string): Elsewhere => ({ file: `test/beside/${file}.test.ts`, title });
const rollback = (file: string, title: string): Elsewhere => ({
  file: `test/rollback/${file}.test.ts`,
  title,
});
const dev = (file: string, title: string): Elsewhere => ({ file: `test/dev/${file}.test.ts`, title });
const WORDS: Elsewhere = {
  file: "test/hints/other-words.test.ts",
  title: "the answer to the word of another tool",
};
const drift = (title: string): Elsewhere => ({ file: "test/schema/drift.test.ts", title });
const NO_DRIFT = drift(
  "--require-no-drift stops before anything is done, and goes on once the drift is accepted",
);
const WARNED = drift("up warns of drift before it begins, and it is drift until it is undone or accepted");
const NO_SNAPSHOT = drift(
  "without a snapshot, or with one from before the last migration, nothing is guessed",
);
const RISKY: Elsewhere = {
  file: "test/prediction/risk.test.ts",
  title: "refuses before the first step, also by variable and in the library, and its hint leads on",
};
const KEPT: Elsewhere = {
  file: "test/backfill/undo.test.ts",
  title: "what its refusals advise leads on",
};
const HALF: Elsewhere = {
  file: "test/backfill/undo.test.ts",
  title: "where a half of it is in the way, that is advised, and leads on",
};
const FEWER: Elsewhere = {
  file: "test/backfill/accepted.test.ts",
  title: "that sets other columns is refused, and the way out ends",
};
const EARLIER: Elsewhere = {
  file: "test/backfill/accepted.test.ts",
  title: "old values of an attempt that the ledger has forgotten are named, and come back",
};
const LOST_VALUES = {
  file: "test/backfill/lost.test.ts",
  title: "in the middle of a way back stop it, and each way out ends",
};
const DECLARED: Elsewhere = {
  file: "test/backfill/declared.test.ts",
  title: "`repair --retry` of it names the rows that are taken back, and what it advises takes all back",
};
const AWAITED: Elsewhere = {
  file: "test/backfill/control.test.ts",
  title: "a plan says for which word of a person it waits, and each leads on",
};
const OTHER_TABLE: Elsewhere = {
  file: "test/backfill/other-table.test.ts",
  title: "a way back does not go on in another table of that name, and says how it ends",
};
const ASKED: Elsewhere = {
  file: "test/health/ask.test.ts",
  title: "health that nobody answers: the service of the hint is started with the same option, and answers",
};
const SECOND = "a second godwit dev says who has the folder, and the first goes on";
const RESET = "--reset makes the database anew, and only if its name is confirmed";
const MEANWHILE = "takes nothing back if somebody has applied more on top of it meanwhile";
const EMPTIED = "what was taken back there is asked about, and not written again";
const PROGRAM = "what never had a file is not to be renamed back to the name of its tool";
const FUNCTION =
  "a function that is missing, of another version, or may not be called; and the file that mends it";
const ANEW = "generated anew under the same tag: said, and the way out ends (%s)";

const LINT: Elsewhere = {
  file: "test/analysis/lint.test.ts",
  title: "what its hints name: the list of rules, and a version",
};

export const ELSEWHERE: Readonly<Record<string, Elsewhere>> = {
  "run/test-schema.ts schemaProblem: godwit test … --json": {
    file: "test/rehearsal/folder-test.test.ts",
    title: "what does not come back equal, or not twice, is named; what has no way back is said",
  },
  // Each needs nothing but a folder with one migration.
  "analysis/waived.ts Waived: godwit lint --rules": LINT,
  "assemble/lint.ts refuseUnknownRules: godwit lint --rules": LINT,
  "cli/commands/lint.ts versionOf: godwit lint --postgres-version 17": LINT,
  // Sqitch makes ids of its own from a plan.
  "run/adopt/problems.ts otherId: godwit repair --mark-done …": beside(
    "other-id",
    "edited after it was adopted: refused as what it is, and the way out ends",
  ),
  // A run that waits while its backfill is paused.
  "cli/output/backfill-progress.ts createBackfillProgress: godwit backfill resume …": {
    file: "test/backfill/control.test.ts",
    title: "the command says once that it waits, with the command that resumes it",
  },
  // A memory that was emptied, beside dbmate.
  "run/adopt/problems.ts unremembered: godwit repair --mark-done …": beside("forgotten", EMPTIED),
  "run/adopt/problems.ts unremembered: godwit repair --forget …": beside("forgotten", EMPTIED),
  "run/adopt/problems.ts unremembered: godwit baseline …": beside(
    "forgotten",
    "all of it may be declared at once",
  ),
  // A number that another tool has moved.
  "run/repair.ts refuseSwallowed: godwit repair --forget …": beside(
    "swallowed",
    "--mark-done 3 is refused until somebody has said what became of 2",
  ),
  "run/repair.ts refuseSwallowed: godwit repair --mark-done …": beside(
    "swallowed",
    "one after the other, or all at once, they are marked",
  ),
  "run/repair.ts refuseSwallowed: godwit baseline …": beside(
    "swallowed",
    "what is said to do goes by the files' order, in whatever order they were applied",
  ),
  // Words of other tools, each of which is typed.
  "cli/other-words.ts AGAIN: godwit down base": WORDS,
  "cli/other-words.ts AGAIN: godwit up": WORDS,
  "cli/other-words.ts CHECK: godwit status --check": WORDS,
  "cli/other-words.ts MEANT: godwit baseline <revision>": WORDS,
  "cli/other-words.ts MEANT: godwit build": WORDS,
  "cli/other-words.ts MEANT: godwit current": WORDS,
  "cli/other-words.ts MEANT: godwit doctor": WORDS,
  "cli/other-words.ts MEANT: godwit dev": dev(
    "dev",
    "the word of another tool that watches leads to godwit dev",
  ),
  "cli/other-words.ts MEANT: godwit down -1": WORDS,
  "cli/other-words.ts MEANT: godwit down <revision>": WORDS,
  "cli/other-words.ts MEANT: godwit down base": WORDS,
  "cli/other-words.ts MEANT: godwit heads": WORDS,
  "cli/other-words.ts MEANT: godwit history --log": WORDS,
  "cli/other-words.ts MEANT: godwit init": WORDS,
  "cli/other-words.ts MEANT: godwit new --ts <name>": WORDS,
  "cli/other-words.ts MEANT: godwit new <name>": WORDS,
  "cli/other-words.ts MEANT: godwit up": WORDS,
  "cli/other-words.ts MEANT: godwit up +1": WORDS,
  "cli/other-words.ts MEANT: godwit up --dry-run": WORDS,
  "cli/other-words.ts MEANT: godwit up <revision>": WORDS,
  "cli/other-words.ts NEW: godwit new <name>": WORDS,
  "cli/other-words.ts PAIRS: godwit new <name>": WORDS,
  "cli/other-words.ts PAIRS: godwit up": WORDS,
  "cli/other-words.ts REVERT: godwit down -1": WORDS,
  "cli/other-words.ts STATUS: godwit status": WORDS,
  "cli/other-words.ts UP: godwit up": WORDS,
  "cli/other-words.ts meantBy: godwit …": WORDS,
  "cli/other-words.ts wordsHere: godwit …": WORDS,
  "cli/other-words.ts AGAIN: godwit dev --reset": dev("dev", RESET),
  // PostgREST before the database.
  "database/rpc/failure.ts functionMissing: godwit init --supabase": {
    file: "test/rpc/refusals.test.ts",
    title: FUNCTION,
  },
  "database/rpc/failure.ts functionOutdated: godwit init --supabase": {
    file: "test/rpc/refusals.test.ts",
    title: FUNCTION,
  },
  "database/rpc/failure.ts mayNotCall: godwit init --supabase": {
    file: "test/rpc/refusals.test.ts",
    title: FUNCTION,
  },
  // The server of development.
  "assemble/dev.ts held: godwit status": dev("dev", SECOND),
  "assemble/dev.ts held: godwit up": dev("dev", SECOND),
  "cli/commands/dev.ts reset: godwit dev --reset --confirm …": dev("dev", RESET),
  "dev/development.ts unconfirmed: godwit dev --reset --confirm …": dev("dev", RESET),
  "dev/rounds.ts noWayBack: godwit dev --reset": dev(
    "drafts",
    "a hint leads on: what cannot be taken back is made anew by --reset",
  ),
  "dev/rounds.ts withReset: godwit dev --reset": dev(
    "drafts",
    "a hint leads on: an older file that was edited is applied by --reset",
  ),
  "dev/rounds.ts noWayBack: godwit new <name>": dev(
    "drafts",
    "a hint leads on: what cannot be taken back gets its text again, and a new migration",
  ),
  // A compiler that is not installed.
  "source/bundle/freeze.ts scanner: godwit build": {
    file: "test/hints/no-compiler.test.ts",
    title: "the hint is followed where they are",
  },
  // An origin whose URL has a password.
  "import/problems.ts command: godwit import … --from ……": {
    file: "test/import/bound.test.ts",
    title: "whose URL has a password is not repeated, and the command of the hint takes it again",
  },
  // Services that stay alive.
  "service/health/ask.ts askPort: godwit run": ASKED,
  "service/health/ask.ts askPort: godwit serve": ASKED,
  "service/health/status-file.ts unreadable: godwit run": ASKED,
  "service/health/status-file.ts unreadable: godwit serve": ASKED,
  // A process that hangs longer than a deadline and its grace.
  "service/supervise/child.ts hung: godwit status": {
    file: "test/service/bounds.test.ts",
    title: "migrations that hang beyond their deadline are killed, and status shows what is applied",
  },
  // A server without its standby.
  "run/session/local-commits.ts localCommit: godwit up": {
    file: "test/truth/local-commits.test.ts",
    title: "up again, where the standby has taken over, applies what was lost",
  },
  // What only the library lets through.
  "core/revision.ts parse: godwit up": {
    file: "test/hints/from-the-library.test.ts",
    title: "up to an empty revision: `godwit up` applies everything",
  },
  // A history elsewhere in the database.
  "run/mirror/whose.ts notProven: godwit adopt --table …": beside(
    "asked",
    "yes: adopted, and kept in step from then on",
  ),
  // The graph of Alembic.
  "run/mirror/unplaced.ts belowSilent: godwit adopt": beside(
    "unplaced",
    "adopt refuses by name, and its hint ends with everything applied once",
  ),
  // The journal of Drizzle.
  "run/adopt/later-time.ts laterTime: godwit repair --forget …": beside("text-anew", ANEW),
  "run/adopt/later-time.ts laterTime: godwit up": beside("text-anew", ANEW),
  "run/adopt/later-time.ts laterTime: godwit repair --accept …": beside("text-anew", ANEW),
  "run/adopt/later-time.ts laterTime: godwit repair --mark-done …": beside("text-anew", ANEW),
  // A program of knex.
  "core/renamed.ts withoutFileOf: godwit repair --mark-done …": beside("words", PROGRAM),
  "core/renamed.ts withoutFileOf: godwit repair --forget …": beside("words", PROGRAM),
  // A way back that fails or is interrupted.
  "run/rollback.ts notBegun: godwit up": rollback(
    "rollback",
    "takes nothing back, because what is applied is whole, and says so",
  ),
  "core/take-back.ts builtOn: godwit history --log": rollback("rollback", MEANWHILE),
  "core/take-back.ts builtOn: godwit down <revision>": rollback("rollback", MEANWHILE),
  "run/rollback.ts revertAll: godwit down ……": rollback(
    "rest",
    "the way back of a run %s fails, and the rest is taken back",
  ),
  // The schema as the last run has left it.
  "run/catalog/drift-watch.ts DriftWatch: godwit drift…": WARNED,
  "run/catalog/drift-watch.ts DriftWatch: godwit drift --accept…": NO_DRIFT,
  "run/catalog/drift-watch.ts notSeen: godwit drift…": drift(
    "a run does not wait for whoever has locked a table: what cannot be seen or kept is said, and stops nothing",
  ),
  "service/webhooks/slack.ts textOf: godwit drift": drift(
    "webhooks, the status file, metrics and a program are told of drift",
  ),
  "assemble/drift.ts driftParts: godwit drift --files --target …": drift(
    "each of several targets is compared by itself, also where each is a schema of one database",
  ),
  "run/catalog/kept-schema.ts refusal: godwit drift --accept…": NO_SNAPSHOT,
  "run/catalog/kept-schema.ts refusal: godwit up": NO_SNAPSHOT,
  "run/drift.ts neverRun: godwit up…": NO_SNAPSHOT,
  "run/catalog/kept-schema.ts notKept: godwit drift --accept…": drift(
    "a snapshot that cannot be kept stops nothing, and is kept once that is mended",
  ),
  "run/max-risk.ts problemOf: godwit plan --rehearse…": RISKY,
  "run/max-risk.ts problemOf: godwit up --max-risk any…": RISKY,
  "cli/commands/plan.ts calibrated: godwit up --max-risk rewrites": {
    file: "test/prediction/duration.test.ts",
    title: "a run with --max-risk keeps what was predicted, and plan --calibration grades it",
  },
  // A table that is another one, or gone, while its backfill is half done.
  "run/step/backfill/edited.ts withoutTable: godwit repair --mark-done …": {
    ...OTHER_TABLE,
    title: "says that its table is gone, and how it ends",
  },
  "run/step/backfill/way-back-table.ts HINTS: godwit repair --mark-done …": OTHER_TABLE,
  "run/step/backfill/way-back-table.ts HINTS: godwit repair --retry …": {
    ...OTHER_TABLE,
    title: "a half-done backfill whose table is gone for good is done in the one that has its name",
  },
  "run/step/backfill/edited.ts otherTable: godwit repair --mark-done …": {
    file: "test/backfill/half-way.test.ts",
    title: "that is dropped ends the run, which says what stays and how it ends",
  },
  // A trigger on our own table, made between two runs.
  "run/step/backfill/ending.ts notTaken: godwit repair --mark-done …": {
    file: "test/backfill/ending.test.ts",
    title: "a position that the ledger does not take is no end, and is told",
  },
  // A word of a person that is still to come.
  "cli/commands/plan.ts outlookLines: godwit backfill approve …": AWAITED,
  "cli/commands/plan.ts outlookLines: godwit backfill resume …": AWAITED,
  "cli/commands/backfill.ts confirmationOf: godwit backfill resume …": AWAITED,
  // How far it is was lost from the ledger.
  "run/step/backfill/lost.ts refuseLost: godwit repair --retry …": {
    file: "test/backfill/lost.test.ts",
    title: "all of it again",
  },
  "run/step/backfill/lost.ts refuseLost: godwit repair --mark-done …": {
    file: "test/backfill/lost.test.ts",
    title: "it is done, which is said to be not known",
  },
  "run/step/backfill/lost.ts refuseLost: godwit backfill undo …": {
    file: "test/backfill/lost.test.ts",
    title: "old values come back, and it begins anew",
  },
  "run/step/backfill/lost.ts refuseLostValues: godwit repair --retry …": LOST_VALUES,
  "run/step/backfill/lost.ts refuseLostValues: godwit repair --mark-done …": LOST_VALUES,
  "cli/commands/backfill.ts statusLine: godwit status": {
    file: "test/backfill/lost.test.ts",
    title: "says so: plan, status, a dry run and `godwit backfill`",
  },
  "run/backfill-left.ts wayBackLeft: godwit backfill undo …": DECLARED,
  "run/backfill-left.ts wayBackLeft: godwit up": DECLARED,
  "run/backfill-left.ts wayBackLeft: godwit backfill forget …": {
    file: "test/backfill/declared.test.ts",
    title:
      "`repair --mark-done` of it names the rows that are not taken back, and where their old values are",
  },
  "run/backfill-left.ts rowsDone: godwit backfill undo …": {
    file: "test/backfill/declared.test.ts",
    title:
      "`repair --retry` of a half-done backfill names the rows that are done twice, and their old values stay",
  },
  "run/step/backfill/rest.ts refusedRows: godwit repair --accept …": {
    file: "test/backfill/refused-rows.test.ts",
    title: "a corrected text goes through refused rows first, and then through the rest",
  },
  // Old values of backfills.
  "run/step/backfill/keep.ts undoOf: godwit backfill forget …": KEPT,
  "run/step/backfill/undo.ts nothingKept: godwit new <name>": KEPT,
  "run/backfill-undo.ts forgetOldValues: godwit up": KEPT,
  "run/backfill-undo.ts forgetOldValues: godwit backfill undo …": KEPT,
  "run/backfill-undo.ts forgetOldValues: godwit status": KEPT,
  "core/plan-undo.ts hintOf: godwit status": KEPT,
  "core/plan-undo.ts hintOf: godwit up …": EARLIER,
  "core/plan-undo.ts hintOf: godwit backfill undo …": EARLIER,
  "core/plan-undo.ts hintOf: godwit backfill forget …": EARLIER,
  "run/step/backfill/keep.ts undoOf: godwit backfill undo …": FEWER,
  "core/plan-down.ts partial: godwit backfill undo …": HALF,
  "core/way-back.ts wayBackOf: godwit backfill undo …": HALF,
  "core/way-back.ts beingTakenBack: godwit backfill status …": {
    file: "test/backfill/way-back.test.ts",
    title: "is said to be under way, with how far it is, by whoever looks meanwhile",
  },
  "cli/commands/backfill.ts statusLine: godwit backfill undo …": HALF,
  "cli/commands/backfill.ts statusLine: godwit up": {
    file: "test/backfill/beside-said.test.ts",
    title: "godwit backfill says which run works on it, and that none does when it has ended",
  },
};

/** Messages that name a command to say what it is or did, and advise nothing. */
export const MENTIONED: readonly string[] = [
  "cli/program.ts createCommand: godwit … --help",
  "cli/targets.ts requireWords: godwit … --help",
  "cli/commands/backfill.ts rateOf: godwit backfill rate",
  "cli/commands/backfill.ts run: godwit backfill",
  "cli/commands/backfill.ts run: godwit backfill …",
  "cli/commands/try.ts textOf: godwit up",
  "run/script/checks.ts unrunChecks: godwit up",
  "import/problems.ts coloursUnknown: godwit duplicates",
  "ledger/script-sql.ts refuseOtherFiles: godwit baseline",
  "service/health/ask.ts askHealth: godwit health",
  "config/options.ts OPTIONS: godwit baseline",
  "core/replaced.ts comeBack: godwit baseline",
  "core/revision.ts parse: godwit …",
  "core/revision.ts parseExpression: godwit down",
  "core/revision.ts parseExpression: godwit up",
  "service/webhooks/slack.ts textOf: godwit status",
  "source/module/hooks.ts NO_COMPILER_HINT: godwit build",
];
