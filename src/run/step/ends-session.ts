/** A step that lost its connection twice. The ledger says what of it was kept. */
import type { Step } from "../../core/plan.ts";
import type { Connection } from "../../database/connection.ts";
import { StepFailed } from "../../errors.ts";
import { advise, type Committed, NOTHING } from "../report/committed.ts";
import type { Target } from "../session/target.ts";
import { type Body, startOf, statementsOf } from "./body.ts";

export async function endsSession(
  target: Target,
  connection: Connection,
  step: Step,
  { rerun, body }: { readonly rerun: string | undefined; readonly body: Body | null },
): Promise<{ readonly problem: StepFailed; readonly committed: Committed }> {
  const sql = body?.kind === "sql" ? body : null;
  const file = sql?.file ?? step.file;
  const committed = await committedOf(target, connection, { step, body: sql });
  const line = committed.extent === "some" ? committed.line : undefined;
  const problem = new StepFailed({
    code: "STEP_FAILED",
    message: `The connection was lost twice while ${step.revision} was running; it is not tried again.`,
    place: line === undefined ? { file } : { file, line },
    hint: `Look into the server's log: a statement of it may crash the server or end its own session. ${advise(committed, { ...step, file, rerun })}`,
  });
  return { problem, committed };
}

async function committedOf(
  target: Target,
  connection: Connection,
  { step, body }: { readonly step: Step; readonly body: (Body & { kind: "sql" }) | null },
): Promise<Committed> {
  // Only a step outside a transaction leaves a row before it is done.
  if (step.reason !== "resume") return NOTHING;
  const recorded = await target.ledger.statements(connection, step.revision, step.direction);
  const begun = recorded.find(({ state }) => state === "started");
  if (begun !== undefined) return { extent: "unknown", position: begun.position, line: undefined };
  const done = recorded.length;
  if (done > 0) {
    // The statement behind the done ones is the one that ends the session.
    const statements = body === null ? [] : statementsOf(body);
    const next = statements[done];
    const { line, column } = body === null || next === undefined ? {} : startOf(body, next);
    const parts = body?.units === undefined ? "statements" : "transactions";
    return { extent: "some", done, line, column, count: body === null ? null : statements.length, parts };
  }
  return step.kind === "module" ? { extent: "unknown", position: null } : NOTHING;
}
