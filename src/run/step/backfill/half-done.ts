/** Why a backfill or a way back that is half done cannot go on, for whoever looks before it does. */
import type { Connection } from "../../../database/connection.ts";
import type { Target } from "../../session/target.ts";
import { isWorthRetrying } from "../../session/transaction.ts";
import type { Prepared, ResumeLook } from "../prepared.ts";
import { refuseEdited } from "./edited.ts";
import { lookAsFile, sameTable } from "./examine.ts";
import { refuseLost, refuseLostValues } from "./lost.ts";
import { wayBackTable } from "./way-back-table.ts";

/**
 * Throws `PlanRefused`. `BACKFILL_EDITED`: the file has changed since the first window, or its table or key is another one by now.
 * `BACKFILL_LOST`: nothing says how far it is.
 */
export async function refuseHalfDone(
  target: Target,
  connection: Connection,
  prepared: Prepared,
  { kind, findsSchema }: ResumeLook,
): Promise<void> {
  const { step, settings, load } = prepared;
  // First, because no text can be accepted for rows of which nobody knows whether they are done.
  await refuseLost(target, connection, prepared);
  const known = await target.ledger.backfills.state(connection, step.revision);
  if (known !== null) refuseEdited(known, prepared);
  const body = await load();
  if (known === null || known.rows === 0 || body.kind !== "sql" || body.backfill === undefined) return;
  if (!findsSchema || !connection.capabilities.spanning) return;
  const { backfill } = body;
  await lookAsFile({ target, connection, kind, settings }, () =>
    sameTable(connection, { step, body: { ...body, backfill }, known }),
  ).catch(unlessBusy);
}

/** The same of its way back. */
export async function refuseHalfBack(
  target: Target,
  connection: Connection,
  prepared: Prepared,
  { kind, findsSchema }: ResumeLook,
): Promise<void> {
  const { step, settings } = prepared;
  await refuseLostValues(target, connection, prepared);
  const state = await target.ledger.undo(connection, step.revision);
  if (state === null || !findsSchema || !connection.capabilities.spanning) return;
  const done = await target.ledger.backfills.state(connection, step.revision);
  await lookAsFile({ target, connection, kind, settings }, () =>
    wayBackTable(connection, { state, done, step }),
  ).catch(unlessBusy);
}

/** Somebody has locked the table. The run will say what it finds. */
function unlessBusy(error: unknown): void {
  if (!isWorthRetrying(error)) throw error;
}
