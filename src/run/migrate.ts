/**
 * `up` and `down`: from a target to a report.
 *
 *   connect ─► lock ─► read files and ledger ─► plan ─► prepare ─► steps ─► assert ─► report
 *      ▲                                                            │
 *      └──────────────── the connection is lost ◄───────────────────┘
 *
 * A lost connection has lost lock and open transaction with it, and possibly the answer to a COMMIT. The run
 * never guesses: it connects again, waits for the lock (the old session may still live for a moment) and plans
 * anew from the ledger. What was committed is in there; what was not is pending again. The log, where every row
 * has its run's id, says which of it was this run's own doing: that belongs into the report, and counts for a goal
 * such as `-1`, which would otherwise take back one more.
 */
import type { History } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";
import { type Goal, isOvertakenIn, type Plan, plan, type Step } from "../core/plan.ts";
import type { Connection } from "../database/connection.ts";
import { DUPLICATE_TABLE } from "../database/sqlstate.ts";
import { DatabaseError, GodwitError, Interrupted, type Problem, SourceError, StepFailed } from "../errors.ts";
import type { Lock } from "../lock/lock.ts";
import type { Listing } from "../source/source.ts";
import { orAbort, timeLimit } from "../std/time.ts";
import { type Committed, UNASKED } from "./committed.ts";
import { applicationNameOf, connect, prepareSession, refuseReadOnly, sessionKind } from "./connect.ts";
import { asInterruption } from "./ending.ts";
import { endsSession, keptAtEnd, type Session } from "./ends-session.ts";
import { execute, logFailure, refuseBroken } from "./execute.ts";
import { parseKeep } from "./histories.ts";
import { adoptInPassing, makeTable, tellTool } from "./in-step.ts";
import { type InvalidIndex, invalidIndexes } from "./indexes.ts";
import { cutShort, interruption } from "./interruption.ts";
import {
  clearNamedIndexes,
  invalidIndex,
  isIn,
  leftInvalid,
  namedIndexes,
  warnOfKept,
} from "./leftover-indexes.ts";
import { acquireLock } from "./locked.ts";
import { createMentions, type Mentions, noteTexts } from "./mentioned-indexes.ts";
import { boundedNotices } from "./notices.ts";
import { lockTimeoutWarnings } from "./own-lock-timeout.ts";
import { type OwnWaits, patiently } from "./own-waits.ts";
import { refuseForeign } from "./owner.ts";
import { type Body, type Prepared, prepareSteps } from "./prepare.ts";
import type { Report, StepFailure, StepReport } from "./report.ts";
import { refuseUntoldDown } from "./reruns.ts";
import { asSchemaGone, explainedBySchema } from "./schema-gone.ts";
import { guardOf } from "./script.ts";
import type { RunContext, Target } from "./target.ts";
import { refuseMeanwhile } from "./tool-watch.ts";
import { untoldWarning } from "./untold.ts";
import { againOf, failureOf, ownSession, type Work } from "./work.ts";

export interface MigrateOptions {
  readonly goal: Goal;
  readonly failure: "stop" | "continue";
  readonly outOfOrder: boolean;
}

/** Throws a `GodwitError` whose `report` says what had been done, unless all that was asked for is done. */
export async function migrate(target: Target, options: MigrateOptions, context: RunContext): Promise<Report> {
  const run = new Run(target, options, context);
  try {
    const report = await run.all();
    context.observe({ kind: "finished", report });
    return report;
  } catch (thrown) {
    const error = (await run.ended(thrown)) ?? asSchemaGone(asInterruption(thrown, context.signal));
    if (!(error instanceof GodwitError)) throw error;
    const report = run.report(error instanceof Interrupted ? "interrupted" : "failed");
    error.report = report;
    context.observe({ kind: "finished", report });
    throw error;
  }
}

const MOST_SKIPPED = 1_000;

/** How long a run that must end, and has lost its connection, asks what was kept. Within the grace of `ending.ts`. */
const ASK_MS = 2_000;

