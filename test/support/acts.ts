/** Every use-case, as words of the command and as a call of the library. */
import { readFileSync } from "node:fs";
import type { BackfillStatus, Decision, Migrator, PlanOptions, ScriptGiven } from "../../src/index.ts";
import type { Json } from "./command.ts";
import { type Act, codesOf } from "./doors.ts";

type LintGiven = NonNullable<Parameters<Migrator["lint"]>[0]>;
type DiffGiven = NonNullable<Parameters<Migrator["diff"]>[0]>;
type DriftGiven = NonNullable<Parameters<Migrator["drift"]>[0]>;
type CompatibleGiven = NonNullable<Parameters<Migrator["compatible"]>[1]>;
type AdoptGiven = NonNullable<Parameters<Migrator["adopt"]>[0]>;

const wordsOf = (...words: readonly (string | undefined)[]) =>
  words.filter((word): word is string => word !== undefined);

/** Of a report, what both say. */
export function reported(report: Json): unknown {
  if (report?.steps === undefined) return report?.declared ?? report?.kind ?? report?.applied?.length ?? null;
  return {
    outcome: report.outcome,
    steps: report.steps.map((s: Json) => [s.revision, s.direction, s.phase, s.transactional]),
    failures: report.failures.map((f: Json) => [f.revision, f.committed, f.problem.code]),
    remaining: report.remaining,
    held: report.held,
    warnings: report.warnings.map(({ code }: Json) => code),
    imports: report.imports,
  };
}

const reporting = {
  said: ({ report }: Json) => reported(report),
  answered: (report: Json) => reported(report),
};

export const up = (goal?: string): Act => ({
  words: wordsOf("up", goal),
  call: (m) => m.up(goal),
  ...reporting,
});
export const down = (goal: string): Act => ({
  words: ["down", goal],
  call: (m) => m.down(goal),
  ...reporting,
});
export const baseline = (revision: string): Act => ({
  words: ["baseline", revision],
  call: (m) => m.baseline(revision),
  ...reporting,
});
export const adopt = (dryRun: boolean, given: AdoptGiven = {}): Act => ({
  words: wordsOf(
    ...["adopt", dryRun ? "--dry-run" : undefined, given.assume === true ? "--assume" : undefined],
    ...(given.tool === undefined ? [] : ["--tool", given.tool]),
    ...(given.table === undefined ? [] : ["--table", given.table]),
  ),
  call: (m) => m.adopt({ ...given, dryRun }),
  ...reporting,
});

export const webhooks = (action?: "retry" | "forget"): Act => ({
  words: wordsOf("webhooks", action && `--${action}`),
  call: (m) => m.webhooks(action),
  said: ({ ok: _, command: __, ...said }: Json) => said,
  isDone: ({ undelivered }: Json) => action !== "retry" || undelivered.length === 0,
});

type Correction = Parameters<Migrator["repair"]>[0];

export const repair = (request: Correction): Act => ({
  words: wordsOf(
    "repair",
    `--${request.kind}`,
    "revision" in request ? request.revision : undefined,
    "--confirm",
    "THE_DATABASE",
  ),
  call: (m, confirm) => m.repair(request, { confirm }),
  ...reporting,
});

export const plan = (goal?: string, options: PlanOptions = {}): Act => ({
  words: wordsOf("plan", goal, options.sample === true ? "--sample" : undefined),
  call: (m) => m.plan(goal, options),
  said: (document) => document.plan,
});

const statusOf = ({ upToDate, migrations, current, heads, imports, problems }: Json) => ({
  ...{ upToDate, current, heads, imports, problems: codesOf(problems) },
  states: migrations?.map(({ revision, state, phase, baseline }: Json) => [revision, state, phase, baseline]),
});
export const status: Act = {
  words: ["status"],
  call: (m) => m.status(),
  said: statusOf,
  answered: statusOf,
  isDone: ({ problems }) => problems.length === 0,
};

export const dryRun = (goal?: string): Act => ({
  words: wordsOf("up", goal, "--dry-run"),
  call: (m) => m.dryRun(goal),
  said: ({ report }) => report,
  isDone: ({ outcome }) => outcome !== "failed",
});

