/**
 * The migrations of one start of the app: an attempt, and others behind it while the cause can pass. What PostgreSQL
 * refuses is not tried again.
 */
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { delay, formatDuration } from "../../std/time.ts";
import { type ChildOptions, type Outcome, runChild } from "./child.ts";
import { canPass } from "./protocol.ts";
import type { Voice, Witness } from "./voice.ts";

export interface AttemptsOptions extends Omit<ChildOptions, "observe"> {
  /** How often it is tried again. */
  readonly retries: number;
  /** The pause before the retry of this number, which counts from 1. */
  readonly delayMs: (retry: number) => number;
  readonly voice: Voice;
  readonly witness: Witness;
}

export interface Result {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
}

/** Never rejects. */
export async function migrate(options: AttemptsOptions): Promise<Result> {
  const { retries, voice, witness, signal } = options;
  witness.begin();
  for (let attempt = 1; ; attempt++) {
    const progress = followed(witness);
    const outcome = await runChild({ ...options, observe: progress.observe });
    if (outcome.ok) {
      voice.write("info", outcome.text);
      return ended(witness, { ok: true, problems: [] });
    }
    // What it could say itself, it has.
    if (outcome.by !== "itself" && outcome.by !== "stop")
      for (const problem of outcome.problems) voice.problem("error", problem);
    if (signal.aborted) return ended(witness, { ok: false, problems: outcome.problems });
    const again = attempt <= retries && isWorthwhile(outcome, progress);
    if (!again) {
      const tries = attempt === 1 ? "" : ` after ${attempt} attempts`;
      const codes = [...new Set(outcome.problems.map(({ code }) => code))].join(", ");
      voice.write("error", `The migrations have failed${tries} (${codes}). The app goes on.`, {
        hint: "godwit status shows what is applied. They are tried again at the next start.",
      });
      return ended(witness, { ok: false, problems: outcome.problems });
    }
    const pauseMs = options.delayMs(attempt);
    voice.write(
      "warn",
      `Attempt ${attempt} of ${retries + 1} to migrate has failed, and its cause can pass: again in ${formatDuration(pauseMs)}.`,
    );
    const paused = await delay(pauseMs, signal).then(
      () => true,
      () => false,
    );
    if (!paused) return ended(witness, { ok: false, problems: outcome.problems });
  }
}

function ended(witness: Witness, result: Result): Result {
  witness.end(result);
  return result;
}

interface Progress {
  readonly observe: (event: RunEvent) => void;
  /** Whether another attempt would begin elsewhere, or was not even reached. */
  readonly hasMoved: () => boolean;
}

function followed(witness: Witness): Progress {
  let done = 0;
  let waiting = false;
  return {
    observe(event) {
      if (event.kind === "step-done" || event.kind === "adopted") done++;
      if (event.kind === "lock-waiting" || event.kind === "database-waiting") waiting = true;
      if (event.kind === "lock-acquired") waiting = false;
      witness.observe(event);
    },
    hasMoved: () => done > 0 || waiting,
  };
}

/** After its deadline it goes on where it stopped; a step that has hung alone would hang again. */
function isWorthwhile(outcome: Outcome & { ok: false }, progress: Progress): boolean {
  switch (outcome.by) {
    case "others":
      return true;
    case "deadline":
      return progress.hasMoved();
    case "itself":
      return canPass(outcome.problems);
    default:
      return false;
  }
}
