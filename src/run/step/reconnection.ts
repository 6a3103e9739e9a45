/**
 * What a run carries over a lost connection: which step was under way, and which steps it has done. The ledger that answers next
 * decides what of them counts.
 */
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { DatabaseError, type GodwitError, type Problem } from "../../errors.ts";
import { orAbort, timeLimit } from "../../std/time.ts";
import { type Committed, UNASKED } from "../report/committed.ts";
import type { RunEvent } from "../report/events.ts";
import type { StepFailure, StepReport } from "../report/report.ts";
import type { Tally } from "../report/tally.ts";
import { applicationNameOf, prepareSession } from "../session/connect.ts";
import type { RunContext, Target } from "../session/target.ts";
import type { Body } from "./body.ts";
import type { StepContext } from "./context.ts";
import { endsSession, keptAtEnd, type Session } from "./ends-session.ts";
import { logFailure } from "./execute.ts";
import { cutShort, interruption } from "./interruption.ts";
import type { Prepared } from "./prepared.ts";
import { failureOf, howToRerun } from "./step-error.ts";

/** How long a run that must end, and has lost its connection, asks what was kept. Within the grace of `session/ending.ts`. */
const ASK_MS = 2_000;

export class Reconnection {
  readonly #target: Target;
  readonly #context: RunContext;
  readonly #tally: Tally;
  /** Begun, and not known to have ended. */
  #underWay: string | undefined;
  /** The first step that was not done when the connection was lost while a step was under way. */
  #suspect: string | undefined;
  /** The step that was under way when the connection was last lost. */
  cut: StepContext["cut"];
  /** Ours at the server, where one connection is one session. */
  #session: Session | null = null;
  /** The steps of the attempt before. */
  prepared: readonly Prepared[] = [];

  /** `context`: where events go; they come back by `noticed`. */
  constructor(target: Target, context: RunContext, tally: Tally) {
    this.#target = target;
    this.#context = context;
    this.#tally = tally;
  }

  connected({ capabilities, server }: Connection): void {
    this.#session = capabilities.session ? { pid: server.backendPid, sinceMs: performance.now() } : null;
  }

  noticed(event: RunEvent): void {
    if (event.kind === "step-started") this.#underWay = event.step.revision;
    else if (event.kind === "step-done" || event.kind === "step-failed") this.#underWay = undefined;
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
   * begun twice at most. It is in the books then. `null`: there is no such step.
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
    if (this.#suspect !== step.revision) {
      this.#suspect = step.revision;
      return null;
    }
    const prepared = this.prepared.find((one) => one.step.revision === step.revision);
    const body = (await prepared?.load()) ?? null;
    const rerun = howToRerun({ isOvertaken }, step);
    const { problem, committed } = await endsSession(this.#target, connection, step, { rerun, body });
    this.#tally.failed(failureOf(step.revision, problem, committed), problem);
    this.#context.observe({ kind: "step-failed", step, problem: problem.toProblem() });
    return problem;
  }

  /**
   * The run ends, and the connection went while a step was under way: that step as a failure, with what the ledger says of it
   * where a signal or the deadline ends the run. `null`: there is no such step, or it is done.
   */
  async ended(thrown: unknown): Promise<GodwitError | null> {
    const { signal, observe } = this.#context;
    const prepared = this.prepared.find(({ step }) => step.revision === this.#underWay);
    if (prepared === undefined || !(signal.aborted || isGone(thrown))) return null;
    const { step } = prepared;
    const body = await prepared.load().catch(() => null);
    const failed = { ...step, file: body?.file ?? step.file };
    const fail = (committed: Committed) => {
      const error =
        isGone(thrown) && !signal.aborted
          ? cutShort(thrown, failed)
          : interruption(signal, failed, committed);
      const failure = failureOf(step.revision, error, committed);
      this.#tally.failed(failure, error);
      observe({ kind: "step-failed", step, problem: failure.problem });
      return { error, failure };
    };
    if (!signal.aborted) return fail(UNASKED).error;
    using limit = timeLimit(ASK_MS);
    try {
      return await orAbort(this.#askAtEnd({ step, body, fail }, limit.signal), limit.signal);
    } catch {
      return this.#tally.errors.get(step.revision) ?? fail(UNASKED).error;
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
    await this.recall(connection, true);
    signal.throwIfAborted();
    if (this.#underWay === undefined) return null;
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

interface AtEnd {
  readonly step: Step;
  readonly body: Body | null;
  readonly fail: (committed: Committed) => { readonly error: GodwitError; readonly failure: StepFailure };
}

function isGone(error: unknown): error is DatabaseError {
  return (
    error instanceof DatabaseError &&
    (error.code === "DATABASE_CONNECTION_LOST" || error.code === "DATABASE_UNREACHABLE")
  );
}
