/**
 * `godwit rehearse`: carries the plan out on a scratch server, and measures every statement.
 *
 *   plan of the target ─► scratch server ─► brought to the target's present ─► the steps of the plan, observed ─► report
 *
 * The target is asked for its ledger, its version and the names of its roles, and nothing else. Both runs on the scratch server
 * are those of `migrate`, over a source that lists only what they are about. Under `continue` a step that fails stops only those
 * that depend on it: of these nothing is known, and the report says so.
 */
import { PHASES } from "../core/migration.ts";
import { asciiComments } from "../core/sql/comments.ts";
import { identifier } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import type { Plan, Step } from "../core/step.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { GodwitError, Interrupted } from "../errors.ts";
import { rolesOf } from "../rehearsal/catalog.ts";
import { observedConnection } from "../rehearsal/observed.ts";
import { Recorder } from "../rehearsal/recorder.ts";
import {
  countsOf,
  type RehearsalReport,
  type RehearsedStatement,
  type RehearsedStep,
  rehearsedStatement,
  riskOf,
} from "../rehearsal/report.ts";
import type { SeenStatement } from "../rehearsal/seen.ts";
import type { Source } from "../source/source.ts";
import { limited } from "./listed.ts";
import { migrate } from "./migrate.ts";
import type { MigrateOptions } from "./plan.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";
import { look, preview, type View } from "./status.ts";

export interface RehearseOptions extends MigrateOptions {
  readonly openScratch: (wanted: {
    readonly major: number;
    readonly signal: AbortSignal;
  }) => Promise<Scratch>;
  /** The files of the target. Their code is given this URL, and not the one of the target. */
  readonly openSource: (url: string) => Promise<Source>;
}

/** Throws as `up` would before its first step; what a statement comes to is in the report. */
export async function rehearse(
  target: Target,
  options: RehearseOptions,
  context: RunContext,
): Promise<RehearsalReport> {
  const decided = await preview(target, options, context);
  const view = await look(target, context);
  const version = Math.floor(view.version / 10_000);
  const report = { target: target.name, version, scratch: null, otherVersion: false, gaps: [] };
  const without = (steps: readonly RehearsedStep[]) => ({ ...report, steps, counts: countsOf(steps) });
  if (target.source.program !== undefined)
    return without(decided.steps.map((step) => unknownStep(step, "a program of yours carries it out")));
  if (decided.steps.length === 0) return without([]);
  const roles = await withConnection(target, context, rolesOf);
  await using scratch = await options.openScratch({ major: version, signal: context.signal });
  const database = await prepareDatabase(scratch, { name: view.database, roles, target });
  const source = await options.openSource(scratch.urlOf(database));
  try {
    const stage: Stage = { target, scratch, database, source, context, lacking: new Set() };
    const gaps = await bringToPresent(stage, { view, decided });
    // What a statement misses may be there on the target, so it is no failure.
    if (gaps.length > 0) stage.lacking.add("complete copy of the present schema");
    const steps = await carryOut(stage, { view, decided, options });
    const { insteadOf } = scratch;
    return {
      ...{ ...report, scratch: scratch.version, otherVersion: insteadOf !== null },
      ...{ gaps, steps, counts: countsOf(steps) },
    };
  } finally {
    await source.close?.();
  }
}

interface Stage {
  readonly target: Target;
  readonly scratch: Scratch;
  readonly database: string;
  readonly source: Source;
  readonly context: RunContext;
  readonly lacking: Set<string>;
}

/** Those that every new server has. */
const TAKEN = new Set(["postgres", "template0", "template1"]);

/** With the names that migrations may speak of: that of the database, and those of the roles. Returns the name. */
async function prepareDatabase(
  scratch: Scratch,
  { name, roles, target }: { name: string; roles: readonly string[]; target: Target },
): Promise<string> {
  const database = TAKEN.has(name) ? "godwit_rehearsal" : name;
  await scratch.create(database);
  await using connection = await scratch.open(database);
  // What a role may do is not what is rehearsed.
  const wanted = new Set([...roles, ...(target.settings.role === null ? [] : [target.settings.role])]);
  wanted.delete("postgres");
  for (const role of wanted) await connection.execute(`create role ${identifier(role)} superuser`);
  const { schema } = target.settings;
  if (schema != null) await connection.execute(`create schema if not exists ${identifier(schema)}`);
  return database;
}

interface Known {
  readonly view: View;
  readonly decided: Plan;
}

/**
 * Makes the schema that the target has before the plan. Today: by carrying out what is applied, from the files. Returns what
 * makes a difference.
 */
async function bringToPresent(stage: Stage, { view, decided }: Known): Promise<readonly string[]> {
  const applied = appliedBefore({ view, decided });
  const listed = new Set(view.files.migrations.map(({ id }) => id));
  const gone = [...applied].filter((revision) => !listed.has(revision));
  const gaps = gone.length === 0 ? [] : [`applied without a file here: ${gone.join(", ")}`];
  if (gone.length === applied.size) return gaps;
  const recorder = new Recorder(stage.lacking);
  const failed: string[] = [];
  const goal = { direction: "up", to: "heads", phases: PHASES } as const;
  await onScratch(stage, { only: applied, recorder, measures: false }, (target, context) =>
    migrate(target, { goal, failure: "continue", outOfOrder: true }, context),
  ).catch((error: unknown) => {
    if (!(error instanceof GodwitError) || error instanceof Interrupted) throw error;
    failed.push(error.message);
  });
  const passed = recorder.take().flatMap(({ notRehearsed }) => notRehearsed ?? []);
  return [...gaps, ...new Set(passed), ...failed];
}

