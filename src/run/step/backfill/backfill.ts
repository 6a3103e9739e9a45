/**
 * Carries out a backfill: windows of a table, one after the other, each in a short transaction.
 *
 *   history row (partial), bound ─► windows, in the order of the key ─► rows that failed ─► check ─► history row (applied)
 *
 * The bound is the last key when it begins. A row that is inserted above it is not the backfill's, or it might never
 * end. One window is
 *
 *   begin ─► where it ends, by the key ─► the statement, for the keys in between ─► the new position ─► commit
 *
 * The position is the last key that is done. It is in the ledger, and moves in the transaction of the window. So after
 * a crash the work of a window and its position are both there or neither is, and no row is done twice.
 *
 * The rows of a window follow the time that the last one took, from few upwards (`backfill/pace.ts`). No snapshot and no
 * lock is held between two windows.
 *
 * What fails inside a window is narrowed down. Locks in the way, and a window that met its timeout, are tried again with
 * half the rows. So is a row that PostgreSQL refuses: at a single row its key is remembered, and the rest is done. The
 * backfill fails at the end then, or at the hundredth such row, and the next run tries those rows first.
 */

import { isSameKey } from "../../../backfill/key.ts";
import { halfOf, mostRows, nextRows } from "../../../backfill/pace.ts";
import { speedOf } from "../../../backfill/speed.ts";
import { type Throttle, targetAt } from "../../../backfill/throttle.ts";
import { GodwitError } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { UNASKED, UNRECORDED } from "../../report/committed.ts";
import { isWorthRetrying, rollback } from "../../session/transaction.ts";
import { pauseBeforeRetry, type StepContext, type StepOutcome, stepDone } from "../context.ts";
import { refuseUnexpectedRows } from "../expected-rows.ts";
import type { Prepared } from "../prepared.ts";
import { failureOf, stepError } from "../step-error.ts";
import { type Watch, watch } from "../watch.ts";
import { throughLocks } from "./again.ts";
import { begin, survey, underWay, withdraw } from "./begin.ts";
import { aside, type HeldLocks, heldLocks, isBeside } from "./beside.ts";
import { admit, allowedRows, type LastWindow, waitForTurn, waitToBegin } from "./control.ts";
import { explained, otherTable } from "./edited.ts";
import { end, endingOf } from "./ending.ts";
import { committedOf, type Filling, report } from "./filling.ts";
import { inLedger } from "./ledger-waits.ts";
import { claimOf, claimRanges, fillRanges, hasRanges } from "./ranges.ts";
import {
  isOfItsRows,
  MOST_FAILED,
  passOver,
  refusedRows,
  refuseRefused,
  refuseRemainder,
  retryRefused,
  TooManyRefused,
} from "./rest.ts";
import { openSensor } from "./signals.ts";
import { runEmpty, runWindow, waitForDisk } from "./window.ts";

/** The rows of a window that `rows` is handed are in the memory of a process, in several forms. */
const MOST_FOR_A_FUNCTION = 5000;

/** Errors of a ledger that does not know how far it is: its own row is gone, or the one of its history. */
const IS_LOST: ReadonlySet<string> = new Set(["BACKFILL_LOST", "STEP_ENDED_TRANSACTION"]);

export async function runBackfill(
  context: StepContext,
  prepared: Prepared,
  index: number,
): Promise<StepOutcome> {
  const held = heldLocks(context, prepared);
  try {
    return await carryOut(context, prepared, { index, held });
  } finally {
    await held.free();
  }
}

