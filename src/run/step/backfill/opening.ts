/**
 * How a window begins: with its transaction, and the question where it ends.
 *
 * Where nobody has to wait for it, both are sent before the message in front has its answer. That one ends the window before, or
 * writes the row of the backfill. Messages are answered in their order. If the one in front fails inside its transaction, what is
 * behind it fails too. If its transaction has ended, the one behind it has read where a window would end. Both are rolled back.
 */
import type { KeyRange } from "../../../backfill/key.ts";
import { windowEnd } from "../../../backfill/statement.ts";
import type { Result } from "../../../database/connection.ts";
import { rollback } from "../../session/transaction.ts";
import { statementFrame } from "../frame.ts";
import { frameError } from "../frame-error.ts";
import type { Filling, Opening } from "./filling.ts";
import { unplaced } from "./unplaced.ts";

export interface OpeningSize extends Pick<Opening, "rows"> {
  /** The rows of the windows in front of it. */
  readonly done: number;
}

/** Begins the transaction of a window. */
export async function open({ context, prepared, parts, backfill, body }: Filling): Promise<void> {
  const own = [
    ...(body.rows === undefined ? [NO_WAIT] : []),
    ...(backfill.options.triggers === "skip" ? [SKIP_TRIGGERS] : []),
  ];
  const message = [statementFrame(parts, "").open, ...own].join("; ");
  await context.connection.execute(message).catch((error: unknown) => {
    throw frameError(error, prepared.step.revision, "within");
  });
}

/** Sends both, one behind the other. The connection has to take messages so. `done`: the rows in front of the window. */
export function sendOpening(filling: Filling, range: KeyRange, { rows, done }: OpeningSize): Opening {
  const opened = open(filling);
  const asked = ask(filling, range, { rows, done });
  // Nobody may come to wait for them.
  for (const one of [opened, asked]) one.catch(() => {});
  return { rows, opened, asked };
}

/** Where a window ends. */
export function ask(
  { context, table, state: { estimatedRows } }: Filling,
  range: KeyRange,
  { rows, done }: OpeningSize,
): Promise<readonly Result[]> {
  const seemsLast = estimatedRows !== null && done + rows >= estimatedRows;
  return context.connection.execute(windowEnd(table, range, rows, { seemsLast })).catch(unplaced);
}

/** Whether a window may begin before what is in front of it has its answer: no pause comes between them, and nobody waits. */
export function mayOpenAhead({ context, controls, sensor: { throttle }, ranged, body }: Filling): boolean {
  const isFree = controls.pausedAt === null && controls.rate === null && throttle.isAlone;
  return (
    isFree && context.connection.capabilities.pipeline && ranged === undefined && body.rows === undefined
  );
}

/** Ends a window that was begun ahead and is not to be done now. */
export async function dropOpening(
  filling: Pick<Filling, "context"> & { opening?: Filling["opening"] },
): Promise<void> {
  if (!filling.opening) return;
  filling.opening = null;
  await rollback(filling.context.connection);
}

/** No trigger fires until the setting is taken back, or the transaction ends. */
export const SKIP_TRIGGERS = "set local session_replication_role = replica";
export const KEEP_TRIGGERS = "set local session_replication_role = origin";

/** As the database has it, whatever a trigger has left in the session. */
export const WAIT = "set local synchronous_commit to default";

/**
 * A window does not wait for the disk: a crash of the server loses its rows and its position together, and the next run
 * does them again. The last transaction of the backfill waits for all of them. A function may have told others of its rows.
 */
export const NO_WAIT = "set local synchronous_commit = off";
