/**
 * Several windows of a backfill at once, each on a connection of its own.
 *
 *   position, bound ─► ranges, disjoint ─► for each worker: take a range, do its windows, take the next ─► rows that failed
 *
 * The ranges are chosen once, from a sample of the keys, and are in the ledger with a position each. There are more of
 * them than workers, so a worker that is done early takes another. A run with another number of workers goes on with the
 * ranges that are left. One window is
 *
 *   begin ─► the row of its range, held ─► where it ends ─► the statement ─► position of the range, totals ─► commit
 *
 * The workers do not hold the lock of the run. A run that has lost its lock may still have windows under way, so the next
 * one claims the ranges before it reads how far they are. That waits for those windows, and a window that begins later
 * finds its range claimed by another.
 *
 * If a worker fails, the others finish their windows and stop. If it only loses its connection, its window is rolled back,
 * and its range is taken up again on a new one.
 */
import { randomUUID } from "node:crypto";
import { tableGuard } from "../../../backfill/guard.ts";
import { MOST_PARALLEL } from "../../../core/backfill.ts";
import { DatabaseError } from "../../../errors.ts";
import type { BackfillRange } from "../../../ledger/backfill-ranges-sql.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { applicationNameOf, withOneConnection } from "../../session/connect.ts";
import type { RunContext } from "../../session/target.ts";
import { isWorthRetrying } from "../../session/transaction.ts";
import { pauseBeforeRetry, type StepContext } from "../context.ts";
import { ownTransaction } from "../frame.ts";
import type { Prepared } from "../prepared.ts";
import { stepError } from "../step-error.ts";
import { type Watch, watch } from "../watch.ts";
import { otherTable } from "./edited.ts";
import type { Filling, Ranged } from "./filling.ts";
import { toldWithAll } from "./late.ts";
import { inLedger } from "./ledger-waits.ts";
import { split } from "./split.ts";

/** Lost connections of one worker in a row, without a window in between. */
const RECONNECTS = 5;

type Fill = (filling: Filling, observed: Watch) => Promise<void>;

/**
 * Takes the ranges of an earlier run over. Returns the claim, under which windows of this run find them. `null`: there are
 * none. Throws what the server says when windows of that run stay under way.
 */
export async function claimRanges(context: StepContext, prepared: Prepared): Promise<string | null> {
  const { connection, ledger } = context;
  const { step } = prepared;
  const { rows } = await connection.query<{ exists: boolean }>(ledger.sql.hasRanges());
  if (rows[0]?.exists !== true) return null;
  const claim = randomUUID();
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await connection.query(ledger.sql.claimRanges(step.revision, claim));
      return (result.rowCount ?? 0) > 0 ? claim : null;
    } catch (error) {
      if (!isWorthRetrying(error) || attempt >= context.target.settings.lockAttempts) throw error;
      await pauseBeforeRetry(context, step, attempt, stepError(context, prepared, null, error), []);
    }
  }
}

/**
 * Whether its windows are done in ranges: it is asked for (`beside`: other runs), or an earlier run has begun so. An empty
 * table has none.
 */
export function hasRanges(filling: Filling, beside = false): boolean {
  if (filling.state.bound === null) return false;
  const { observer, spanning } = filling.context.connection.capabilities;
  return filling.claim !== null || beside || (workersOf(filling) > 1 && observer && spanning);
}

/**
 * How many windows run at once. What the run is told counts before what the file says. A function of a module changes one
 * window at a time.
 */
function workersOf({ context, backfill }: Filling): number {
  if (backfill.columns !== undefined) return 1;
  const { backfillParallel = 0 } = context.target.settings;
  return backfillParallel === 0 ? (backfill.parallel ?? 1) : Math.min(backfillParallel, MOST_PARALLEL);
}

/** Under which its windows find their ranges, which are chosen here if nobody has. */
export async function claimOf(filling: Filling): Promise<string> {
  if (filling.state.bound === null) throw new Error("An empty table has no ranges.");
  return filling.claim ?? split(filling, filling.state.bound, workersOf(filling));
}

