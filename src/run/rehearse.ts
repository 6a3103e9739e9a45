/**
 * `godwit rehearse`: carries the plan out on a scratch server, and measures every statement.
 *
 *   plan of the target ─► scratch server ─► brought to the target's present ─► the steps of the plan, observed ─► report
 *
 * The present is made from the target's catalog (`present.ts`), or, where that cannot be, by carrying out the files that are applied.
 * The target is only read. Runs on the scratch server are those of `migrate`, over a source that lists only what they are about.
 * Under `continue` a step that fails stops only those that depend on it: of these nothing is known, and the report says so.
 */
import { PHASES } from "../core/migration.ts";
import { identifier } from "../core/sql/quote.ts";
import type { Plan } from "../core/step.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { GodwitError, Interrupted } from "../errors.ts";
import { rolesOf } from "../rehearsal/catalog.ts";
import { observedConnection } from "../rehearsal/observed.ts";
import { Recorder } from "../rehearsal/recorder.ts";
import { countsOf, type RehearsalReport, type RehearsedStep } from "../rehearsal/report.ts";
import { SUPERUSER } from "../rehearsal/rights.ts";
import type { SeenStatement } from "../rehearsal/seen.ts";
import type { Source } from "../source/source.ts";
import type { Gaps } from "./gaps.ts";
import { limited } from "./listed.ts";
import { migrate } from "./migrate.ts";
import type { MigrateOptions } from "./plan.ts";
import { copyPresent, gapsFrom } from "./present.ts";
import { rehearsedStep, unknownStep } from "./rehearsed-step.ts";
import { giveSearchPath, searchPathOf } from "./scratch-path.ts";
import { limitRights, makeMigrator, migratorOf } from "./scratch-rights.ts";
import { ensureRoles } from "./scratch-roles.ts";
import { withConnection } from "./session/connect.ts";
import { ofScratch } from "./session/ending.ts";
import type { RunContext, Target } from "./session/target.ts";
import { preview, type View, viewOf } from "./status.ts";

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
  const view = await viewOf(target, context);
  const version = Math.floor(view.version / 10_000);
  const none = { scratch: null, otherVersion: false, from: null, notFromCatalog: null, gaps: [] };
  const report = { target: target.name, version, ...none };
  const without = (steps: readonly RehearsedStep[]) => ({ ...report, steps, counts: countsOf(steps) });
  if (target.source.program !== undefined)
    return without(decided.steps.map((step) => unknownStep(step, "a program of yours carries it out")));
  if (decided.steps.length === 0) return without([]);
  const known = await withConnection(target, context, async (live) => ({
    roles: await rolesOf(live),
    path: await searchPathOf(live, live.server.user),
  }));
  await using scratch = await options.openScratch({ major: version, signal: context.signal });
  await makeMigrator(scratch);
  const named = { name: view.database, ...known, target };
  const database = await prepareDatabase(scratch, named);
  const source = await options.openSource(scratch.urlOf(database, migratorOf(scratch)));
  try {
    const stage: Stage = {
      target,
      scratch,
      database,
      source,
      context,
      lacking: new Set(),
      partial: new Set(),
      isCompared: true,
    };
    const { isCompared, ...present } = await makePresent(stage, { view, decided, named });
    const steps = await carryOut({ ...stage, isCompared }, { view, decided, options });
    scratch.check();
    const { insteadOf } = scratch;
    return {
      ...{ ...report, scratch: scratch.version, otherVersion: insteadOf !== null },
      ...{ ...present, steps, counts: countsOf(steps) },
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
  /** Relations that are not all that they are on the target. */
  readonly partial: Set<string>;
  /** Whether it is known what the copy lacks. */
  readonly isCompared: boolean;
}

/** Those that every new server has. */
const TAKEN = new Set(["postgres", "template0", "template1"]);

interface Named {
  readonly name: string;
  readonly roles: readonly string[];
  readonly path: string;
  readonly target: Target;
}

/** With the names that migrations may speak of: that of the database, and those of the roles. Returns the name. */
async function prepareDatabase(scratch: Scratch, { name, roles, path, target }: Named): Promise<string> {
  const database = TAKEN.has(name) ? "godwit_rehearsal" : name;
  await scratch.create(database);
  await giveSearchPath(scratch, { database, role: migratorOf(scratch) ?? SUPERUSER, path });
  await using connection = await scratch.open(database);
  // What a role may do is not what is rehearsed.
  const { role, schema } = target.settings;
  await ensureRoles(connection, role === null ? roles : [...roles, role]);
  if (schema != null) await connection.execute(`create schema if not exists ${identifier(schema)}`);
  return database;
}

interface DecidedView {
  readonly view: View;
  readonly decided: Plan;
}

type Present = Pick<RehearsalReport, "from" | "notFromCatalog" | "gaps">;

/** Makes the schema that the target has before the plan. What a statement misses may be there on the target, so it is no failure. */
async function makePresent(
  stage: Stage,
  { named, ...known }: DecidedView & { readonly named: Named },
): Promise<Present & Pick<Stage, "isCompared">> {
  const { target, scratch, database, context, lacking, partial } = stage;
  const copied = await copyPresent(target, { scratch, database }, context);
  const mark = ({ missing, relations }: Gaps) => {
    for (const one of missing) lacking.add(one);
    for (const one of relations) partial.add(one);
  };
  const limit = () => limitRights(scratch, { database, role: target.settings.role });
  if (!("because" in copied)) {
    await limit();
    mark(copied);
    return { from: "catalog", notFromCatalog: null, gaps: copied.words, isCompared: true };
  }
  await scratch.drop(database);
  await prepareDatabase(scratch, named);
  await limit();
  const failed = await runApplied(stage, known);
  if (failed.length > 0) lacking.add("complete copy of the present schema");
  const found = await gapsFrom(target, { scratch, database }, context);
  const files = { from: "files", notFromCatalog: copied.because } as const;
  if ("because" in found) {
    // What a statement misses may be there on the target.
    lacking.add("copy that was compared with the target");
    return { ...files, gaps: [...failed, found.because], isCompared: false };
  }
  mark(found);
  return { ...files, gaps: [...failed, ...found.words], isCompared: true };
}

/** Carries out what is applied, from the files. Returns what makes a difference. */
async function runApplied(stage: Stage, { view, decided }: DecidedView): Promise<readonly string[]> {
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
    if (!(error instanceof GodwitError) || error instanceof Interrupted)
      throw ofScratch(error, stage.context.signal);
    failed.push(error.message);
  });
  const passed = recorder.take().flatMap(({ notRehearsed }) => notRehearsed ?? []);
  return [...gaps, ...new Set(passed), ...failed];
}

/** What is in the database before the first step of the plan. */
function appliedBefore({ view, decided }: DecidedView): ReadonlySet<string> {
  const entries = view.history.entries.filter(({ state }) => state === "applied");
  const applied = new Set(entries.map(({ revision }) => revision));
  if (decided.direction === "up") for (const { revision } of decided.steps) applied.delete(revision);
  return applied;
}

async function carryOut(
  stage: Stage,
  { view, decided, options }: DecidedView & { readonly options: MigrateOptions },
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
    if (!(error instanceof GodwitError) || error instanceof Interrupted)
      throw ofScratch(error, stage.context.signal);
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
    } else steps.push(await rehearsedStep(stage, { files: view.files, step, statements, failure }));
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
    open: async (options) => {
      const user = migratorOf(scratch);
      const connection = await scratch.open(database, { ...options, user, countsScans: measures });
      return observedConnection(connection, {
        observer,
        open,
        recorder,
        measures,
        isLimited: user !== undefined,
      });
    },
    // Whoever else has a history of these migrations is told by the run on the target.
    settings: { ...target.settings, mirror: "none", lockAttempts: 1, backfillParallel: 1 },
  };
  return await work(staged, { ...context, observe: () => {}, soFar: undefined });
}
