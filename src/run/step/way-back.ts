/** Refuses a run that must be able to go back, before its first step, where one of its steps has no way back. */
import { type Forward, withoutWayBack } from "../../core/take-back.ts";
import { PlanRefused } from "../../errors.ts";
import { sendsOneByOne } from "../../source/layouts/no-transaction.ts";
import { refuseUnmirroredDown } from "../mirror/reruns.ts";
import type { Target } from "../session/target.ts";
import { statementsOf } from "./body.ts";
import { mayCommit } from "./outside.ts";
import type { Prepared } from "./prepared.ts";

/** Throws `PlanRefused` with all steps that a rollback could not take back. */
export async function refuseWithoutWayBack(
  target: Target,
  steps: readonly Prepared[],
  there: Parameters<typeof refuseUnmirroredDown>[1],
): Promise<void> {
  const forwards: Forward[] = [];
  for (const prepared of steps) {
    const { step, migration } = prepared;
    forwards.push({ step, migration, ...(await halfOf(prepared, target.source.layout)) });
  }
  const [first, ...others] = withoutWayBack(forwards);
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  refuseUnmirroredDown(target, there, { steps: steps.map(({ step }) => step) });
}

/**
 * One statement alone takes effect or fails, unless it commits by itself; of several outside a transaction the first ones
 * stay. Whether a procedure commits is not known before it runs.
 */
async function halfOf(
  { form, because, problem, load, settings }: Prepared,
  layout: string,
): Promise<Pick<Forward, "half" | "remedy">> {
  const mayLeaveTransaction = settings.transaction !== true && form.sends !== "calls";
  if (problem !== null || (form.transactional && !mayLeaveTransaction)) return { half: null };
  const body = await load();
  if (body.kind !== "sql")
    return {
      half: body.kind === "program" ? `${because}` : `it does not run in one transaction: ${because}`,
    };
  const statements = statementsOf(body);
  const alone = statements.length <= 1;
  const committing = alone || sendsOneByOne(layout) ? statements.find(mayCommit) : undefined;
  if (committing !== undefined) {
    const isSaid = committing.kind.kind === "commits-itself";
    const half = `line ${committing.line}: ${isSaid ? "it commits by itself" : "what it calls may commit"}`;
    const remedy = "If it never commits, begin the file with `-- godwit: transaction=on`.";
    return { half, remedy: isSaid || layout !== "plain" ? undefined : remedy };
  }
  if (form.transactional || (form.sends === "statements" && alone)) return { half: null };
  return { half: `it does not run in one transaction: ${because}` };
}
