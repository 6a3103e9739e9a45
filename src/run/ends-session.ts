/** A step that was running each time that the connection was lost: what of it was kept is asked of the ledger. */
import type { Step } from "../core/plan.ts";
import type { Connection } from "../database/connection.ts";
import { StepFailed } from "../errors.ts";
import { advise, type Committed, NOTHING } from "./committed.ts";
import type { Target } from "./target.ts";

export async function endsSession(
  target: Target,
  connection: Connection,
  step: Step,
  again?: string | undefined,
): Promise<{ readonly problem: StepFailed; readonly committed: Committed }> {
  const committed = await keptOf(target, connection, step);
  const problem = new StepFailed({
    code: "STEP_FAILED",
    message: `The connection was lost twice while ${step.revision} was running; it is not tried again.`,
    place: { file: step.file },
    hint: `Look into the server's log: a statement of it may crash the server or end its own session. ${advise(committed, { ...step, again })}`,
  });
  return { problem, committed };
}

async function keptOf(target: Target, connection: Connection, step: Step): Promise<Committed> {
  // Only what runs outside a transaction leaves a row before it is done.
  if (step.reason !== "resume") return NOTHING;
  const recorded = await target.ledger.statements(connection, step.revision, step.direction);
  const begun = recorded.find(({ state }) => state === "started");
  if (begun !== undefined) return { extent: "unknown", position: begun.position, line: undefined };
  const done = recorded.length;
  if (done > 0) return { extent: "some", done, line: undefined, count: null, parts: "statements" };
  return step.kind === "module" ? { extent: "unknown", position: null } : NOTHING;
}