/** Lost connections in a row, without a step in between, before the run gives up. */
const RECONNECTS = 5;

class Run {
  readonly #target: Target;
  readonly #options: MigrateOptions;
  readonly #context: RunContext;
  readonly #startedAt = new Date();
  readonly #started = performance.now();
  readonly #done: StepReport[] = [];
  readonly #failures: StepFailure[] = [];
  /** Of `#failures`, by revision: what failed in this run is not tried again in it. */
  readonly #errors = new Map<string, GodwitError>();
  readonly #warnings = new Map<string, Problem>();
  #plan: Plan | undefined;
  #remaining = new Set<string>();
  #waitedMs = 0;
  /** Steps done that a goal such as `-2` counts. */
  #counted = 0;
  readonly #repeatables = new Set<string>();
  /** Begun, and not known to have ended. */
  #underWay: string | undefined;
  /** Ours at the server, where one connection is one session. */
  #session: Session | null = null;
  /** The step that was under way when the connection was last lost. */
  #cut: Work["cut"];
  /** The first step that was not done when the connection was lost while a step was under way. */
  #suspect: string | undefined;
  #prepared: readonly Prepared[] = [];
  /** A step that was reported done was not at its end. */
  #late: GodwitError | undefined;
  /** The oids of the indexes that were invalid when the run began. */
  #invalidBefore: ReadonlySet<number> | undefined;
  /** What the steps say of those. */
  #mentions: Mentions | undefined;
  /** What the server said where `IF NOT EXISTS` has kept something. */
  readonly #skipped: string[] = [];

  constructor(target: Target, options: MigrateOptions, context: RunContext) {
    this.#target = target;
    this.#options = options;
    this.#context = {
      ...context,
      observe: (event) => {
        if (event.kind === "step-started") this.#underWay = event.step.revision;
        else if (event.kind === "step-done" || event.kind === "step-failed") this.#underWay = undefined;
        else if (event.kind === "warning" && !this.#keepWarning(event.problem)) return;
        context.observe(event);
      },
    };
  }