async function carryOut(
  context: StepContext,
  prepared: Prepared,
  { index, held }: { readonly index: number; readonly held: HeldLocks },
): Promise<StepOutcome> {
  const { step } = prepared;
  const startedAt = performance.now();
  const body = await prepared.load();
  if (body.kind !== "sql" || body.backfill === undefined) throw new Error("It is no backfill.");
  context.observe({ kind: "step-started", step, index, count: context.count });
  let known: BackfillState | null = null;
  let filling: Filling | undefined;
  let through = false;
  try {
    await held.backfill();
    const claim = step.reason === "resume" ? await claimRanges(context, prepared) : null;
    known = await underWay(context, prepared);
    const controls = await admit(context, prepared, body.backfill, known);
    // The check at the end may read the whole table, and is cancelled like a window.
    using observed = watch(context, () => step, context.target.settings.lockTimeoutMs);
    const { backfill } = body;
    const ground = await throughLocks({ context, prepared, body, state: known }, () =>
      survey(context, prepared, { ...body, backfill }, known),
    );
    await held.table(ground.table);
    await using sensor = await openSensor({ ...ground, backfill });
    const { filling: own, written } = begin(ground, { known, controls, claim, sensor });
    // Meanwhile, so that nothing waits for it later.
    const ending = endingOf(own);
    own.ending = ending;
    await written;
    filling = own;
    await retryRefused(filling);
    const { windows } = filling.state;
    const beside = isBeside(filling);
    if (hasRanges(filling, beside)) {
      const claim = await claimOf(own);
      const windows = async () => {
        await fillRanges(own, claim, fill);
        // The lock may not be had afterwards, and all windows are done all the same.
        through = true;
      };
      await (beside ? aside(own, windows) : windows());
    } else {
      await fill(filling, observed);
      through = true;
    }
    if (filling.state.windows > windows) await retryRefused(filling);
    refuseRefused(filling);
    await refuseRemainder(filling);
    refuseUnexpectedRows(filling);
    // What says that it is applied is not cancelled.
    observed[Symbol.dispose]();
    if (own.ended === null) context.stop.throwIfAborted();
    const close = () => end(own, ending);
    // What the author expects may be asked of any table. Everything else is about the ledger.
    const asked = filling.parts.expected?.queries ?? "";
    const tried = asked === "" ? inLedger(filling, null, close) : throughLocks(filling, close);
    await tried.catch((error: unknown) => {
      throw otherTable(error, { table: own.table, step });
    });
  } catch (thrown) {
    const { lost } = context.connection;
    const wasLost = lost.aborted;
    await rollback(context.connection);
    const error =
      thrown instanceof TooManyRefused && filling !== undefined
        ? refusedRows(filling, { stopped: true })
        : thrown;
    if (wasLost || (lost.aborted && context.stop.aborted)) {
      context.lostAt?.(UNASKED);
      throw lost.reason;
    }
    const isLost = error instanceof GodwitError && IS_LOST.has(error.code);
    const committed = isLost ? UNRECORDED : committedOf(filling?.state ?? known, through);
    if (committed.extent !== "none") await waitForDisk(context.connection);
    const problem = stepError(context, prepared, body, error, { committed });
    if (filling?.hasLock === true && committed.extent === "none" && problem.code !== "TARGET_SCHEMA_MISSING")
      await withdraw(filling);
    return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
  }
  return stepDone(context, step, index, { startedAt, transactional: false });
}

/** Rows that could not be changed, of all workers. */
function countRefused({ ranged, state }: Filling): number {
  return ranged?.refused.count ?? state.failed.length;
}

/** Does the windows from the position to the bound. */
async function fill(filling: Filling, observed: Watch): Promise<void> {
  const {
    context,
    prepared,
    backfill,
    state: { bound },
  } = filling;
  const { step } = prepared;
  if (bound === null) return runEmpty(filling);
  const { windows } = backfill;
  const mostAt = (throttle: Throttle) =>
    backfill.columns === undefined ? mostRows(filling.table.estimatedRows, throttle) : MOST_FOR_A_FUNCTION;
  await waitToBegin(filling);
  const begunAt = performance.now();
  let endedAt = begunAt;
  let rows = windows.minRows;
  const sized = (last: Pick<LastWindow, "rows" | "tookMs">) => {
    const { throttle } = filling.sensor;
    const targetMs = targetAt(windows.targetMs, throttle);
    const maxRows = windows.maxRows ?? mostAt(throttle);
    const { isAlone } = throttle;
    return nextRows({ ...windows, maxRows, targetMs, isAlone }, { ...last, rows: Math.max(last.rows, 1) });
  };
  for (let attempt = 1; ; ) {
    context.stop.throwIfAborted();
    if (filling.ranged?.isHalted() === true) return;
    const at = performance.now();
    let windowRows: number;
    let tookMs: number;
    rows = filling.opening?.rows ?? allowedRows(rows, filling);
    const next = (rows: number) => sized({ rows, tookMs: performance.now() - at });
    try {
      const done = await runWindow(filling, bound, { rows, next });
      if (done === null) return;
      // What says that it is applied is not cancelled, and is on its way.
      if (filling.ended !== null) observed[Symbol.dispose]();
      const { state } = filling;
      filling.state = {
        ...state,
        position: done.position,
        rows: state.rows + done.rows,
        changed: state.changed + done.changed,
        windows: state.windows + 1,
      };
      attempt = 1;
      const now = performance.now();
      windowRows = done.rows;
      filling.rowsPerSecond = speedOf(filling.rowsPerSecond, {
        ...{ rows: windowRows, ms: now - endedAt, elapsedMs: now - begunAt },
      });
      endedAt = now;
      report(filling, { windowRows, elapsedMs: now - begunAt });
      tookMs = now - at;
      // Nothing comes behind it that would have to wait.
      if (isSameKey(done.position, bound)) return;
    } catch (error) {
      if (context.connection.lost.aborted || context.stop.aborted) throw error;
      filling.opening = null;
      filling.ended = null;
      await rollback(context.connection);
      if (isWorthRetrying(error)) {
        if (attempt >= context.target.settings.lockAttempts) throw error;
        const problem = stepError(context, prepared, filling.body, error, {
          committed: committedOf(filling.state),
        });
        await pauseBeforeRetry(context, step, attempt++, problem, observed.blockers);
        rows = Math.max(1, halfOf(rows));
      } else if (!isOfItsRows(error, filling))
        throw await explained(context.connection, error, { table: filling.table, step });
      else if (rows > 1) rows = halfOf(rows);
      else {
        await passOver(filling, error);
        if (countRefused(filling) >= MOST_FAILED) throw new TooManyRefused();
      }
      continue;
    }
    if (await waitForTurn(filling, { rows: windowRows, at, tookMs })) endedAt = performance.now();
    rows = sized({ rows: windowRows, tookMs });
  }
}
