/** The last promise before exit 0: what was planned is in the ledger. */
import type { Plan } from "../../core/plan.ts";
import { StepFailed } from "../../errors.ts";
import type { StepContext } from "./context.ts";

/** Throws `StepFailed` (`RUN_INCOMPLETE`), and `LockError` if the run's lock was freed. */
export async function assertApplied(
  { connection, lock, ledger }: Pick<StepContext, "connection" | "lock" | "ledger">,
  { steps }: Plan,
): Promise<void> {
  await lock.confirm();
  const { entries } = await ledger.read(connection, { evenDamaged: true });
  const applied = new Set(
    entries.filter((entry) => entry.state === "applied").map((entry) => entry.revision),
  );
  const wrong = steps.filter((step) => applied.has(step.revision) !== (step.direction === "up"));
  if (wrong.length > 0)
    throw new StepFailed({
      code: "RUN_INCOMPLETE",
      message: `The run ended, but the ledger does not say so of ${wrong.map((step) => step.revision).join(", ")}.`,
      hint: "Run again; if it stays, look for a trigger on the ledger.",
    });
}
