/** The exit code of each error. */
import { ConfigError, Interrupted } from "../../errors.ts";
import { exitCodeOfSignal } from "../signals.ts";

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return exitCodeOfSignal(error.by) ?? 1;
  return error instanceof ConfigError && error.details?.from === "flag" ? 2 : 1;
}
