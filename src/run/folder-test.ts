/**
 * `godwit test`: each migration of a folder goes up, down and up again on a scratch server, with rows in between.
 *
 *   copy of the database ─► before ─► up ─► after ─► down ─► reverted ─► up again
 *                             └── schema ──┼───────────┴ equal?             │
 *                                          └── schema ─────────────────────┴ equal?
 *
 * The migrations come in their order, each on the schema of those before it. What a test file has put into the tables is gone
 * before the next one: the database is then made again from the copy, and only goes up.
 */
import { graphOf } from "../core/graph.ts";
import { type Direction, type Migration, PHASES } from "../core/migration.ts";
import { resolveRevision } from "../core/revision.ts";
import { literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { Interrupted, type Problem, problemsOf } from "../errors.ts";
import { observedConnection } from "../rehearsal/observed.ts";
import { Recorder } from "../rehearsal/recorder.ts";
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import type { Listing } from "../source/source.ts";
import { readTestFile, type TestFile, testsWithoutMigration } from "../source/test-file.ts";
import { currentSchema } from "./catalog/kept-schema.ts";
import { listedSource, withoutApproval } from "./listed.ts";
import { migrate } from "./migrate.ts";
import { refuseUnusable } from "./plan.ts";
import {
  countFiles,
  countsOf,
  isRepeated,
  nothing,
  notTested,
  type TestedMigration,
  type TestReport,
  type TestStep,
} from "./report/test-report.ts";
import { copyOf } from "./scratch-copy.ts";
import { limitRights, migratorOf } from "./scratch-rights.ts";
import { ensureRoles, runWithRoles } from "./scratch-roles.ts";
import { ofScratch } from "./session/ending.ts";
import type { RunContext, Target } from "./session/target.ts";
import { adviseBaseline, adviseVersion } from "./test-baseline.ts";
import { schemaProblem } from "./test-schema.ts";
import { runSection } from "./test-section.ts";

export interface FolderTestOptions {
  readonly scratch: Scratch;
  /** The database of the target on the scratch server. */
  readonly database: string;
  /** What was declared in the database before, and is not run. */
  readonly baseline: ReadonlySet<string>;
  /** The one migration to test. `null`: all of them. */
  readonly revision: string | null;
}

const SAVED = "godwit_saved";

/** The target is a database of the scratch server. Throws `SourceError` for a folder that cannot be listed. */
export async function testMigrations(
  target: Target,
  { scratch, database, baseline, revision }: FolderTestOptions,
  context: RunContext,
): Promise<TestReport> {
  const listing = await target.source.list();
  refuseUnusable(listing);
  const { order } = graphOf(listing.migrations, { order: target.settings.order });
  const wanted =
    revision === null
      ? null
      : resolveRevision(
          revision,
          order.map(({ id }) => id),
        );
  const [done, recorder] = [new Set(baseline), new Recorder()];
  const stage: Stage = { target, scratch, database, context, baseline, recorder, done };
  const { role } = target.settings;
  if (role !== null) {
    await using connection = await scratch.open(database);
    await ensureRoles(connection, [role]);
  }
  await limitRights(scratch, { database, role });
  const known = { listing: withoutApproval(listing), files: countFiles(order) };
  const migrations: TestedMigration[] = [];
  let broken: string | null = null;
  for (const migration of order) {
    context.signal.throwIfAborted();
    scratch.check();
    const isWanted = wanted === null || migration.id === wanted;
    const tested: TestedMigration =
      broken !== null
        ? notTested(migration, `${broken} failed before it`)
        : baseline.has(migration.id)
          ? notTested(migration, "it is part of the baseline")
          : await testOne(stage, migration, { ...known, isWanted });
    if (tested.state === "failed" && !stage.done.has(migration.id)) broken = migration.id;
    if (isWanted || tested.state === "failed") migrations.push(tested);
    if (migration.id === wanted) break;
  }
  scratch.check();
  const problems = wanted === null ? testsWithoutMigration(target.source.folder, known.files) : [];
  return { scratch: scratch.version, migrations, problems, counts: countsOf(migrations) };
}

interface Stage {
  readonly target: Target;
  readonly scratch: Scratch;
  readonly database: string;
  readonly context: RunContext;
  readonly baseline: ReadonlySet<string>;
  readonly recorder: Recorder;
  /** What is applied in the database, whatever became of its test. */
  readonly done: Set<string>;
}

interface TestQuestion {
  readonly listing: Listing;
  /** How many migrations a file holds. */
  readonly files: ReadonlyMap<string, number>;
  /** `false`: it only goes up, for the sake of those behind it. */
  readonly isWanted: boolean;
}

async function testOne(
  stage: Stage,
  migration: Migration,
  { listing, files, isWanted }: TestQuestion,
): Promise<TestedMigration> {
  const { target, done } = stage;
  if (target.source.program !== undefined) return notTested(migration, "a program of yours carries it out");
  const trial = new Trial(stage, migration, listing);
  if (!isWanted) {
    const problems = await trial.upAlone();
    if (problems.length === 0) done.add(migration.id);
    if (problems.length === 0) return { ...nothing(migration), state: "passed" };
    return { ...nothing(migration), state: "failed", failedAt: trial.step, problems };
  }
  const file = files.get(migration.file) === 1 ? readTestFile(target.source.folder, migration.file) : null;
  const [mistake] = file?.problems ?? [];
  await copyOf(stage.scratch, { from: stage.database, to: SAVED });
  const problems = mistake === undefined ? await trial.run(file) : [mistake];
  const { expectations, notes, passedOver } = trial;
  const failedAt = problems.length > 0 ? trial.step : null;
  const tested = { ...nothing(migration), test: file?.file ?? null, failedAt, expectations, problems, notes };
  // The files behind this one begin where `up` leads to, without the rows of the test.
  const isAsAfterUp = problems.length === 0 && file === null && !isRepeated(migration);
  if (!isAsAfterUp) {
    await copyOf(stage.scratch, { from: SAVED, to: stage.database });
    const left = await trial.upAlone();
    if (left.length > 0)
      return problems.length > 0
        ? { ...tested, state: "failed" }
        : { ...tested, state: "failed", failedAt: trial.step, problems: left };
  }
  done.add(migration.id);
  if (problems.length > 0) return { ...tested, state: "failed" };
  if (passedOver !== null) return { ...tested, state: "not tested", because: passedOver };
  return { ...tested, state: "passed" };
}

/** One migration on its way up, down and up again. */
class Trial {
  readonly notes: string[] = [];
  expectations = 0;
  /** Why a statement of it was passed over. */
  passedOver: string | null = null;
  /** The one that is under way. `null`: none has begun. */
  step: TestStep | null = null;
  readonly #stage: Stage;
  readonly #migration: Migration;
  readonly #listing: Listing;

  constructor(stage: Stage, migration: Migration, listing: Listing) {
    this.#stage = stage;
    this.#migration = migration;
    this.#listing = listing;
  }

  /** Returns what failed; an empty list if nothing did. */
  async run(file: TestFile | null): Promise<readonly Problem[]> {
    const { revertible, file: name } = this.#migration;
    return this.attempt(async () => {
      const failed = await this.#section(file, "before");
      if (failed !== null) return [failed];
      const first = await this.#schema();
      await this.#move("up", { step: "up" });
      if (this.passedOver !== null) return [];
      const second = await this.#schema();
      const unexpected = await this.#section(file, "after");
      if (unexpected !== null) return [unexpected];
      if (isRepeated(this.#migration)) {
        await this.#move("up", { step: "up again", again: true });
        return this.#differences(second, `When ${name} runs again, the schema changes once more`);
      }
      if (!revertible) return [];
      await this.#move("down", { step: "down" });
      const back = await this.#differences(first, `The way back of ${name} does not restore the schema`);
      if (back.length > 0) return back;
      const kept = await this.#section(file, "reverted");
      if (kept !== null) return [kept];
      await this.#move("up", { step: "up again" });
      return this.#differences(
        second,
        `${name} makes another schema when it goes up again after its way back`,
      );
    });
  }

  async attempt(work: () => Promise<readonly Problem[]>): Promise<readonly Problem[]> {
    try {
      return await work();
    } catch (error) {
      const { signal } = this.#stage.context;
      if (signal.aborted || error instanceof Interrupted) throw ofScratch(error, signal);
      if (this.step === "up" && this.#stage.baseline.size === 0) adviseBaseline(error, this.notes);
      adviseVersion(this.#stage.scratch, this.notes);
      return problemsOf(error);
    }
  }

  /** Nothing but the way up. */
  upAlone(): Promise<readonly Problem[]> {
    return this.attempt(async () => {
      await this.#move("up", { step: "up" });
      return [];
    });
  }

  async #move(
    direction: Direction,
    { step, again = false }: { readonly step: TestStep; readonly again?: boolean },
  ): Promise<void> {
    this.step = step;
    const { target, scratch, database, context, recorder, done } = this.#stage;
    const { id } = this.#migration;
    await using observer = await scratch.open(database);
    const open = () => scratch.open(database);
    const staged: Target = {
      ...target,
      source: listedSource(target.source, {
        migrations: this.#listing.migrations.filter((one) => one.id === id || done.has(one.id)),
        again: again ? id : null,
      }),
      open: async (options) =>
        observedConnection(await target.open(options), {
          ...{ observer, open, recorder, measures: false },
          isLimited: migratorOf(scratch) !== undefined,
        }),
      settings: { ...target.settings, mirror: "none" },
    };
    const goal =
      direction === "up"
        ? { direction, to: "heads", phases: PHASES }
        : { direction, to: "-1", phases: PHASES, only: [id] };
    const quiet = { ...context, observe: () => {}, soFar: undefined };
    const options = { goal, failure: "stop", outOfOrder: true } as const;
    const limit = () => limitRights(scratch, { database, role: target.settings.role });
    await runWithRoles(observer, () => migrate(staged, options, quiet), limit);
    this.passedOver ??=
      recorder.take().find(({ notRehearsed }) => notRehearsed !== null)?.notRehearsed ?? null;
  }

  async #section(file: TestFile | null, section: keyof TestFile["sections"]): Promise<Problem | null> {
    if (file === null) return null;
    this.step = section;
    const user = migratorOf(this.#stage.scratch);
    await using connection = await this.#open(user);
    const { held, problem } = await runSection(connection, file, section, { isLimited: user !== undefined });
    this.expectations += held;
    return problem;
  }

  async #schema(): Promise<SchemaSnapshot> {
    await using connection = await this.#open(undefined);
    return await currentSchema(this.#stage.target, connection);
  }

  async #differences(before: SchemaSnapshot, what: string): Promise<readonly Problem[]> {
    const { problem, moved } = schemaProblem(before, await this.#schema(), {
      what,
      migration: this.#migration,
    });
    for (const table of moved)
      this.notes.push(`${table} has its columns in another order: PostgreSQL adds a column at the end.`);
    return problem === null ? [] : [problem];
  }

  async #open(user: string | undefined): Promise<Connection> {
    const { target, scratch, database } = this.#stage;
    const { searchPath } = target.settings;
    const connection = await scratch.open(database, { user });
    if (searchPath !== null)
      await connection.execute(`select pg_catalog.set_config('search_path', ${literal(searchPath)}, false)`);
    return connection;
  }
}
