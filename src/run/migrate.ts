/**
 * `up` and `down`: from a target to a report.
 *
 *   connect ─► lock ─► read files and ledger ─► plan ─► prepare ─► steps ─► assert ─► report
 *      ▲                                                            │
 *      └──────────────── the connection is lost ◄───────────────────┘
 *
 * A lost connection has lost lock and open transaction with it, and possibly the answer to a COMMIT. The run
 * never guesses: it connects again, waits for the lock (the old session may still live for a moment) and plans
 * again from the ledger. What was committed is in there; what was not is pending again. The log, where every row
 * has its run's id, says which of it was this run's own doing: that belongs into the report, and counts for a goal
 * such as `-1`, which would otherwise take back one more.
 */
import type { Migration } from "../core/migration.ts";
import { isOvertakenIn, plan } from "../core/plan.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError, GodwitError, Interrupted, type Problem, StepFailed } from "../errors.ts";
import type { Listing } from "../source/source.ts";
import { orAbort } from "../std/time.ts";
import { adoptInPassing, type InStep, makeTable, tellTool, warnUnmirrored } from "./adopt/in-step.ts";
import { DriftWatch } from "./catalog/drift-watch.ts";
import { invalidIndexes } from "./catalog/indexes.ts";
import { refuseUnmirroredDown } from "./mirror/reruns.ts";
import { refuseMeanwhile } from "./mirror/tool-watch.ts";
import { forPlanning, goalOf, type MigrateOptions, planInput, refuseUnusable, restOfGoal } from "./plan.ts";
import { keepPredictions } from "./predictions.ts";
import { boundedNotices } from "./report/notices.ts";
import type { Report } from "./report/report.ts";
import { Tally } from "./report/tally.ts";
import { connect, prepareSession, refuseReadOnly, sessionKind } from "./session/connect.ts";
import { asInterruption } from "./session/ending.ts";
import { doingOf, lockForRun, retakeLock } from "./session/locked.ts";
import { type OwnWaits, patiently } from "./session/own-waits.ts";
import { refuseForeign } from "./session/owner.ts";
import { asSchemaGone, explainedBySchema } from "./session/schema-gone.ts";
import { guardOf } from "./session/settings.ts";
import type { RunContext, Target } from "./session/target.ts";
import { writeUnderLock } from "./session/transaction.ts";
import { assertApplied } from "./step/assert-applied.ts";
import { stepsOfTurn } from "./step/backfill/beside.ts";
import { waitForOthers } from "./step/backfill/elsewhere.ts";
import { dropExpired } from "./step/backfill/expired.ts";
import { ownSession, type StepContext } from "./step/context.ts";
import { execute } from "./step/execute.ts";
import { refuseUnfit } from "./step/fitting.ts";
import { IndexCheck, warnOfInvalid } from "./step/index-check.ts";
import { leftInvalid } from "./step/leftover-indexes.ts";
import { prepareSteps } from "./step/prepare.ts";
import { Reconnection } from "./step/reconnection.ts";

/** Throws a `GodwitError` whose `report` says what had been done, unless all that was asked for is done. */
export async function migrate(target: Target, options: MigrateOptions, context: RunContext): Promise<Report> {
  const run = new Run(target, options, context);
  context.soFar?.(() => run.report("interrupted"));
  try {
    const report = await run.all();
    context.observe({ kind: "finished", report });
    return report;
  } catch (thrown) {
    const error = (await run.ended(thrown)) ?? asSchemaGone(asInterruption(thrown, context.signal));
    if (!(error instanceof GodwitError)) throw error;
    const rest = run.rest();
    if (rest !== undefined) error.adviseAlso(rest);
    const report = run.report(error instanceof Interrupted ? "interrupted" : "failed");
    error.report = report;
    context.observe({ kind: "finished", report });
    throw error;
  }
}

/** Lost connections in a row, without a step in between, before the run gives up. */
const RECONNECTS = 5;

class Run {
  readonly #target: Target;
  readonly #options: MigrateOptions;
  readonly #context: RunContext;
  readonly #tally = new Tally();
  readonly #reconnection: Reconnection;
  readonly #drift = new DriftWatch();
  /** A step that was reported done was not at its end. */
  #late: GodwitError | undefined;
  #indexes: IndexCheck | undefined;
  /** Backfills that other runs are carrying out, for which steps of the last plan wait. */
  #elsewhere: readonly string[] = [];