export const script = ({ direction = "up", goal, from }: ScriptGiven = {}): Act => ({
  words: wordsOf(direction, goal, "--sql", ...(from === undefined ? [] : ["--from", from])),
  call: (m) =>
    m.script({ direction, ...(goal === undefined ? {} : { goal }), ...(from === undefined ? {} : { from }) }),
  said: ({ sql, notImported }) => ({ sql, notImported }),
});

export const log: Act = {
  words: ["history", "--log"],
  call: (m) => m.log(),
  said: (document) => document.log,
};

/** The command lists the files, and the library the ledger: both say what is applied, and by whom. */
export const history: Act = {
  words: ["history"],
  call: (m) => m.history(),
  said: ({ migrations }) =>
    migrations
      ?.filter(({ applied }: Json) => applied)
      .map(recorded)
      .toReversed(),
  answered: (entries) => entries.filter(({ state }: Json) => state === "applied").map(recorded),
};

function recorded({ revision, executedAt, executedBy, host, gitCommit }: Json) {
  return { revision, executedAt, executedBy, host, gitCommit };
}

/** Settings come from elsewhere: their values are the same. */
const diagnosed = ({ settings, findings }: Json) => ({
  settings: settings?.map(({ key, value }: Json) => [key, value]),
  findings: findings?.filter(({ subject }: Json) => subject !== "configuration"),
});
export const doctor: Act = {
  words: ["doctor"],
  call: (m) => m.doctor(),
  said: diagnosed,
  answered: diagnosed,
  isDone: ({ healthy }) => healthy,
};

export const importing = (name?: string, colours = false): Act => ({
  words: wordsOf("import", name, ...(colours ? ["--colours"] : [])),
  call: (m) => m.import(name, { colours }),
  said: ({ imports, report }) => imports ?? report,
});
export const importRuns = (name?: string): Act => ({
  words: wordsOf("import", name, "--status"),
  call: (m) => m.importRuns(name),
  said: ({ imports }) => imports,
});
export const duplicates = (settled = false): Act => ({
  words: ["duplicates", ...(settled ? ["--all"] : [])],
  call: (m) => m.duplicates({ settled }),
  said: ({ ok: _, command: __, problems: ___, ...listed }) => listed,
});
/** Pictures and all: the page that both write. */
export const sheet: Act = {
  words: ["duplicates", "--html", "sheet.html"],
  call: (m) => m.contactSheet(),
  said: ({ sheet: path, groups }) => ({ html: readFileSync(path, "utf8").replace(MADE_AT, ""), groups }),
  answered: ({ html, duplicates: { groups } }) => ({ html: html.replace(MADE_AT, ""), groups }),
};
const MADE_AT = /\d{4}-\d\d-\d\d \d\d:\d\d/;

export const decide = (decision: Decision): Act => ({
  words: [
    "duplicates",
    `--${decision.kind}`,
    ...(decision.kind === "keep" ? [decision.file, ...(decision.others ?? [])] : decision.files).map(String),
  ],
  call: (m) => m.decide(decision),
  said: (document) => document.decision,
});

/** What both say beside the document's own keys. */
function bare({ ok: _, command: __, problems: ___, ...answer }: Json): Json {
  return Object.keys(answer).length === 0 ? null : answer;
}

export const lint = (given: LintGiven = {}): Act => ({
  words: wordsOf(
    ...["lint", ...(given.files ?? []), given.all === true ? "--all" : undefined],
    ...(given.postgresVersion === undefined ? [] : ["--postgres-version", String(given.postgresVersion)]),
  ),
  call: (m) => m.lint(given),
  said: ({ level: _, ...document }) => bare(document),
  isDone: ({ findings }) => !findings.some(({ level }: Json) => level !== "hint"),
});

