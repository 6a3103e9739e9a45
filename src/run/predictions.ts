/** Predictions are kept before the steps that they are of: nobody can say afterwards that he knew. */
import type { Plan } from "../core/step.ts";
import type { LockedSession } from "./catalog/kept-schema.ts";
import { writeUnderLock } from "./session/transaction.ts";

/** Under the lock, in the log. Nothing where nothing was predicted. */
export async function keepPredictions(
  { target, connection, lock, context }: LockedSession,
  { steps }: Plan,
  predicted: ReadonlyMap<string, number> | undefined,
): Promise<void> {
  const known = steps.flatMap(({ revision }) => {
    const predictedMs = predicted?.get(revision);
    return predictedMs === undefined ? [] : [{ revision, predictedMs }];
  });
  if (known.length === 0) return;
  const details = { steps: known };
  const entry = { event: "predicted", revision: null, direction: null, durationMs: null, details } as const;
  await writeUnderLock(connection, lock, target.ledger.sql.log(context, entry));
}
