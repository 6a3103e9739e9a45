/** Runs the checks before or after a run, one after the other. The first that fails ends them. */
import type { Connection } from "../../database/connection.ts";
import { DatabaseError, PlanRefused, StepFailed } from "../../errors.ts";
import { formatDuration, timeLimit } from "../../std/time.ts";
import type { RunContext, Target } from "../session/target.ts";
import { type Check, CheckFault, type CheckMoment } from "./check.ts";
import { checkCommand } from "./command.ts";
import { checkSql } from "./sql-check.ts";
import { checkUrl } from "./url.ts";

export interface Checking {
  readonly target: Target;
  readonly checks: readonly Check[];
  readonly context: RunContext;
}

/**
 * Those of one moment. Returns their names. Throws `PlanRefused` (`CHECK_REFUSED`) or `StepFailed` (`CHECK_FAILED`) for one
 * that does not pass, and the reason of the signal if it aborts. SQL is asked on the connection, if there is one.
 */
export async function runChecks(
  { target, checks, context }: Checking,
  when: CheckMoment,
  connection: Connection | null = null,
): Promise<readonly string[]> {
  const passed: string[] = [];
  for (const check of checks.filter((one) => one.when === when)) {
    context.signal.throwIfAborted();
    context.observe({ kind: "check-started", check: check.name });
    const startedAt = performance.now();
    const error = await failureOf(check, { target, context, connection });
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

/** Those before a run, where it has steps at all. */
export async function passBefore(
  target: Target,
  { checks = [] }: { readonly checks?: readonly Check[] | undefined },
  { context, connection, steps }: { context: RunContext; connection: Connection; steps: readonly unknown[] },
): Promise<void> {
  if (steps.length > 0) await runChecks({ target, checks, context }, "before", connection);
}

interface CheckContext {
  readonly target: Target;
  readonly context: RunContext;
  readonly connection: Connection | null;
}

async function failureOf(
  check: Check,
  { target, context, connection }: CheckContext,
): Promise<PlanRefused | StepFailed | null> {
  using limit = timeLimit(check.timeoutMs);
  const signal = AbortSignal.any([context.signal, limit.signal]);
  try {
    await one(check, { target, context: { ...context, signal }, connection });
    return null;
  } catch (error) {
    const isOver = limit.signal.aborted && !(error instanceof CheckFault);
    const what = isOver
      ? `it had not ended after ${formatDuration(check.timeoutMs)}`
      : error instanceof Error
        ? error.message.replace(/\.$/, "")
        : String(error);
    const detail = error instanceof CheckFault ? error.detail : undefined;
    const cause = error instanceof DatabaseError ? { cause: error } : {};
    const details = { check: check.name, ...(detail === undefined ? {} : { detail }) };
    if (check.when === "before")
      return new PlanRefused(
        [
          {
            code: "CHECK_REFUSED",
            message: `The check "${check.name}" must pass before a run, and did not: ${what}. No migration was begun.`,
            hint: "Mend what it looks at, then run the same command again.",
            details,
          },
        ],
        cause,
      );
    return new StepFailed(
      {
        code: "CHECK_FAILED",
        message: `The check "${check.name}" did not pass: ${what}.`,
        hint: "Mend what it looks at. `godwit up` runs the checks again, also if nothing is pending.",
        details,
      },
      cause,
    );
  }
}

function one(check: Check, { target, context, connection }: CheckContext): Promise<void> {
  switch (check.kind) {
    case "sql":
      return checkSql(check, { target, context, connection });
    case "command":
      return checkCommand(check, context.signal);
    case "url":
      return checkUrl(check, context.signal);
  }
}