/** What is in the database before the first step of the plan. */
function appliedBefore({ view, decided }: Known): ReadonlySet<string> {
  const entries = view.history.entries.filter(({ state }) => state === "applied");
  const applied = new Set(entries.map(({ revision }) => revision));
  if (decided.direction === "up") for (const { revision } of decided.steps) applied.delete(revision);
  return applied;
}

async function carryOut(
  stage: Stage,
  { view, decided, options }: Known & { readonly options: MigrateOptions },
): Promise<readonly RehearsedStep[]> {
  const recorder = new Recorder(stage.lacking);
  const seen = new Map<string, readonly SeenStatement[]>();
  const problems = new Map<string, string>();
  const only = new Set([
    ...appliedBefore({ view, decided }),
    ...decided.steps.map(({ revision }) => revision),
  ]);
  const { goal } = options;
  let ended = "it was not begun";
  await onScratch(stage, { only, recorder, measures: true }, (target, context) => {
    const observe: RunContext["observe"] = (event) => {
      // What failed in a step that is done was tried in another way, or its code has caught it.
      if (event.kind === "step-done")
        seen.set(
          event.step.revision,
          recorder.take().filter(({ failure }) => failure === null),
        );
      if (event.kind !== "step-failed") return;
      seen.set(event.step.revision, recorder.take());
      problems.set(event.step.revision, event.problem.message);
    };
    return migrate(target, { goal, failure: "continue", outOfOrder: true }, { ...context, observe });
  }).catch((error: unknown) => {
    if (!(error instanceof GodwitError) || error instanceof Interrupted) throw error;
    ended = error.message;
  });
  const backfills = new Set(decided.backfills?.map(({ revision }) => revision));
  const steps: RehearsedStep[] = [];
  for (const step of decided.steps) {
    const { revision } = step;
    const statements = seen.get(revision);
    const failure = problems.get(revision);
    if (failure === undefined && backfills.has(revision))
      steps.push(
        unknownStep(step, "a backfill changes rows in windows, and the scratch database has no rows"),
      );
    else if (statements === undefined) {
      const missing = step.after.find((other) => problems.has(other));
      steps.push(unknownStep(step, missing === undefined ? ended : `it depends on ${missing}, which failed`));
    } else steps.push(await rehearsedStep(stage, { view, step, statements, failure }));
  }
  return steps;
}

interface Observation {
  readonly only: ReadonlySet<string>;
  readonly recorder: Recorder;
  readonly measures: boolean;
}

/** Runs something on the scratch database as if it were the target, with these files alone. */
async function onScratch<T>(
  { target, scratch, database, source, context }: Stage,
  { only, recorder, measures }: Observation,
  work: (target: Target, context: RunContext) => Promise<T>,
): Promise<T> {
  await using observer = await scratch.open(database);
  const open = () => scratch.open(database);
  const staged: Target = {
    ...target,
    source: limited(source, only),
    open: async (options) =>
      observedConnection(await scratch.open(database, options), { observer, open, recorder, measures }),
    // Whoever else has a history of these migrations is told by the run on the target.
    settings: { ...target.settings, mirror: "none", lockAttempts: 1, backfillParallel: 1 },
  };
  return await work(staged, { ...context, observe: () => {}, soFar: undefined });
}

function unknownStep(step: Step, because: string): RehearsedStep {
  const { revision, file, direction, phase } = step;
  return { revision, file, direction, phase, risk: null, notRehearsed: because, statements: [] };
}

interface Rehearsed {
  readonly view: View;
  readonly step: Step;
  readonly statements: readonly SeenStatement[];
  readonly failure: string | undefined;
}

async function rehearsedStep(
  { source }: Stage,
  { view, step, statements, failure }: Rehearsed,
): Promise<RehearsedStep> {
  const migration = view.files.migrations.find(({ id }) => id === step.revision);
  const content =
    migration === undefined ? null : await source.read(migration, step.direction).catch(() => null);
  const written =
    content?.kind === "sql"
      ? splitStatements(content.text).map(({ text, line }) => ({
          text: asciiComments(text),
          line: line + content.line - 1,
        }))
      : [];
  let next = 0;
  const found = statements.map((one): RehearsedStatement => {
    const at = written.findIndex(({ text }, index) => index >= next && text === one.text);
    if (at >= 0) next = at + 1;
    return rehearsedStatement(one, written[at]?.line ?? null);
  });
  const { revision, file, direction, phase } = step;
  const base = { revision, file, direction, phase };
  // It failed by something else than a statement: by what its code does, or by our own words around it.
  if (failure !== undefined && !found.some(({ state }) => state === "failed"))
    return { ...base, risk: riskOf(found), notRehearsed: `it failed: ${failure}`, statements: found };
  return { ...base, risk: riskOf(found), notRehearsed: null, statements: found };
}