/** Durations are of two servers, and so is what is made of them. */
const measured = ({ steps, ...rehearsed }: Json) => ({
  ...rehearsed,
  steps: steps.map(({ revision, direction, risk, notRehearsed, statements }: Json) => ({
    ...{ revision, direction, risk, notRehearsed },
    statements: statements.map(({ durationMs: _, predictedMs: __, ...statement }: Json) => statement),
  })),
});
export const rehearse = (goal?: string): Act => ({
  words: wordsOf("rehearse", goal),
  call: (m) => m.rehearse(goal),
  said: ({ steps, ...document }) => (steps === undefined ? null : measured(bare({ steps, ...document }))),
  answered: measured,
  isDone: ({ counts }) => counts.failed === 0,
});

export const calibration: Act = {
  words: ["plan", "--calibration"],
  call: (m) => m.calibration(),
  said: bare,
};

export const folderTest = (revision?: string): Act => ({
  words: wordsOf("test", revision),
  call: (m) => m.test(revision),
  // Its own problems are those of files beside the migrations.
  said: (document) =>
    document.counts === undefined ? bare(document) : { ...bare(document), problems: document.problems },
  isDone: ({ counts }) => counts.failed === 0,
});

export const diff = (given: DiffGiven): Act => ({
  words: ["diff", ...Object.entries(given).flatMap(([key, value]) => [`--${key}`, value].flat())],
  call: (m) => m.diff(given),
  said: ({ different: _, ...document }) => bare(document),
});

export const drift = (given: DriftGiven = {}): Act => ({
  words: wordsOf("drift", ...Object.keys(given).map((key) => `--${key}`)),
  call: (m) => m.drift(given),
  said: bare,
  isDone: ({ drifted }) => !drifted,
});

/** `list` is a file of the project, with names alone. */
export const compatible = (list: string, names: readonly string[], given: CompatibleGiven = {}): Act => ({
  words: wordsOf(
    ...["compatible", "--image-revisions", list],
    ...[given.afterUp === true ? "--after-up" : undefined, given.ready === true ? "--ready" : undefined],
  ),
  call: (m) => m.compatible(names, given),
  said: ({ ok: _, command: __, problems, ...found }: Json) => ({ ...found, problems: codesOf(problems) }),
  answered: (found) => ({ ...found, problems: codesOf(found.problems) }),
  isDone: ({ compatible: is }) => is,
});

/** The command writes the list, and the library answers with it. */
export const revisions: Act = {
  words: ["compatible", "--write", "revisions.json"],
  call: (m) => m.revisions(),
  said: ({ file }) => (file === undefined ? null : JSON.parse(readFileSync(file, "utf8"))),
};

/** What depends on when one looks. */
function standing({
  updatedAt: _,
  stillForMs: __,
  leftMs: ___,
  rowsPerSecond: ____,
  ...status
}: BackfillStatus) {
  return status;
}
export const backfills = (revision?: string): Act => ({
  words: wordsOf("backfill", "status", revision),
  call: (m) => m.backfills.status(revision),
  said: ({ backfills: found }) => found?.map(standing),
  answered: (found) => found.map(standing),
});

const ofBackfill = {
  said: ({ backfill }: Json) => (backfill === undefined ? null : standing(backfill)),
  answered: standing,
};
export const pauseBackfill = (revision: string): Act => ({
  words: ["backfill", "pause", revision],
  call: (m) => m.backfills.pause(revision),
  ...ofBackfill,
});
export const resumeBackfill = (revision: string): Act => ({
  words: ["backfill", "resume", revision],
  call: (m) => m.backfills.resume(revision),
  ...ofBackfill,
});
export const rateOfBackfill = (revision: string, rate: number | null): Act => ({
  words: ["backfill", "rate", revision, String(rate ?? "none")],
  call: (m) => m.backfills.rate(revision, rate),
  ...ofBackfill,
});
export const approveBackfill = (revision: string): Act => ({
  words: ["backfill", "approve", revision],
  call: (m) => m.backfills.approve(revision),
  ...ofBackfill,
});
export const undoBackfill = (revision: string): Act => ({
  words: ["backfill", "undo", revision],
  call: (m) => m.backfills.undo(revision),
  ...reporting,
});
export const forgetBackfill = (revision: string): Act => ({
  words: ["backfill", "forget", revision],
  call: (m) => m.backfills.forget(revision),
  said: bare,
});
