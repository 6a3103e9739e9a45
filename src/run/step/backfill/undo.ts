/**
 * Brings back the old values that a backfill has kept, in windows of their table.
 *
 *   history row (reverting) ─► windows of the kept values, in the order of the key ─► kept values dropped, history row gone
 *
 * One window is
 *
 *   begin ─► where it ends, by the key ─► rows that still have what the backfill wrote get their old values
 *         ─► the new position ─► commit
 *
 * Between two windows it waits for what the way there waits for (`control.ts`): a person, a rate, others on the server.
 *
 * A row that somebody has changed since is left as it is and counted. So is one that is deleted, and one to which a trigger
 * gives another value. The position moves in the transaction of the window. So after a crash both are there or neither is, and the next `down` goes on behind it.
 */

import { tableGuard } from "../../../backfill/guard.ts";
import type { KeyValue } from "../../../backfill/key.ts";
import { halfOf, mostRows, nextRows } from "../../../backfill/pace.ts";
import { upperBound } from "../../../backfill/statement.ts";
import { readTable } from "../../../backfill/table.ts";
import { FULL, targetAt } from "../../../backfill/throttle.ts";
import { keptKey } from "../../../backfill/undo.ts";
import { DEFAULT_WINDOWS } from "../../../core/backfill.ts";
import type { Connection } from "../../../database/connection.ts";
import { GodwitError, PlanRefused } from "../../../errors.ts";
import type { BackfillControls } from "../../../ledger/backfill-controls-sql.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { UNASKED, UNRECORDED } from "../../report/committed.ts";
import { guardOf } from "../../session/settings.ts";
import type { Target } from "../../session/target.ts";
import { isWorthRetrying, begin as ownBegin, rollback } from "../../session/transaction.ts";
import { ownSession, pauseBeforeRetry, type StepContext, type StepOutcome, stepDone } from "../context.ts";
import { closing, ownTransaction, statementFrame } from "../frame.ts";
import { closed, frameError } from "../frame-error.ts";
import { entryOf, frameParts } from "../frame-parts.ts";
import type { Prepared } from "../prepared.ts";
import { failureOf, stepError } from "../step-error.ts";
import { type Watch, watch } from "../watch.ts";
import { admitBack, allowedRows, waitForTurn, waitToBegin } from "./control.ts";
import { explained, otherTable } from "./edited.ts";
import { inLedger } from "./ledger-waits.ts";
import { refuseLostValues } from "./lost.ts";
import { WAIT } from "./opening.ts";
import { claimRanges } from "./ranges.ts";
import { isOfItsRows } from "./rest.ts";
import { openSensor } from "./signals.ts";
import { leftOver } from "./undo-left.ts";
import { committedOf, refusedRow, reportBack, type Undoing, undoWindow } from "./undo-window.ts";
import { unplaced } from "./unplaced.ts";
import { keptBackfill, wayBackTable } from "./way-back-table.ts";
import { refuseSkipping } from "./window.ts";

/** Throws `PlanRefused` (`BACKFILL_UNDO`) before the first step of a way back that has no old values any more. */
export async function refuseUnkept(
  target: Target,
  connection: Connection,
  steps: readonly Prepared[],
): Promise<void> {
  for (const { step, form } of steps) {
    if (step.direction === "up" || form.sends !== "windows") continue;
    await refuseLostValues(target, connection, { step });
    const kept = await target.ledger.undo(connection, step.revision);
    if (kept?.hasValues !== true) throw nothingKept(step);
  }
}

function nothingKept({ revision, file }: Prepared["step"]): PlanRefused {
  return new PlanRefused([
    {
      code: "BACKFILL_UNDO",
      message: `${revision} has no old values to bring back: its backfill kept none, or they were dropped since.`,
      hint: `Write the way back into ${file}, or a new migration that corrects the rows: \`godwit new <name>\`.`,
      place: { file },
      details: { revision },
    },
  ]);
}

