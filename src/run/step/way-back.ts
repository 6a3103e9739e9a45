/** Refuses a run that must be able to go back, before its first step, where one of its steps has no way back. */
import { type Forward, withoutWayBack } from "../../core/take-back.ts";
import { PlanRefused } from "../../errors.ts";
import { refuseUnmirroredDown } from "../mirror/reruns.ts";
import type { Target } from "../session/target.ts";
import { statementsOf } from "./body.ts";
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
    forwards.push({ step, migration, half: await halfOf(prepared) });
  }
  const [first, ...others] = withoutWayBack(forwards);
  if (first !== undefined) throw new PlanRefused([first, ...others]);
  refuseUnmirroredDown(target, there, { steps: steps.map(({ step }) => step) });
}

/** One statement alone takes effect or fails; of several outside a transaction the first ones stay. */
async function halfOf({ form, because, problem, load }: Prepared): Promise<string | null> {
  if (form.transactional || problem !== null) return null;
  const body = await load();
  if (body.kind === "sql" && form.sends === "statements" && statementsOf(body).length <= 1) return null;
  return body.kind === "program" ? `${because}` : `it does not run in one transaction: ${because}`;
}