  constructor(target: Target, options: MigrateOptions, context: RunContext) {
    this.#target = target;
    this.#options = options;
    this.#context = {
      ...context,
      observe: (event) => {
        this.#reconnection.noticed(event);
        if (event.kind === "warning" && !this.#tally.warned(event.problem)) return;
        context.observe(event);
      },
    };
    this.#reconnection = new Reconnection(target, this.#context, this.#tally);
  }

  async all(): Promise<Report> {
    const listing = this.#target.source.list();
    listing.catch(() => {});
    for (let lost = 1; ; lost++) {
      const before = this.#tally.settled;
      let again = false;
      try {
        let attempts = 0;
        await patiently(this.#target, this.#context, async (waits) => {
          // A lock stopped the attempt before this one: no step has ended its session.
          if (attempts++ > 0) this.#reconnection.forgetStep();
          again = await this.#once(await connect(this.#target, this.#context), listing, waits);
        });
        if (again) {
          this.#reconnection.prepared = [];
          lost = 0;
          continue;
        }
        const [first] = this.#tally.errors.values();
        if (first !== undefined) throw first;
        return this.report("done");
      } catch (error) {
        const gone = error instanceof DatabaseError && error.code === "DATABASE_CONNECTION_LOST";
        if (this.#tally.settled > before) lost = 1;
        if (!gone || lost > RECONNECTS || this.#context.signal.aborted) throw error;
        this.#reconnection.lost(error);
        this.#context.observe({ kind: "connection-lost", problem: error.toProblem() });
      }
    }
  }

  /** The failure of the step that was under way when the connection was lost for good; `null`: there is none. */
  ended(thrown: unknown): Promise<GodwitError | null> {
    return this.#reconnection.ended(thrown);
  }

  /** Which command does what is left, if it is not the same command. */
  rest(): string | undefined {
    const rest = restOfGoal(this.#options, this.#tally.counted);
    if (rest !== undefined) this.#tally.adviseFailures(rest);
    return rest;
  }

  report(outcome: Report["outcome"]): Report {
    const command = this.#options.goal.direction;
    return this.#tally.report({ command, target: this.#target.name, runId: this.#context.runId, outcome });
  }

  /** Returns whether steps are left, for which the ledger is read anew. */
  async #once(connection: Connection, ...[listing, waits]: [Promise<Listing>, OwnWaits]): Promise<boolean> {
    using _ = waits.watch(connection);
    this.#reconnection.connected(connection);
    try {
      await prepareSession(connection, this.#target, this.#context);
      const guard = guardOf(this.#target.settings);
      if (guard !== "") await connection.execute(guard);
      const files = await orAbort(listing, this.#context.signal);
      const waited = (ms: number) => {
        this.#tally.waitedMs += ms;
      };
      const lock = await lockForRun(this.#target, connection, this.#context, { warn: this.#warn, waited });
      const place = { target: this.#target, connection, lock, context: this.#context, warn: this.#warn };
      try {
        if (await this.#underLock(place, files)) return true;
        if (this.#options.goal.direction === "up") refuseUnusable(files);
      } catch (error) {
        const told = await this.#reconnection.stopped(error, { connection, lock });
        throw await explainedBySchema(told, this.#target.settings, connection);
      } finally {
        await this.#drift.keep(place, this.#tally.settled);
        if (!connection.lost.aborted) await lock.release().catch(() => {});
      }
      return this.#options.waitForBackfills === true && (await waitForOthers(place, this.#elsewhere));
    } finally {
      await connection.close();
    }
  }

  async #underLock(place: InStep, files: Listing): Promise<boolean> {
    const { target, connection, lock } = place;
    const reading = target.ledger.read(connection);
    const dropping = this.#options.goal.direction === "up" ? dropExpired(place) : undefined;
    // Sent last, because the others would fail in its transaction where it fails.
    const [read, invalid] = await Promise.all([reading, invalidIndexes(connection), dropping]);
    // What is taken over or told is written before there is a plan.
    refuseForeign(target, files, read);
    if (this.#options.requireNoDrift === true && read.created) await this.#drift.refuse(place);
    const beside = await adoptInPassing(place, { files, history: read });
    const { mirror, missingThere, there, remember, watch, advisory, passedOver, unmirrored } = beside;
    const history = await forPlanning(target, connection, { files, history: beside.history });
    await this.#reconnection.recall(connection, read.created);
    const goal = goalOf(this.#options, this.#tally.counted, read);
    if (goal === null) return false;
    const asked = planInput(target, { ...this.#options, goal }, files, history);
    const policy = { ...asked.policy, failed: new Set(this.#tally.errors.keys()), passedOver };
    const input = { ...asked, policy };
    const decided = plan(input);
    this.#options.approve?.(decided);
    this.#tally.planned(decided);
    this.#options.onPlanned?.(input);
    this.#context.observe({ kind: "planned", plan: decided });
    this.#elsewhere = [...(history.running?.keys() ?? [])].filter((one) => decided.waiting?.includes(one));
    for (const warning of decided.warnings) this.#warn(warning);
    this.#indexes ??= new IndexCheck(invalid);
    const indexes = this.#indexes;
    if (decided.steps.length === 0) warnOfInvalid(place, invalid);
    const { failure, outOfOrder, runAgain, until } = this.#options;
    const isOvertaken = (revision: string) =>
      failure === "continue" && !outOfOrder && isOvertakenIn(input, decided.steps, revision);
    const fatal = await this.#reconnection.fatal(connection, decided.steps, isOvertaken);
    if (fatal !== null && failure === "stop") throw fatal;
    if (decided.direction === "down") refuseUnmirroredDown(target, there, decided);
    if (decided.steps.length > 0) await this.#options.beforeSteps?.(connection);
    if (mirror !== null && decided.direction === "up") await tellTool(place, { mirror, files, missingThere });
    if (decided.steps.length === 0) return false;
    await refuseReadOnly(connection);
    if (read.created) await this.#drift.look(place, { tell: decided.direction === "up" });
    const prepared = await prepareSteps({
      steps: decided.steps,
      migrations: new Map(files.migrations.map((migration: Migration) => [migration.id, migration])),
      source: target.source,
      history,
      signal: this.#context.signal,
    });
    const unsure = await refuseUnfit(target, connection, prepared, { options: this.#options, there });
    for (const warning of unsure) this.#warn(warning);
    if (!history.created) {
      await target.ledger.create(connection, target.settings.project);
      if (remember !== "") await writeUnderLock(connection, lock, remember);
    }
    if (mirror?.create != null) await makeTable(connection, mirror);
    const doing = doingOf(decided);
    await lock.announce(doing);
    await keepPredictions(place, decided, this.#options.predicted);
    await warnUnmirrored(place, { steps: decided.steps, history, mirrored: mirror !== null, unmirrored });
    this.#reconnection.prepared = prepared;
    for (const { step } of prepared) if (step.kind === "repeatable") this.#tally.repeatable(step.revision);
    const mayShare = lock.kind === "session" && mirror === null && this.#options.rollback !== true;
    const context: StepContext = {
      ...place,
      observe: this.#context.observe,
      ledger: target.ledger,
      author: this.#context,
      kind: sessionKind(connection, this.#context),
      stop: AbortSignal.any([this.#context.signal, lock.lost]),
      count: decided.steps.length,
      isOvertaken,
      late: (error) => {
        this.#late ??= error;
        this.#warn(error.toProblem());
      },
      sent: indexes.sent,
      cut: this.#reconnection.cut,
      lostAt: (known) => this.#reconnection.lostAt(known),
      ...{ mirror, watch, advisory, again: history.again, runAgain, until },
      ...(mayShare && watch == null ? { retake: () => retakeLock(place, doing) } : {}),
    };
    const turn = mayShare ? stepsOfTurn(prepared, this.#tally.errors) : prepared;
    const again = turn.length < prepared.length;
    await indexes.before(context, turn, invalid);
    const stopNotices = connection.onNotice(boundedNotices(this.#context.observe));
    const stopListening = indexes.listen(connection);
    try {
      await execute(context, turn, {
        policy: this.#options.failure,
        onDone: (report) => this.#tally.finished(report),
        onFailed: (failure, error) => this.#tally.failed(failure, error),
        failedBefore: new Map(this.#tally.errors),
      });
    } catch (error) {
      // Under `continue` what does not depend on the failed step is still to come.
      if (again && failure === "continue" && this.#tally.isOfStep(error)) return true;
      if (!connection.lost.aborted)
        warnOfInvalid(context, await invalidIndexes(connection).catch(() => invalid));
      throw error;
    } finally {
      stopNotices();
      stopListening();
    }
    await ownSession(context);
    await assertApplied(context, { ...decided, steps: turn.map(({ step }) => step) });
    const broken = await indexes.broken(context, turn);
    if (broken.length > 0) throw new StepFailed(leftInvalid(broken));
    if (this.#late !== undefined) throw this.#late;
    if (watch != null) await refuseMeanwhile(connection, watch);
    await indexes.warnOfKept(context, turn);
    return again;
  }

  readonly #warn = (problem: Problem): void => {
    this.#context.observe({ kind: "warning", problem });
  };
}