export async function fillRanges(filling: Filling, claim: string, fill: Fill): Promise<void> {
  const { context, prepared, state } = filling;
  const queue = [...(await context.ledger.ranges(context.connection, prepared.step.revision))];
  const total = { rows: state.rows, changed: state.changed, windows: state.windows };
  const workers = Math.min(workersOf(filling), queue.length);
  const begunAt = performance.now();
  const figures = { filling, claim, queue, total, fill, workers, begunAt };
  const refused = { count: state.failed.length };
  const shared = {
    busy: workers,
    connecting: new Set<AbortController>(),
    underWay: 0,
    isPaused: false,
    waits: 0,
  };
  const work: SharedRanges = { ...figures, ...shared, refused, failed: null };
  await Promise.all(Array.from({ length: workers }, (_, at) => worker(work, at + 1)));
  await recall(filling, total);
  if (work.failed !== null) throw toldWithAll(work.failed.error, filling);
}

interface SharedRanges {
  readonly filling: Filling;
  readonly claim: string;
  readonly queue: BackfillRange[];
  /** Of all workers, and of earlier runs. */
  readonly total: { rows: number; changed: number; windows: number };
  /** Rows that could not be changed, of all workers and of earlier runs. */
  readonly refused: { count: number };
  readonly fill: Fill;
  readonly begunAt: number;
  readonly workers: number;
  /** Workers that have a connection, or wait for one. */
  busy: number;
  /** Each ends the tries of a worker that has no connection yet. */
  readonly connecting: Set<AbortController>;
  /** Ranges that a worker has taken, and gives back if it loses its connection. */
  underWay: number;
  /** A person has paused them, and that was said. */
  isPaused: boolean;
  /** How often a worker has begun to wait. */
  waits: number;
  /** The error that ends all workers. */
  failed: { readonly error: unknown } | null;
}

/** Never throws: the first error is in `work.failed`. */
async function worker(work: SharedRanges, number: number): Promise<void> {
  const { context } = work.filling;
  let settled = -1;
  for (let lost = 1; work.queue.length > 0 && work.failed === null; lost++) {
    const connecting = new AbortController();
    work.connecting.add(connecting);
    const signal = AbortSignal.any([context.stop, connecting.signal]);
    const around: RunContext = { ...context.author, signal, observe: context.observe };
    try {
      await withOneConnection(context.target, around, (connection) => {
        work.connecting.delete(connecting);
        return onConnection(work, { ...context, connection }, number);
      });
    } catch (error) {
      if (connecting.signal.aborted) break;
      // The server has no connection left for this worker, and the others do its ranges.
      if (error instanceof DatabaseError && error.code === "DATABASE_UNREACHABLE") {
        if (work.busy === 1) await onOwnConnection(work, number);
        break;
      }
      const gone = error instanceof DatabaseError && error.code === "DATABASE_CONNECTION_LOST";
      const done = work.total.windows + work.waits;
      if (done > settled) lost = 1;
      settled = done;
      if (gone && lost <= RECONNECTS && !context.stop.aborted) {
        context.observe({ kind: "connection-lost", problem: error.toProblem() });
        continue;
      }
      work.failed ??= { error };
      endTries(work);
    } finally {
      work.connecting.delete(connecting);
    }
  }
  work.busy--;
}

/** None of the workers has a connection. That of the run stands idle meanwhile. */
async function onOwnConnection(work: SharedRanges, number: number): Promise<void> {
  try {
    await onConnection(work, work.filling.context, number);
  } catch (error) {
    work.failed ??= { error };
  }
}

/** Where nothing is left to be done on another connection, nobody waits until one can be had. */
function endTries({ queue, underWay, failed, connecting }: SharedRanges): void {
  if (failed === null && (queue.length > 0 || underWay > 0)) return;
  for (const tries of connecting) tries.abort();
}

