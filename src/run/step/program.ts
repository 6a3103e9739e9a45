/** Runs the program that carries out a step, and turns its end into that of the step. */

import { StepFailed } from "../../errors.ts";
import { describeEnd } from "../../host/command.ts";
import type { StepContext } from "./context.ts";
import type { Prepared } from "./prepared.ts";

/**
 * Throws unless the program exits with code 0. `onStart` is called once it runs: from then on nobody knows what it keeps.
 * Its lines go into the log.
 */
export async function callProgram(
  context: StepContext,
  prepared: Prepared,
  onStart: () => void,
): Promise<void> {
  const { step, migration } = prepared;
  const { program } = context.target.source;
  if (program === undefined || migration === null) throw new Error("The target has no program.");
  const ended = await program(migration, step.direction, {
    signal: AbortSignal.any([context.stop, context.connection.lost]),
    print: (message) => context.observe({ kind: "log", step, level: "info", message }),
    onStart,
  }).catch((error) => {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined || path === undefined) throw error;
    throw new StepFailed({
      code: "STEP_FAILED",
      message: `${step.file} was not begun: the runner ${path} could not be started (${code}).`,
      hint: "Check runner in the configuration. Its program is found in the project's folder, or in PATH.",
      place: { file: step.file },
    });
  });
  if (ended.exitCode !== 0) throw new Error(`its runner failed: ${describeEnd(ended)}`);
}
