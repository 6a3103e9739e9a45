/**
 * A backfill whose windows run while the migrations lock is free, so that other runs may migrate beside it.
 *
 *   under the lock          row `partial`, bound, ranges
 *   lock of the backfill    windows, each of which holds the row of its range and looks for the claim
 *   under the lock again    rows that failed, check, row `applied`
 *
 * | the run dies | what is there | the next run |
 * | --- | --- | --- |
 * | before the lock is given away | row and ranges, or less | begins, or goes on |
 * | while windows run | the windows before; the server frees the lock of the backfill | claims the ranges, and goes on |
 * | before or while the lock is taken again | all windows | finds nothing left, checks, and completes the row |
 *
 * A run that loses its session loses the lock of the backfill. Windows of it that are still under way are waited for by the
 * claim of the next run, and later ones find another claim, as those of several workers do (`ranges.ts`).
 */

import type { FoundTable } from "../../../backfill/table.ts";
import { isBackground } from "../../../core/backfill.ts";
import { runningProblem } from "../../../core/background.ts";
import { LockError, PlanRefused, type Problem } from "../../../errors.ts";
import { backfillKey, holderOf, tableKey, tryLock, unlock } from "../../../lock/backfill-lock.ts";
import { delay } from "../../../std/time.ts";
import type { StepContext } from "../context.ts";
import type { Prepared } from "../prepared.ts";
import type { Filling } from "./filling.ts";

/** A session of this run that has died frees its locks within moments. */
const OWN_SESSION_MS = 30_000;
const ASK_EVERY_MS = 250;

export interface HeldLocks {
  /** Takes the lock of the backfill. Throws `PlanRefused` (`BACKFILL_RUNNING`) where another run has it. */
  backfill(): Promise<void>;
  /** The same for its table. */
  table(table: Pick<FoundTable, "oid" | "shown">): Promise<void>;
  free(): Promise<void>;
}

/** Behind a pooler that shares sessions there are no such locks, and the migrations lock stays with the run. */
export function heldLocks(context: StepContext, { step }: Prepared): HeldLocks {
  const { connection, ledger } = context;
  const held: bigint[] = [];
  const take = async (key: bigint, refusal: (who: string) => Problem) => {
    if (!context.kind.session) return;
    for (const until = performance.now() + OWN_SESSION_MS; !(await tryLock(connection, key)); ) {
      const holder = await holderOf(connection, key);
      if (holder?.isOwn === false || performance.now() > until)
        throw new PlanRefused([refusal(holder?.application ?? "another session")]);
      await delay(ASK_EVERY_MS, context.stop);
    }
    held.push(key);
  };
  return {
    backfill: () =>
      take(backfillKey(ledger.schema, step.revision), (who) => runningProblem(step.revision, who)),
    table: ({ oid, shown }) => take(tableKey(oid), (who) => tableBusy(step.revision, shown, who)),
    // What cannot be freed is freed with the session.
    free: () => unlock(connection, held.splice(0)).catch(() => {}),
  };
}

/**
 * The steps that are carried out before the ledger is read anew. A backfill that gives the lock away stands alone, because
 * what is behind it was planned before others had the lock. Steps that have failed are not tried again.
 */
export function stepsOfTurn(
  steps: readonly Prepared[],
  failed: ReadonlyMap<string, unknown>,
): readonly Prepared[] {
  const isOpen = ({ step }: Prepared) => !failed.has(step.revision);
  const at = steps.findIndex((prepared) => prepared.step.background === true && isOpen(prepared));
  if (at === -1) return steps;
  return steps.slice(0, steps.slice(0, at).some(isOpen) ? at : at + 1);
}

/** A function runs in a process that knows one connection at a time, and has its windows under the lock. */
export function isBeside({ context, body, backfill, state }: Filling): boolean {
  const { observer, spanning } = context.connection.capabilities;
  const possible = context.retake !== undefined && observer && spanning && state.bound !== null;
  return possible && isBackground({ backfill }) && body.rows === undefined;
}

/** Has `windows` run while the migrations lock is free. Afterwards the lock is held, unless the run has to end. */
export async function aside(filling: Filling, windows: () => Promise<void>): Promise<void> {
  const { context, prepared } = filling;
  const { connection, stop, lock } = context;
  const { checksum } = filling.state;
  await lock.release();
  filling.hasLock = false;
  let failure: { readonly error: unknown } | null = null;
  try {
    context.observe({ kind: "backfill-beside", step: prepared.step, table: filling.table.shown });
    await windows();
  } catch (error) {
    failure = { error };
  }
  if (!connection.lost.aborted && !stop.aborted)
    try {
      await context.retake?.();
      filling.hasLock = await isUnchanged(filling, checksum);
    } catch (error) {
      failure ??= { error };
    }
  if (failure !== null) throw failure.error;
  stop.throwIfAborted();
  if (!filling.hasLock)
    throw new LockError({
      code: "LOCK_LOST",
      message: `The ledger has another row of ${prepared.step.revision} than when its windows began, or none.`,
      hint: "Run again: the plan is made again from the ledger.",
    });
}

/** Meanwhile somebody may have corrected the ledger by hand. */
async function isUnchanged({ context, prepared }: Filling, checksum: string | null): Promise<boolean> {
  const { entries } = await context.ledger.read(context.connection, { evenDamaged: true });
  const entry = entries.find((one) => one.revision === prepared.step.revision);
  return entry?.state === "partial" && entry.checksum === checksum;
}

function tableBusy(revision: string, table: string, who: string): Problem {
  return {
    code: "BACKFILL_RUNNING",
    message: `${revision} was not begun: ${who} carries out another backfill of ${table}.`,
    hint: "Run again when that one is done.",
    details: { revision, table },
  };
}
