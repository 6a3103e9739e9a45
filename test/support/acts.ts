/** Every use-case, as words of the command and as a call of the library. */
import { readFileSync } from "node:fs";
import type { Decision, Migrator, ScriptGiven } from "../../src/index.ts";
import type { Json } from "./command.ts";
import { type Act, codesOf } from "./doors.ts";

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
export const adopt = (dryRun: boolean): Act => ({
  words: ["adopt", ...(dryRun ? ["--dry-run"] : [])],
  call: (m) => m.adopt({ dryRun }),
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

export const plan = (goal?: string): Act => ({
  words: wordsOf("plan", goal),
  call: (m) => m.plan(goal),
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