export async function runUndo(context: StepContext, prepared: Prepared, index: number): Promise<StepOutcome> {
  const { step } = prepared;
  const { connection, ledger } = context;
  const startedAt = performance.now();
  context.observe({ kind: "step-started", step, index, count: context.count });
  let state: UndoState | null = null;
  let undoing: Undoing | undefined;
  let through = false;
  try {
    state = await ledger.undo(connection, step.revision);
    await refuseLostValues(context, connection, prepared);
    if (state?.hasValues !== true) throw nothingKept(step);
    const controls = await admitBack(context, prepared, state);
    {
      using observed = watch(context, () => step, context.target.settings.lockTimeoutMs);
      // A window of a run that has lost its lock would otherwise be committed behind the way back, and stay.
      await claimRanges(context, prepared);
      undoing = await begin(context, prepared, { state, controls });
      const backfill = prepared.migration?.backfill ?? keptBackfill(state);
      await using sensor = await openSensor({ ...undoing, backfill });
      undoing.sensor = sensor;
      await windowsOf(undoing, observed);
      through = true;
    }
    context.stop.throwIfAborted();
    const { sql } = ledger;
    const { parts } = undoing;
    const [ranges] = (await connection.query<{ exists: boolean }>(sql.hasRanges())).rows;
    const forgotten = [
      sql.forgetUndo(step.revision),
      ...(ranges?.exists === true ? [sql.forgetRanges(step.revision)] : []),
      sql.forgetBackfill(step.revision),
    ];
    const gone = `${parts.ownRole} ${forgotten.join("; ")};`;
    const { table } = undoing;
    const last = { ...parts, leave: `${WAIT}; ${tableGuard(table)}; ${gone} ${parts.leave}` };
    const close = () => closed(context, step, closing(last, "down", entryOf(prepared, null)));
    await inLedger(undoing, null, close).catch((error: unknown) => {
      throw otherTable(error, { table, step });
    });
  } catch (error) {
    const { lost } = connection;
    const wasLost = lost.aborted;
    await rollback(connection);
    if (wasLost || (lost.aborted && context.stop.aborted)) {
      context.lostAt?.(UNASKED);
      throw lost.reason;
    }
    const isLost = error instanceof GodwitError && error.code === "BACKFILL_LOST";
    const committed = isLost
      ? UNRECORDED
      : committedOf(undoing?.state ?? state, undoing?.table.shown ?? step.file, through);
    const body = { kind: "undo", file: step.file } as const;
    const problem = stepError(context, prepared, body, error, { committed });
    if (undoing !== undefined && committed.extent === "none") await withdraw(undoing);
    return { ok: false, failure: failureOf(step.revision, problem, committed), error: problem };
  }
  const left = leftOver(undoing, step.revision);
  if (left !== null) context.warn?.(left);
  return stepDone(context, step, index, { startedAt, transactional: false });
}

/** No row has its old value again, so `up` need not wait for that. What fails here must not hide why nothing was done. */
async function withdraw({ context: { connection, ledger }, prepared, parts }: Undoing): Promise<void> {
  if (connection.lost.aborted) return;
  const back = ledger.sql.stopReverting(prepared.step.revision);
  await connection.execute(ownTransaction(parts, back)).catch(() => rollback(connection));
}

