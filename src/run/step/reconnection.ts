/**
 * What a run carries over a lost connection: which step was under way, and which steps it has done. The ledger that answers next
 * decides what of them counts.
 */
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { DatabaseError, GodwitError, type Problem } from "../../errors.ts";
import type { Lock } from "../../lock/lock.ts";
import { orAbort, timeLimit } from "../../std/time.ts";
import { type Committed, NOTHING, UNASKED, UNASKED_OUTSIDE } from "../report/committed.ts";
import type { RunEvent } from "../report/events.ts";
import type { StepFailure, StepReport } from "../report/report.ts";
import type { Tally } from "../report/tally.ts";
import { applicationNameOf, prepareSession, sessionKind } from "../session/connect.ts";
import { asInterruption } from "../session/ending.ts";
import { resetSession } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import { rollback } from "../session/transaction.ts";
import type { Body } from "./body.ts";
import type { StepContext } from "./context.ts";
import { endSession, endsSession, keptNow, partsKept, type ServerSession } from "./ends-session.ts";
import { logFailure } from "./execute.ts";
import { cutShort, interruptedBefore, interruption } from "./interruption.ts";
import type { Prepared } from "./prepared.ts";
import { failureOf, howToRerun } from "./step-error.ts";

/** How long a run that must end, and has lost its connection, asks what was kept. Within the grace of `session/ending.ts`. */
const ASK_MS = 2_000;

export class Reconnection {
  readonly #target: Target;
  readonly #context: RunContext;
  readonly #tally: Tally;
  /** The step that was running when the connection was lost, until the next attempt has looked at it. */
  #underWay: string | undefined;
  /** This run has begun the step, and has not said how it ended. Later attempts included. */
  #begun: string | undefined;
  /** What is known of that step without asking the ledger. */
  #known: Committed | undefined;
  /** The steps of the plan that was made last. */
  #planned: readonly Step[] = [];
  /** The first step that was not done when the connection was lost while a step was under way, and how far it was. */
  #suspect: { readonly revision: string; readonly kept: number } | undefined;
  /** The step that was under way when the connection was last lost. */
  cut: StepContext["cut"];
  /** Ours that may be at the server. Empty where a connection is no session. */
  #sessions: readonly ServerSession[] = [];
  /** The steps of the attempt before. */
  prepared: readonly Prepared[] = [];

  /** `context`: where events go; they come back by `noticed`. */
  constructor(target: Target, context: RunContext, tally: Tally) {
    this.#target = target;
    this.#context = context;
    this.#tally = tally;
  }

  connected({ capabilities, server }: Connection): void {
    const session = { pid: server.backendPid, sinceMs: performance.now() };
    this.#sessions = capabilities.session ? [...this.#sessions, session] : [];
  }

