/** One window of a backfill, in a transaction with its row in the ledger. `backfill.ts` says what a crash leaves behind. */

import { tableGuard } from "../../../backfill/guard.ts";
import { describeKey, isSameKey, type KeyValue, type Window } from "../../../backfill/key.ts";
import type { Backfill } from "../../../core/backfill.ts";
import { asciiComments } from "../../../core/sql/comments.ts";
import { restored } from "../../../core/sql/stored.ts";
import type { Result } from "../../../database/connection.ts";
import { DatabaseError, LockError, PlanRefused, StepFailed } from "../../../errors.ts";
import { controlsIn } from "../../../ledger/backfills.ts";
import type { WindowDone } from "../../../ledger/backfills-sql.ts";
import { rowsOf } from "../../../std/number.ts";
import { begin, rollback } from "../../session/transaction.ts";
import type { StepContext } from "../context.ts";
import { statementFrame } from "../frame.ts";
import { frameError } from "../frame-error.ts";
import { otherTable } from "./edited.ts";
import { endBehind } from "./ending.ts";
import type { Filling, Opening, Ranged } from "./filling.ts";
import { atLedger } from "./ledger-waits.ts";
import { ask, KEEP_TRIGGERS, mayOpenAhead, open, SKIP_TRIGGERS, sendOpening, WAIT } from "./opening.ts";
import { changeByFunction } from "./rows.ts";
import { unplaced } from "./unplaced.ts";

export interface WindowSize {
  readonly rows: number;
  /** The rows of the window behind this one, from those that this one has, when these are changed. */
  readonly next: (rows: number) => number;
}

/**
 * Does the next window of at most so many rows, up to the key `to`. `null`: no row is left. Throws what the server says. The window
 * behind it may have begun (`filling.opening`).
 */
export async function runWindow(
  filling: Filling,
  to: KeyValue,
  { rows, next }: WindowSize,
): Promise<WindowDone | null> {
  const { context, prepared, table, ranged } = filling;
  const { connection, ledger } = context;
  // The row of the bound is done, and nothing is to be asked: behind many dead entries an answer takes its time.
  if (isSameKey(filling.state.position, to)) return null;
  const { opened, asked } = filling.opening ?? (await openNow(filling, to, rows));
  filling.opening = null;
  await opened;
  const [answer] = await asked;
  const end = answer?.rows[0] as { readonly key: KeyValue; readonly rows: number } | undefined;
  if (end === undefined) {
    await connection.execute("rollback");
    return null;
  }
  const changed = await change(filling, { from: filling.state.position, to: end.key }, end.rows);
  const rowsPerSecond = ranged?.total().rowsPerSecond ?? filling.rowsPerSecond;
  const done = { position: end.key, rows: end.rows, changed, rowsPerSecond, slowedBy: filling.slowedBy };
  const { revision } = prepared.step;
  const { sql } = ledger;
  const moved =
    ranged === undefined
      ? sql.windowDone(revision, done)
      : sql.rangeWindowDone(revision, ranged.number, done);
  const closed = close(filling, `${tableGuard(table)}; ${moved}`);
  if (!isSameKey(end.key, to) && mayOpenAhead(filling))
    filling.opening = sendOpening(
      filling,
      { from: end.key, to },
      { rows: next(end.rows), done: filling.state.rows + end.rows },
    );
  if (isSameKey(end.key, to)) endBehind(filling);
  const results = await closed.catch((error: unknown) => {
    throw otherTable(error, { table, step: prepared.step });
  });
  filling.controls = controlsIn(results) ?? filling.controls;
  return done;
}

async function openNow(
  filling: Filling,
  to: KeyValue,
  rows: number,
): Promise<Pick<Opening, "opened" | "asked">> {
  const { context, ranged } = filling;
  const range = () => ({ from: filling.state.position, to });
  const size = { rows, done: filling.state.rows };
  if (ranged === undefined && context.connection.capabilities.pipeline)
    return sendOpening(filling, range(), size);
  const opened = open(filling);
  await opened;
  if (ranged !== undefined) await holdRange(filling, ranged);
  const asked = ask(filling, range(), size);
  await asked;
  return { opened, asked };
}

/**
 * Nobody else does a window of the range until this one is committed. The position may be behind a window whose answer
 * never came. Throws `LockError` where another run has claimed the range.
 */