async function begin(
  context: StepContext,
  prepared: Prepared,
  { state, controls }: { readonly state: UndoState; readonly controls: BackfillControls },
): Promise<Undoing> {
  const { connection, ledger } = context;
  const { step } = prepared;
  await ownSession(context);
  const done = await ledger.backfills.state(connection, step.revision);
  const parts = frameParts(context, prepared);
  await connection.execute(statementFrame(parts, "").open).catch((error: unknown) => {
    throw frameError(error, step.revision, step.reason === "resume" ? "within" : "whole");
  });
  const backfill = prepared.migration?.backfill;
  if (backfill !== undefined) await refuseSkipping(context, backfill, step.file);
  const table = await wayBackTable(connection, { state, done, step });
  // Its key has the types and collations of the time at which it was made.
  const place = { table: ledger.sql.undoValuesTable(step.revision), key: keptKey(state.key) };
  const found = await readTable(connection, { ...keptBackfill(state), ...place }, step.file);
  const kept = { ...found, shown: table.shown, estimatedRows: null, rewrites: false };
  await connection.execute("rollback");
  // A copy of the database may lack it, and each window writes how fast it is.
  const [recorded] = (await connection.query<{ exists: boolean }>(ledger.sql.hasBackfills())).rows;
  if (recorded?.exists !== true)
    await connection.execute(ownTransaction(parts, ledger.sql.createBackfills()));
  if (step.reason !== "resume") {
    const written = `${ownBegin()} ${parts.ownRole} ${parts.fence} ${guardOf(context.target.settings)} ${parts.mirror.open} ${ledger.sql.startReverting(step.revision)}; ${ledger.sql.wayBackBegun(step.revision, table.oid)}; commit`;
    await inLedger({ context, prepared }, null, () => connection.execute(written)).catch((error: unknown) => {
      throw frameError(error, step.revision);
    });
  }
  return {
    ...{ context, prepared, parts, table, kept, state, controls },
    ...{ estimatedRows: done?.changed ?? null, sensor: { throttle: FULL } },
    ...{ windows: 0, rowsPerSecond: null, slowedBy: null },
  };
}

async function windowsOf(undoing: Undoing, observed: Watch): Promise<void> {
  const { context, prepared, kept } = undoing;
  const { connection } = context;
  const [answer] = await connection.execute(upperBound(kept)).catch(unplaced);
  const bound = (answer?.rows[0]?.key ?? null) as KeyValue | null;
  if (bound === null) return;
  const windows = prepared.migration?.backfill?.windows ?? DEFAULT_WINDOWS;
  await waitToBegin(undoing);
  const begunAt = performance.now();
  let endedAt = begunAt;
  let rows = windows.minRows;
  for (let attempt = 1; ; ) {
    context.stop.throwIfAborted();
    const at = performance.now();
    let windowRows: number;
    rows = allowedRows(rows, undoing);
    try {
      const done = await undoWindow(undoing, bound, rows);
      if (done === null) return;
      attempt = 1;
      windowRows = done;
      const now = performance.now();
      reportBack(undoing, { windowRows, ms: now - endedAt, elapsedMs: now - begunAt });
      endedAt = now;
    } catch (error) {
      if (connection.lost.aborted || context.stop.aborted) throw error;
      await rollback(connection);
      if (isWorthRetrying(error)) {
        if (attempt >= context.target.settings.lockAttempts) throw error;
        const committed = committedOf(undoing.state, undoing.table.shown);
        const body = { kind: "undo", file: prepared.step.file } as const;
        const problem = stepError(context, prepared, body, error, { committed });
        await pauseBeforeRetry(context, prepared.step, attempt++, problem, observed.blockers);
        rows = Math.max(1, halfOf(rows));
      } else if (!isOfItsRows(error, undoing))
        throw await explained(connection, error, { table: undoing.table, step: prepared.step });
      else if (rows > 1) rows = halfOf(rows);
      else throw await refusedRow(undoing, bound, error);
      continue;
    }
    const tookMs = endedAt - at;
    if (await waitForTurn(undoing, { rows: windowRows, at, tookMs })) endedAt = performance.now();
    const { throttle } = undoing.sensor;
    const targetMs = targetAt(windows.targetMs, throttle);
    const maxRows = windows.maxRows ?? mostRows(undoing.table.estimatedRows, throttle);
    const { isAlone } = throttle;
    rows = nextRows({ ...windows, maxRows, targetMs, isAlone }, { rows: Math.max(windowRows, 1), tookMs });
  }
}