  noticed(event: RunEvent): void {
    if (event.kind === "planned") this.#replanned(event.plan.steps);
    else if (event.kind === "step-started") {
      this.#begun = this.#underWay = event.step.revision;
      this.#known = undefined;
    } else if (event.kind === "step-done" || event.kind === "step-failed") {
      this.#underWay = undefined;
      if (event.step.revision === this.#begun) this.#begun = undefined;
    } else if (event.kind === "backfill-progress" || event.kind === "backfill-paused") {
      // It gets on, or waits: what ended the session before was not this step.
      this.#suspect = undefined;
      this.#tally.windowSettled();
    }
  }

  /** A plan is made under the lock, so the sessions before this one have ended. */
  #replanned(steps: readonly Step[]): void {
    this.#planned = steps;
    this.#sessions = this.#sessions.slice(-1);
    const begun = steps.find(({ revision }) => revision === this.#begun);
    if (begun === undefined) this.#begun = undefined;
    // The ledger has no row of it, and nobody is left to commit one.
    else if (begun.reason !== "resume") this.#known = NOTHING;
  }

  lostAt(known: Committed): void {
    this.#known = known;
  }

  /** The next attempt comes for another reason than a lost connection. */
  forgetStep(): void {
    this.#underWay = undefined;
  }

  lost(error: DatabaseError): void {
    if (this.#underWay !== undefined) this.cut = { revision: this.#underWay, error };
  }

  /**
   * After a lost connection the ledger that answers now counts, and it may be another server's. Steps whose COMMIT reached
   * it are done although its answer did not reach us; steps that were reported done and are not in it are pending again.
   */
  async recall(connection: Connection, created: boolean): Promise<void> {
    if (this.prepared.length === 0) return;
    const steps = created ? await this.#target.ledger.stepsOf(connection, this.#context.runId) : [];
    const recorded = new Set(steps.map(({ revision }) => revision));
    const reported = new Set(this.#tally.done);
    const gone = [...reported].filter((revision) => !recorded.has(revision));
    for (const revision of gone) reported.delete(revision);
    if (gone.length > 0) {
      this.#tally.undone(gone);
      this.#context.observe({ kind: "warning", problem: stepsGone(gone) });
    }
    for (const { revision, durationMs } of steps) {
      const index = this.prepared.findIndex((prepared) => prepared.step.revision === revision);
      const prepared = this.prepared[index];
      if (prepared === undefined || reported.has(revision)) continue;
      reported.add(revision);
      const { step, form } = prepared;
      const report: StepReport = {
        revision,
        direction: step.direction,
        phase: step.phase,
        durationMs: durationMs ?? 0,
        attempts: 1,
        transactional: form.transactional,
      };
      this.#tally.finished(report);
      const underWay = this.#underWay;
      this.#context.observe({ kind: "step-done", step, report, index, count: this.prepared.length });
      if (underWay !== revision) this.#underWay = underWay;
    }
  }

  /**
   * The failure of a step that was running each time that the connection was lost: it may be what ends the session, so it is
   * begun twice at most from where it is. It is in the books then. `null`: there is no such step, or it got further.
   */
  async fatal(
    connection: Connection,
    steps: readonly Step[],
    isOvertaken: (revision: string) => boolean,
  ): Promise<GodwitError | null> {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    const step = steps.find(({ revision }) => !this.#tally.errors.has(revision));
    if (underWay === undefined || step === undefined) return null;
    const kept = await partsKept(this.#target.ledger, connection, step);
    if (this.#suspect?.revision !== step.revision || kept > this.#suspect.kept) {
      this.#suspect = { revision: step.revision, kept };
      return null;
    }
    const prepared = this.prepared.find((one) => one.step.revision === step.revision);
    const body = (await prepared?.load()) ?? null;
    const rerun = howToRerun({ isOvertaken }, step);
    const { problem, committed } = await endsSession(this.#target, connection, step, { rerun, body });
    const failure = failureOf(step.revision, problem, committed);
    this.#tally.failed(failure, problem);
    this.#context.observe({ kind: "step-failed", step, problem: failure.problem });
    const { ledger } = this.#target;
    await logFailure({ ledger, connection, author: this.#context }, step, failure).catch(() => {});
    return problem;
  }

  /**
   * The run ends, and the connection went while a step was under way: that step as a failure, with what the ledger says of it
   * where a signal or the deadline ends the run. Where that step is done, the error says why the run ended, and no more. `null`:
   * there is no such step.
   */
  async ended(thrown: unknown): Promise<GodwitError | null> {
    const { signal, observe } = this.#context;
    const prepared = this.prepared.find(({ step }) => step.revision === this.#begun);
    if (prepared === undefined || !(signal.aborted || isGone(thrown))) return null;
    const { step } = prepared;
    const body = await prepared.load().catch(() => null);
    const failed = { ...step, file: body?.file ?? step.file };
    const fail = (committed: Committed) => {
      const error =
        isGone(thrown) && !signal.aborted
          ? cutShort(thrown, failed, committed)
          : interruption(signal, failed, committed);
      const failure = failureOf(step.revision, error, committed);
      this.#tally.failed(failure, error);
      observe({ kind: "step-failed", step, problem: failure.problem });
      return { error, failure };
    };
    const known = this.#known ?? (prepared.form.transactional ? UNASKED : UNASKED_OUTSIDE);
    if (!signal.aborted) return fail(known).error;
    using limit = timeLimit(ASK_MS);
    try {
      return await orAbort(this.#askAtEnd({ step, body, known, fail }, limit.signal), limit.signal);
    } catch {
      return this.#tally.errors.get(step.revision) ?? fail(known).error;
    }
  }

  /**
   * The error of a run that must end between two steps, on a connection that it still has. It says what is kept of the step that is
   * open: one that this run has begun before it lost its connection, or one that an earlier run has left.
   */
  async stopped(thrown: unknown, { connection, lock }: LockedConnection): Promise<unknown> {
    const stop = AbortSignal.any([this.#context.signal, lock.lost]);
    if (!stop.aborted || connection.lost.aborted || asInterruption(thrown, stop) !== stop.reason)
      return thrown;
    const settled = new Set([...this.#tally.done, ...this.#tally.errors.keys()]);
    const left = this.#planned.filter(({ revision }) => !settled.has(revision));
    const begun = left.find(({ revision }) => revision === this.#begun);
    const step = begun ?? left[0];
    if (step === undefined) return thrown;
    if (begun === undefined && step.reason !== "resume") return interruptedBefore(stop, step);
    const prepared = this.prepared.find((one) => one.step.revision === step.revision);
    const body = (await prepared?.load().catch(() => null)) ?? null;
    let committed: Committed;
    try {
      using limit = timeLimit(ASK_MS);
      committed = await orAbort(this.#ask(connection, { step, body }), limit.signal);
    } catch {
      return thrown;
    }
    const lost = this.cut?.revision === step.revision;
    const running = `${lost ? "after the connection was lost " : ""}while ${step.revision} was running`;
    const when = begun === undefined ? `before ${step.revision} was continued` : running;
    const error = interruption(stop, { ...step, file: body?.file ?? step.file }, committed, when);
    const failure = failureOf(step.revision, error, committed);
    this.#tally.failed(failure, error);
    this.#context.observe({ kind: "step-failed", step, problem: failure.problem });
    const { ledger } = this.#target;
    await logFailure({ ledger, connection, author: this.#context }, step, failure).catch(() => {});
    return error;
  }

  /** The session may be in a transaction, and in the settings of a migration. */
  async #ask(
    connection: Connection,
    open: { readonly step: Step; readonly body: Body | null },
  ): Promise<Committed> {
    await rollback(connection);
    const kind = sessionKind(connection, this.#context);
    if (kind.session) await connection.execute(resetSession(kind, this.#target.settings, {}));
    return keptNow(this.#target, connection, open);
  }

  async #askAtEnd({ step, body, known, fail }: AtEnd, signal: AbortSignal): Promise<GodwitError | null> {
    const context = { ...this.#context, signal };
    await using connection = await this.#target.open({ applicationName: applicationNameOf(context), signal });
    await prepareSession(connection, this.#target, context);
    if (this.#sessions.length === 0) return fail(known).error;
    for (const session of this.#sessions) await endSession(connection, session);
    const committed = await keptNow(this.#target, connection, { step, body });
    signal.throwIfAborted();
    await this.recall(connection, true);
    signal.throwIfAborted();
    // It is done, and so nothing is left whose end is not known.
    if (this.#begun === undefined) return endOf(this.#context.signal);
    const { error, failure } = fail(committed);
    await logFailure({ ledger: this.#target.ledger, connection, author: context }, step, failure);
    return error;
  }
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

interface LockedConnection {
  readonly connection: Connection;
  readonly lock: Lock;
}

interface AtEnd {
  readonly step: Step;
  readonly body: Body | null;
  readonly known: Committed;
  readonly fail: (committed: Committed) => { readonly error: GodwitError; readonly failure: StepFailure };
}

function endOf({ reason }: AbortSignal): GodwitError | null {
  return reason instanceof GodwitError ? reason : null;
}

function isGone(error: unknown): error is DatabaseError {
  return (
    error instanceof DatabaseError &&
    (error.code === "DATABASE_CONNECTION_LOST" || error.code === "DATABASE_UNREACHABLE")
  );
}
