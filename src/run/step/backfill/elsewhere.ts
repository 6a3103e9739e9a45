/** Backfills that other runs are carrying out, and a run that waits for them (`waitForBackfills`). */
import type { Connection } from "../../../database/connection.ts";
import { backfillKey, holderOf } from "../../../lock/backfill-lock.ts";
import { delay } from "../../../std/time.ts";
import type { RunContext, Target } from "../../session/target.ts";

const LOOK_EVERY_MS = 1_000;

interface Waiting {
  readonly target: Target;
  readonly connection: Connection;
  readonly context: RunContext;
}

/**
 * Returns as soon as no other run is carrying out one of these backfills: they are done, or theirs to take over. Call it
 * without the migrations lock, or nobody could finish them. Returns whether there was one.
 */
export async function waitForOthers(
  { target: { ledger }, connection, context }: Waiting,
  revisions: readonly string[],
): Promise<boolean> {
  const startedAt = performance.now();
  for (const revision of revisions)
    for (;;) {
      const holder = await holderOf(connection, backfillKey(ledger.schema, revision));
      if (holder === null || holder.isOwn) break;
      const state = await ledger.backfills.state(connection, revision);
      const { rows, estimatedRows } = state ?? { rows: 0, estimatedRows: null };
      context.observe({
        kind: "waiting-for-backfill",
        ...{ revision, by: holder.application, rows },
        share: estimatedRows === null || estimatedRows <= 0 ? null : Math.min(1, rows / estimatedRows),
        waitedMs: performance.now() - startedAt,
      });
      await delay(LOOK_EVERY_MS, context.signal);
    }
  return revisions.length > 0;
}
