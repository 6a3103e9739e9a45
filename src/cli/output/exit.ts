/** The exit code of each error. */
import { ConfigError, Interrupted } from "../../errors.ts";

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.by === "SIGINT" ? 130 : error.by === "SIGTERM" ? 143 : 1;
  return error instanceof ConfigError && error.details?.from === "flag" ? 2 : 1;
}