  async all(): Promise<Report> {
    const listing = this.#target.source.list();
    listing.catch(() => {});
    for (let lost = 1; ; lost++) {
      const settled = () => this.#done.length + this.#failures.length;
      const before = settled();
      try {
        let attempts = 0;
        await patiently(this.#target, this.#context, async (waits) => {
          // A lock stopped the attempt before this one: no step has ended its session.
          if (attempts++ > 0) this.#underWay = undefined;
          await this.#once(await connect(this.#target, this.#context), listing, waits);
        });
        const [first] = this.#errors.values();
        if (first !== undefined) throw first;
        return this.report("done");
      } catch (error) {
        const gone = error instanceof DatabaseError && error.code === "DATABASE_CONNECTION_LOST";
        if (settled() > before) lost = 1;
        if (!gone || lost > RECONNECTS || this.#context.signal.aborted) throw error;
        if (this.#underWay !== undefined) this.#cut = { revision: this.#underWay, error };
        this.#context.observe({ kind: "connection-lost", problem: error.toProblem() });
      }
    }
  }

  report(outcome: Report["outcome"]): Report {
    return {
      command: this.#options.goal.direction,
      target: this.#target.name,
      runId: this.#context.runId,
      outcome,
      startedAt: this.#startedAt.toISOString(),
      durationMs: performance.now() - this.#started,
      waitedMs: this.#waitedMs,
      steps: this.#done,
      failures: this.#failures,
      remaining: [...this.#remaining],
      held: this.#plan?.held ?? [],
      warnings: [...this.#warnings.values()],
    };
  }

  /**
   * The run ends, and the connection went while a step was under way: that step as a failure, with what the ledger says
   * of it where a signal or the deadline ends the run. `null`: there is no such step, or it is done.
   */
  async ended(thrown: unknown): Promise<GodwitError | null> {
    const { signal, observe } = this.#context;
    const prepared = this.#prepared.find(({ step }) => step.revision === this.#underWay);
    if (prepared === undefined || !(signal.aborted || isGone(thrown))) return null;
    const { step } = prepared;
    const body = await prepared.load().catch(() => null);
    const whose = { ...step, file: body?.file ?? step.file };
    const fail = (committed: Committed) => {
      const error =
        isGone(thrown) && !signal.aborted ? cutShort(thrown, whose) : interruption(signal, whose, committed);
      const failure = failureOf(step.revision, error, committed);
      this.#failed(failure, error);
      observe({ kind: "step-failed", step, problem: failure.problem });
      return { error, failure };
    };
    if (!signal.aborted) return fail(UNASKED).error;
    using limit = timeLimit(ASK_MS);
    try {
      return await orAbort(this.#askAtEnd({ step, body, fail }, limit.signal), limit.signal);
    } catch {
      return this.#errors.get(step.revision) ?? fail(UNASKED).error;
    }
  }

  async #askAtEnd({ step, body, fail }: AtEnd, signal: AbortSignal): Promise<GodwitError | null> {
    const context = { ...this.#context, signal };
    await using connection = await this.#target.open({ applicationName: applicationNameOf(context), signal });
    await prepareSession(connection, this.#target, context);
    const session = this.#session;
    if (session === null) return fail(UNASKED).error;
    const committed = await keptAtEnd(this.#target, connection, { step, body, session });
    signal.throwIfAborted();
    await this.#recall(connection, true);
    signal.throwIfAborted();
    if (this.#underWay === undefined) return null;
    const { error, failure } = fail(committed);
    await logFailure({ ledger: this.#target.ledger, connection, author: context }, step, failure);
    return error;
  }

  async #once(connection: Connection, ...[listing, waits]: [Promise<Listing>, OwnWaits]): Promise<void> {
    using _ = waits.watch(connection);
    const { capabilities, server } = connection;
    this.#session = capabilities.session ? { pid: server.backendPid, sinceMs: performance.now() } : null;
    try {
      await prepareSession(connection, this.#target, this.#context);
      const guard = guardOf(this.#target.settings);
      if (guard !== "") await connection.execute(guard);
      const files = await orAbort(listing, this.#context.signal);
      const lock = await this.#lock(connection);
      try {
        await this.#underLock(connection, lock, files);
        if (this.#options.goal.direction === "up") refuseUnusable(files);
      } catch (error) {
        throw await explainedBySchema(error, this.#target.settings, connection);
      } finally {
        if (!connection.lost.aborted) await lock.release().catch(() => {});
      }
    } finally {
      await connection.close();
    }
  }

  async #lock(connection: Connection): Promise<Lock> {
    const { observe } = this.#context;
    const { version, database, user } = connection.server;
    const kind = connection.capabilities.session ? "session" : "lease";
    observe({ kind: "connected", database, user, version, lock: kind });
    if (connection.pooler !== undefined) this.#warn(pooled(connection.pooler));
    const started = performance.now();
    const lock = await acquireLock(this.#target, connection, this.#context);
    const waitedMs = performance.now() - started;
    this.#waitedMs += waitedMs;
    observe({ kind: "lock-acquired", waitedMs });
    if (lock.caveat !== undefined) this.#warn(lock.caveat);
    return lock;
  }

  async #underLock(connection: Connection, lock: Lock, files: Listing): Promise<void> {
    const target = this.#target;
    const [read, invalid] = await Promise.all([target.ledger.read(connection), invalidIndexes(connection)]);
    const place = {
      target,
      connection,
      lock,
      context: this.#context,
      warn: (problem: Problem) => this.#warn(problem),
    };
    // What is taken over or told is written before there is a plan.
    refuseForeign(target, files, read);
    const beside = await adoptInPassing(place, { files, history: read });
    const { history, keeper, untold, theirs, remember, watch, advisory, passedOver } = beside;
    if (this.#prepared.length > 0) await this.#recall(connection, read.created);
    const goal = goalLeft(this.#options.goal, this.#counted);
    if (goal === null) return;
    const asked = planInput(target, { ...this.#options, goal }, files, history);
    const input = { ...asked, policy: { ...asked.policy, failed: new Set(this.#errors.keys()), passedOver } };
    const decided = plan(input);
    this.#plan = decided;
    this.#remaining = new Set(decided.steps.map((step) => step.revision));
    this.#keepFailures();
    this.#context.observe({ kind: "planned", plan: decided });
    for (const warning of decided.warnings) this.#warn(warning);
    this.#invalidBefore ??= new Set(invalid.map(({ oid }) => oid));
    this.#mentions ??= createMentions(invalid);
    const mentions = this.#mentions;
    if (decided.steps.length === 0) this.#warnOfInvalid(invalid);
    const { failure, outOfOrder } = this.#options;
    const isOvertaken = (revision: string) =>
      failure === "continue" && !outOfOrder && isOvertakenIn(input, decided.steps, revision);
    await this.#refuseFatal(connection, decided, isOvertaken);
    if (decided.direction === "down" && theirs !== null && parseKeep(target.settings.keep) !== "none")
      refuseUntoldDown(theirs.found, { steps: decided.steps, theirs: theirs.revisions });
    if (keeper !== null && decided.direction === "up") await tellTool(place, { keeper, files, untold });
    if (decided.steps.length === 0) return;
    await refuseReadOnly(connection);

    const prepared = await prepareSteps({
      steps: decided.steps,
      migrations: new Map(files.migrations.map((migration: Migration) => [migration.id, migration])),
      source: target.source,
      history,
    });
    if (this.#options.failure === "stop") refuseBroken(prepared);
    for (const warning of await lockTimeoutWarnings(prepared, target.settings)) this.#warn(warning);
    if (!history.created) {
      await target.ledger.create(connection, target.settings.project);
      if (remember !== "") await connection.execute(`begin; ${lock.fence} ${remember} commit`);
    }
    if (keeper?.create != null) await makeTable(connection, keeper);
    await lock.announce(
      `${decided.direction} ${decided.steps.length} migrations: ${decided.steps[0]?.revision} ...`,
    );
    const untoldOf = untoldWarning(target, { steps: decided.steps, history, kept: keeper !== null });
    if (untoldOf !== null) this.#warn(untoldOf);
    this.#prepared = prepared;
    for (const { step } of prepared) if (step.kind === "repeatable") this.#repeatables.add(step.revision);
    const work: Work = {
      target,
      context: this.#context,
      connection,
      lock,
      ledger: target.ledger,
      author: this.#context,
      kind: sessionKind(connection, this.#context),
      stop: AbortSignal.any([this.#context.signal, lock.lost]),
      count: decided.steps.length,
      warn: (problem) => this.#warn(problem),
      isOvertaken,
      late: (error) => {
        this.#late ??= error;
        this.#warn(error.toProblem());
      },
      sent: mentions.note,
      cut: this.#cut,
      ...{ keeper, watch, advisory },
    };
    await clearNamedIndexes(work, prepared, invalid);
    if (invalid.length > 0) await noteTexts(mentions, prepared);
    const stopNotices = connection.onNotice(boundedNotices(this.#context.observe));
    const stopSkipped = connection.onNotice(({ sqlState, message }) => {
      if (sqlState === DUPLICATE_TABLE && this.#skipped.length < MOST_SKIPPED) this.#skipped.push(message);
    });
    try {
      await execute(work, prepared, {
        policy: this.#options.failure,
        onDone: (report) => this.#finished(report),
        onFailed: (failure, error) => this.#failed(failure, error),
        failedBefore: new Map(this.#errors),
      });
    } catch (error) {
      if (!connection.lost.aborted)
        this.#warnOfInvalid(await invalidIndexes(connection).catch(() => invalid));
      throw error;
    } finally {
      stopNotices();
      stopSkipped();
    }
    await ownSession(work);
    await this.#assert(work, prepared, decided);
    if (watch != null) await refuseMeanwhile(connection, watch);
    await warnOfKept(work, prepared, this.#skipped);
  }

  #failed(failure: StepFailure, error: GodwitError): void {
    this.#failures.push(failure);
    this.#errors.set(failure.revision, error);
    this.#remaining.delete(failure.revision);
  }

  /** After a lost connection: what is still to do failed for good, unless another run has done it meanwhile. */
  #keepFailures(): void {
    const kept = this.#failures.filter(({ revision }) => this.#remaining.has(revision));
    this.#failures.splice(0, this.#failures.length, ...kept);
    const revisions = new Set(kept.map(({ revision }) => revision));
    for (const revision of this.#errors.keys()) {
      if (revisions.has(revision)) this.#remaining.delete(revision);
      else this.#errors.delete(revision);
    }
  }

  #finished(report: StepReport): void {
    this.#done.push(report);
    if (!this.#repeatables.has(report.revision)) this.#counted++;
    this.#remaining.delete(report.revision);
  }

  /**
   * After a lost connection the ledger that answers now counts, and it may be another server's. Steps whose COMMIT reached
   * it are done although its answer did not reach us; steps that were reported done and are not in it are pending again.
   */
  async #recall(connection: Connection, created: boolean): Promise<void> {
    const steps = created ? await this.#target.ledger.stepsOf(connection, this.#context.runId) : [];
    const recorded = new Set(steps.map(({ revision }) => revision));
    const gone = this.#done.filter(({ revision }) => !recorded.has(revision)).map(({ revision }) => revision);
    if (gone.length > 0) {
      this.#done.splice(0, this.#done.length, ...this.#done.filter(({ revision }) => recorded.has(revision)));
      this.#counted -= gone.filter((revision) => !this.#repeatables.has(revision)).length;
      this.#warn(stepsGone(gone));
    }
    const reported = new Set(this.#done.map((report) => report.revision));
    for (const { revision, durationMs } of steps) {
      const index = this.#prepared.findIndex((prepared) => prepared.step.revision === revision);
      const prepared = this.#prepared[index];
      if (prepared === undefined || reported.has(revision)) continue;
      reported.add(revision);
      const { step, form } = prepared;
      const report: StepReport = {
        revision,
        direction: step.direction,
        phase: step.phase,
        durationMs: durationMs ?? 0,
        attempts: 1,
        transactional: form === "transaction" || form === "module",
      };
      this.#finished(report);
      const underWay = this.#underWay;
      this.#context.observe({ kind: "step-done", step, report, index, count: this.#prepared.length });
      if (underWay !== revision) this.#underWay = underWay;
    }
  }

  /** One that was running whenever the connection was lost is begun twice at most: it may be what ends the session. */
  async #refuseFatal(
    connection: Connection,
    decided: Plan,
    isOvertaken: (revision: string) => boolean,
  ): Promise<void> {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    const step = decided.steps.find(({ revision }) => !this.#errors.has(revision));
    if (underWay === undefined || step === undefined) return;
    if (this.#suspect !== step.revision) {
      this.#suspect = step.revision;
      return;
    }
    const prepared = this.#prepared.find((one) => one.step.revision === step.revision);
    const body = (await prepared?.load()) ?? null;
    const again = againOf({ isOvertaken }, step);
    const { problem, committed } = await endsSession(this.#target, connection, step, { again, body });
    this.#failed(failureOf(step.revision, problem, committed), problem);
    this.#context.observe({ kind: "step-failed", step, problem: problem.toProblem() });
    if (this.#options.failure === "stop") throw problem;
  }

  /** The last promise before exit 0: what was planned is in the ledger, and every new index works. */
  async #assert(work: Work, prepared: readonly Prepared[], decided: Plan): Promise<void> {
    const { connection } = work;
    await work.lock.confirm();
    const [history, invalid] = await Promise.all([
      this.#target.ledger.read(connection, { evenDamaged: true }),
      invalidIndexes(connection),
    ]);
    const applied = new Set(
      history.entries.filter((entry) => entry.state === "applied").map((entry) => entry.revision),
    );
    const wrong = decided.steps.filter((step) => applied.has(step.revision) !== (step.direction === "up"));
    if (wrong.length > 0)
      throw new StepFailed({
        code: "RUN_INCOMPLETE",
        message: `The run ended, but the ledger does not say so of ${wrong.map((step) => step.revision).join(", ")}.`,
        hint: "Run again; if it stays, look for a trigger on the ledger.",
      });
    const named = await namedIndexes(work, prepared, invalid);
    const mentioned = await this.#mentions?.found(work, invalid);
    const broken = invalid.filter(
      (index) => named.has(index.name) || this.#isBroken(index, mentioned?.has(index.name)),
    );
    this.#warnOfInvalid(invalid.filter((index) => !broken.includes(index)));
    if (broken.length > 0) throw new StepFailed(leftInvalid(broken));
    if (this.#late !== undefined) throw this.#late;
  }

  /** By this run, or kept by it. An index on the parent of partitions alone waits for those of its parts. */
  #isBroken({ oid, bareName, builder, parted, brokenPart }: InvalidIndex, mentioned = false): boolean {
    if (builder !== null || (parted !== null && !brokenPart)) return false;
    if (mentioned) return true;
    return this.#invalidBefore?.has(oid) !== true || isIn(this.#skipped, bareName);
  }

  #warnOfInvalid(invalid: readonly InvalidIndex[]): void {
    for (const index of invalid) if (index.builder === null) this.#warn(invalidIndex(index));
  }

  #warn(problem: Problem): void {
    this.#context.observe({ kind: "warning", problem });
  }

  /** Whether it is new. */
  #keepWarning(problem: Problem): boolean {
    const key = `${problem.code} ${problem.message}`;
    if (this.#warnings.has(key)) return false;
    this.#warnings.set(key, problem);
    return true;
  }
}

function isGone(error: unknown): error is DatabaseError {
  return (
    error instanceof DatabaseError &&
    (error.code === "DATABASE_CONNECTION_LOST" || error.code === "DATABASE_UNREACHABLE")
  );
}

interface AtEnd {
  readonly step: Step;
  readonly body: Body | null;
  readonly fail: (committed: Committed) => { readonly error: GodwitError; readonly failure: StepFailure };
}

/** Under `continue` they stopped nobody, but what they were meant for is not done. */
function refuseUnusable({ problems: [first, ...others] }: Listing): void {
  if (first !== undefined) throw new SourceError([first, ...others]);
}

/** With what another tool takes for applied. */
export function beside(
  input: ReturnType<typeof planInput>,
  passedOver: ReadonlyMap<string, string>,
): ReturnType<typeof planInput> {
  return { ...input, policy: { ...input.policy, passedOver } };
}

export function planInput(
  target: Target,
  options: MigrateOptions,
  files: Listing,
  history: History,
): Parameters<typeof plan>[0] {
  return {
    migrations: files.migrations,
    problems: files.problems,
    order: target.settings.order,
    history,
    goal: options.goal,
    policy: { outOfOrder: options.outOfOrder, failure: options.failure, project: target.settings.project },
  };
}

function pooled(advice: string): Problem {
  return {
    code: "DATABASE_POOLED",
    message:
      "A connection pooler in transaction mode stands before the database: migrations run slower, and a run that dies keeps the next one waiting.",
    hint: advice,
  };
}

/** Of a goal that counts steps, what is left of it; `null`: nothing. */
function goalLeft(goal: Goal, done: number): Goal | null {
  const [, sign, count] = /^([+-])(\d+)$/.exec(goal.to) ?? [];
  if (sign === undefined || done === 0) return goal;
  const left = Number(count) - done;
  return left > 0 ? { ...goal, to: `${sign}${left}` } : null;
}

function stepsGone(revisions: readonly string[]): Problem {
  const are = revisions.length === 1 ? "is" : "are";
  return {
    code: "DATABASE_CONNECTION_LOST",
    message: `${revisions.join(", ")} had been done, and ${are} not in the ledger of the server that answers now: it lost what was committed, or is another one.`,
    hint: "What is missing is applied again. After a failover, look for what else the new server lacks.",
    details: { revisions },
  };
}
