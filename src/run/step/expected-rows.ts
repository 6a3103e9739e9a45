/** Rows are counted in one transaction. Where a migration is none, they cannot be asked for. */
import { isExpected, shownExpectation } from "../../core/expectation.ts";
import { EXPECTATION_HINT } from "../../core/sql/expectation-guard.ts";
import { type Problem, SourceError, StepFailed } from "../../errors.ts";
import { rowsOf } from "../../std/number.ts";
import type { Filling } from "./backfill/filling.ts";
import type { Prepared } from "./prepared.ts";

/** `null`: nobody asks for its rows, or they can be counted. */
export function rowsOutside(
  { step, settings }: Pick<Prepared, "step" | "settings">,
  because: string,
): Problem | null {
  const rows = step.direction === "up" ? settings.expect?.find(({ kind }) => kind === "rows") : undefined;
  if (rows === undefined) return null;
  return {
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${step.file} expects ${shownExpectation(rows)}, but it does not run in one transaction: ${because}.`,
    hint: "Expect the answer of a query instead, which is asked at the end, or put the statement that changes rows into a migration of its own.",
    place: { file: step.file },
  };
}

/** Throws `SourceError` where rows would have to be counted in several transactions. */
export function refuseRowsOutside(prepared: Prepared, because: string): void {
  const problem = rowsOutside(prepared, because);
  if (problem !== null) throw new SourceError([problem]);
}

/** The rows that all windows have changed. Throws `StepFailed`, and the windows stay. */
export function refuseUnexpectedRows({ prepared: { step, settings }, state }: Filling): void {
  for (const expectation of settings.expect ?? [])
    if (expectation.kind === "rows" && !isExpected(expectation, state.changed))
      throw new StepFailed({
        code: "EXPECTATION_FAILED",
        message: `${step.file} expects ${shownExpectation(expectation)}, and its windows have changed ${rowsOf(state.changed)}.`,
        hint: EXPECTATION_HINT,
        place: { file: step.file },
      });
}