async function holdRange(filling: Filling, { claim, number }: Ranged): Promise<void> {
  const { context, prepared, state } = filling;
  const { revision } = prepared.step;
  const [answer] = await context.connection
    .execute(context.ledger.sql.holdRange(revision, claim, number))
    .catch(unplaced);
  const [row] = answer?.rows ?? [];
  if (row === undefined)
    throw new LockError({
      code: "LOCK_LOST",
      message: `The windows of ${revision} have meanwhile been taken over by another run, or their range is gone from the ledger.`,
      hint: "Run again: the plan is made again from the ledger.",
    });
  const position = restored(row.position as KeyValue | null) ?? state.position;
  filling.state = { ...state, position };
}

/** Runs the statement for no row, so that PostgreSQL reads it although the table is empty. */
export async function runEmpty(filling: Filling): Promise<void> {
  await open(filling);
  await change(filling, "none", 0);
  await filling.context.connection.execute("rollback");
}

/** Does a single row again that could not be changed. Throws what the server says. */
export async function runFailedRow(filling: Filling, only: KeyValue): Promise<void> {
  const { context, prepared, table } = filling;
  await open(filling);
  const changed = await change(filling, { only }, 1);
  const { step } = prepared;
  const mended = context.ledger.sql.rowMended(step.revision, only, changed);
  await close(filling, `${tableGuard(table)}; ${mended}`).catch((error: unknown) => {
    throw otherTable(error, { table, step });
  });
}

/** Throws `PlanRefused` (`BACKFILL_TRIGGERS`) where the role may not turn triggers off. It is asked in a transaction. */
export async function refuseSkipping(
  { connection }: Pick<StepContext, "connection">,
  { options, table }: Backfill,
  file: string,
): Promise<void> {
  if (options.triggers === "keep") return;
  await connection.execute(SKIP_TRIGGERS).catch((error: unknown) => {
    if (!(error instanceof DatabaseError) || error.sqlState !== "42501") throw error;
    const { user, version } = connection.server;
    const grant = `GRANT SET ON PARAMETER session_replication_role TO "${user}"`;
    throw new PlanRefused([
      {
        code: "BACKFILL_TRIGGERS",
        message: `${file} is a backfill that skips the triggers of ${table}, which role "${user}" may not: ${error.message}.`,
        hint: `${version >= 150_000 ? `As a superuser: ${grant}. Or let` : "Run it as a superuser, or let"} triggers fire (triggers=keep).`,
        place: { file },
      },
    ]);
  });
}

/** What was committed without waiting for the disk is on it afterwards. Where that cannot be asked, the server does it soon. */
export async function waitForDisk(connection: StepContext["connection"]): Promise<void> {
  // It writes a record, so its commit waits. The commit of a read would not.
  const record = "select pg_catalog.pg_logical_emit_message(true, 'godwit', '')";
  await connection.execute(`${begin()} ${WAIT}; ${record}; commit`).catch(() => rollback(connection));
}

async function close(
  { context, prepared, parts, backfill }: Filling,
  done: string,
): Promise<readonly Result[]> {
  const keep = backfill.options.triggers === "skip" ? `${KEEP_TRIGGERS}; ` : "";
  return context.connection.execute(statementFrame(parts, `${keep}${done}`).close).catch((error: unknown) => {
    throw frameError(atLedger(error, context), prepared.step.revision, "within");
  });
}

/** Runs the author's statement, and returns how many rows it changed. */
async function change(filling: Filling, window: Window, rows: number): Promise<number> {
  const { context, body, backfill, table } = filling;
  if (body.rows !== undefined) return changeByFunction(filling, body.rows, window).catch(unplaced);
  const { text, counts, written } = filling.statement(window);
  let changed = 0;
  let outside = 0;
  try {
    const result = (await context.connection.execute(asciiComments(text))).at(-1);
    const row = counts ? (result?.rows[0] as { changed: number; outside: number } | undefined) : undefined;
    changed = row?.changed ?? result?.rowCount ?? 0;
    outside = row?.outside ?? 0;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.position === undefined) throw error;
    if (backfill.statement !== null) throw error.withoutPosition();
    throw error.movedBy(written(error.position) - error.position);
  }
  if (outside === 0) return changed;
  const where =
    window === "none"
      ? "an empty table"
      : `${rowsOf(rows)} up to ${describeKey(table.key, "only" in window ? window.only : window.to)}`;
  throw new StepFailed({
    code: "BACKFILL_OUTSIDE",
    message: `${body.file} changed ${outside === 1 ? "a row" : rowsOf(outside)} outside its window (${where}).`,
    hint: "Put :window into the condition of the statement, so that it always holds, and change no column of the key.",
    place: { file: body.file, line: body.line },
  });
}