async function onConnection(work: SharedRanges, context: StepContext, worker: number): Promise<void> {
  const { filling } = work;
  const own = applicationNameOf(context.author);
  const quiet: StepContext = {
    ...context,
    observe: (event) => {
      if (event.kind === "backfill-progress") return context.observe({ ...event, worker });
      if (event.kind !== "step-progress") return context.observe(event);
      // Workers wait for each other for moments, which nobody can help.
      const blockers = event.blockers.filter(({ applicationName }) => !applicationName.startsWith(own));
      if (worker === 1 || blockers.length > 0) context.observe({ ...event, blockers });
    },
  };
  using observed = watch(quiet, () => filling.prepared.step, context.target.settings.lockTimeoutMs);
  for (;;) {
    const range = work.failed === null ? work.queue.shift() : undefined;
    if (range === undefined) return;
    work.underWay++;
    try {
      await oneRange(work, { context: quiet, range, observed });
    } catch (error) {
      work.queue.unshift(range);
      throw error;
    } finally {
      work.underWay--;
      endTries(work);
    }
  }
}

async function oneRange(
  work: SharedRanges,
  { context, range, observed }: { context: StepContext; range: BackfillRange; observed: Watch },
): Promise<void> {
  const { filling, claim, total } = work;
  const { revision } = filling.prepared.step;
  const ranged: Ranged = {
    ...{ number: range.number, claim, workers: work.workers, refused: work.refused },
    isHalted: () => work.failed !== null,
    total: () => progressOf(work),
  };
  const seen = { rows: 0, changed: 0, windows: 0 };
  const observe: StepContext["observe"] = (event) => {
    if (event.kind === "backfill-paused" || event.kind === "backfill-resumed") {
      // All of them wait, and it is said once.
      const isPaused = event.kind === "backfill-paused";
      if (isPaused) work.waits++;
      if (work.isPaused !== isPaused) context.observe(event);
      work.isPaused = isPaused;
      return;
    }
    if (event.kind !== "backfill-progress") return context.observe(event);
    for (const name of ["rows", "changed", "windows"] as const) {
      total[name] += event[name] - seen[name];
      seen[name] = event[name];
    }
    context.observe({ ...event, ...progressOf(work) });
  };
  const own: Filling = {
    ...filling,
    context: { ...context, observe },
    ranged,
    firstFailure: null,
    state: {
      ...filling.state,
      ...{ position: range.position ?? range.lower, bound: range.upper, rows: 0, changed: 0, windows: 0 },
    },
  };
  try {
    await work.fill(own, observed);
  } finally {
    filling.firstFailure ??= own.firstFailure;
  }
  if (work.failed !== null) return;
  const { table, parts } = filling;
  // A table that has taken its name may have no rows, so that no window has found it out.
  const finished = `${tableGuard(table)}; ${context.ledger.sql.rangeFinished(revision, claim, range.number)}`;
  await inLedger(own, "migration_backfill_ranges", () =>
    context.connection.execute(ownTransaction(parts, finished)),
  ).catch((error: unknown) => {
    throw otherTable(error, { table, step: filling.prepared.step });
  });
}

/** The figures of all workers together. */
function progressOf({ filling, total, begunAt }: SharedRanges) {
  const { estimatedRows, rows: before } = filling.state;
  const elapsedMs = performance.now() - begunAt;
  const rowsPerSecond = elapsedMs <= 0 ? 0 : ((total.rows - before) / elapsedMs) * 1000;
  const share = estimatedRows === null || estimatedRows <= 0 ? null : Math.min(1, total.rows / estimatedRows);
  const leftMs =
    share === null || estimatedRows === null || rowsPerSecond <= 0
      ? null
      : (Math.max(0, estimatedRows - total.rows) / rowsPerSecond) * 1000;
  return { ...total, rowsPerSecond, share, leftMs, elapsedMs };
}

/** What the ledger has now. A window may be committed whose answer never came. */
async function recall(filling: Filling, total: SharedRanges["total"]): Promise<void> {
  const { context, prepared } = filling;
  const state: BackfillState | null = await context.ledger.backfills
    .state(context.connection, prepared.step.revision)
    .catch(() => null);
  filling.state = state ?? { ...filling.state, ...total };
}
