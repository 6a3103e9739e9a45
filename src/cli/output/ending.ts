/** Says that a signal or the deadline has come. */
import { Interrupted } from "../../errors.ts";
import type { Log } from "./log.ts";

/** The end may take some seconds, and a person at the terminal has nothing else to see in them. */
export function sayEnding(log: Log, reason: unknown): void {
  if (!(reason instanceof Interrupted)) return;
  const { by } = reason;
  log.write(
    "info",
    by === "deadline"
      ? "The deadline has passed: ending what is under way"
      : `${by}: ending what is under way; a second signal ends the process at once`,
  );
}
