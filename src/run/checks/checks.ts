/** Runs the checks after a run, one after the other. The first that fails ends them. */
import { DatabaseError, StepFailed } from "../../errors.ts";
import { formatDuration, timeLimit } from "../../std/time.ts";
import type { RunContext, Target } from "../session/target.ts";
import { type Check, CheckFault } from "./check.ts";
import { checkCommand } from "./command.ts";
import { checkSql } from "./sql-check.ts";
import { checkUrl } from "./url.ts";

/** Throws `StepFailed` (`CHECK_FAILED`) for a check that does not pass, and the reason of the signal if it aborts. */
export async function runChecks(
  target: Target,
  checks: readonly Check[],
  context: RunContext,
): Promise<readonly string[]> {
  const passed: string[] = [];
  for (const check of checks) {
    context.signal.throwIfAborted();
    context.observe({ kind: "check-started", check: check.name });
    const startedAt = performance.now();
    const error = await failureOf(target, check, context);
    const durationMs = performance.now() - startedAt;
    // A signal ends the check, and says nothing about what it looks at.
    context.signal.throwIfAborted();
    context.observe({
      kind: "check-done",
      check: check.name,
      durationMs,
      problem: error?.toProblem() ?? null,
    });
    if (error !== null) throw error;
    passed.push(check.name);
  }
  return passed;
}

async function failureOf(target: Target, check: Check, context: RunContext): Promise<StepFailed | null> {
  using limit = timeLimit(check.timeoutMs);
  const signal = AbortSignal.any([context.signal, limit.signal]);
  try {
    await one(target, check, { ...context, signal });
    return null;
  } catch (error) {
    const isOver = limit.signal.aborted && !(error instanceof CheckFault);
    const what = isOver
      ? `it had not ended after ${formatDuration(check.timeoutMs)}`
      : error instanceof Error
        ? error.message.replace(/\.$/, "")
        : String(error);
    const detail = error instanceof CheckFault ? error.detail : undefined;
    return new StepFailed(
      {
        code: "CHECK_FAILED",
        message: `The check "${check.name}" did not pass: ${what}.`,
        hint: "Mend what it looks at. `godwit up` runs the checks again, also if nothing is pending.",
        details: { check: check.name, ...(detail === undefined ? {} : { detail }) },
      },
      error instanceof DatabaseError ? { cause: error } : {},
    );
  }
}

function one(target: Target, check: Check, context: RunContext): Promise<void> {
  switch (check.kind) {
    case "sql":
      return checkSql(target, check, context);
    case "command":
      return checkCommand(check, context.signal);
    case "url":
      return checkUrl(check, context.signal);
  }
}
