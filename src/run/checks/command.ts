/** A check by a program of the user's: exit code 0 passes. */
import { describeEnd, runCommand } from "../../host/command.ts";
import { presentable } from "../../std/secret.ts";
import { type Check, CheckFault } from "./check.ts";

export async function checkCommand(
  { command, folder, environment }: Check & { kind: "command" },
  signal: AbortSignal,
): Promise<void> {
  const ended = await runCommand(command, { folder, environment, signal }).catch((error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (signal.aborted || code === undefined) throw error;
    throw new CheckFault(`${command[0]} could not be started (${code})`);
  });
  if (ended.exitCode === 0) return;
  throw new CheckFault(describeEnd(ended), presentable(ended.lastLines.join("\n")) || undefined);
}
