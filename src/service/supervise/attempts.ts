/**
 * The migrations of one start of the app: an attempt, and others behind it while the cause can pass. What PostgreSQL
 * refuses is not tried again.
 */
import type { Problem } from "../../errors.ts";
import type { RunEvent } from "../../run/report/events.ts";
import { delay, formatDuration } from "../../std/time.ts";
import { type ChildOptions, type ChildOutcome, runChild } from "./child.ts";
import { canPass } from "./protocol.ts";
import type { Voice, Witness } from "./voice.ts";

export interface AttemptsOptions
  extends Omit<ChildOptions, "observe" | "onEnd" | "command" | "attemptsLeft"> {
  /** The command that migrates these targets. `null`: all that are meant. */
  readonly command: (targets: readonly string[] | null) => ChildOptions["command"];
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
  /** Settles when their process is gone, and everybody is told of it. */
  readonly gone: Promise<unknown>;
}

/** Resolves when the migrations have ended; their process may still tell others of it. Never rejects. */
export async function migrate(options: AttemptsOptions): Promise<Result> {
  const { retries, voice, witness, signal } = options;
  witness.begin();
  let targets: readonly string[] | null = null;
  /** Of targets whose cause can't pass: they are not tried again. */
  const settled: Problem[] = [];
  for (let attempt = 1; ; attempt++) {
    const progress = followed(witness);
    const command = options.command(targets);
    const attemptsLeft = Math.max(0, retries + 1 - attempt);
    let onEnd = (_outcome: ChildOutcome) => {};
    const told = new Promise<ChildOutcome>((resolve) => {
      onEnd = resolve;
    });
    const gone = runChild({ ...options, command, attemptsLeft, onEnd, observe: progress.observe });
    const outcome = await Promise.race([told, gone]);
    if (outcome.ok) {
      voice.write("info", outcome.text);
      if (settled.length === 0) return ended(witness, { ok: true, problems: [], gone });
      sayFailed(voice, { attempts: attempt, problems: settled });
      return ended(witness, { ok: false, problems: settled, gone });
    }
    const left = outcome.by === "itself" ? leftToTry(outcome.problems) : null;
    const problems = [...settled, ...outcome.problems];
    if (outcome.isSaid !== true && outcome.by !== "stop")
      for (const problem of outcome.problems) voice.problem("error", problem);
    if (signal.aborted) return ended(witness, { ok: false, problems, gone });
    const again = attempt <= retries && (left !== null || isWorthwhile(outcome, progress));
    if (!again) {
      sayFailed(voice, { attempts: attempt, problems });
      return ended(witness, { ok: false, problems, gone });
    }
    await gone;
    if (left !== null) {
      targets = [...left, ...(outcome.notBegun ?? [])];
      settled.push(...outcome.problems.filter((problem) => !left.includes(targetOf(problem) ?? "")));
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
    if (!paused) return ended(witness, { ok: false, problems, gone });
  }
}

/** Of several targets, those of which every cause can pass. `null`: there is one, or none of them. */
function leftToTry(problems: readonly Problem[]): readonly string[] | null {
  const names = new Set(problems.map(targetOf));
  const left = [...names].filter(
    (name) => name !== null && canPass(problems.filter((problem) => targetOf(problem) === name)),
  );
  return names.has(null) || left.length === 0 ? null : (left as string[]);
}

function targetOf({ details }: Problem): string | null {
  return typeof details?.target === "string" ? details.target : null;
}

function sayFailed(voice: Voice, { attempts, problems }: { attempts: number; problems: readonly Problem[] }) {
  const tries = attempts === 1 ? "" : ` after ${attempts} attempts`;
  const codes = [...new Set(problems.map(({ code }) => code))].join(", ");
  voice.write("error", `The migrations have failed${tries} (${codes}). The app goes on.`, {
    hint: "`godwit status` shows what is applied. They are tried again at the next start.",
  });
}

function ended(witness: Witness, result: Result): Result {
  const told = witness.end(result);
  return { ...result, gone: Promise.all([result.gone, told]) };
}

interface FollowedRun {
  readonly observe: (event: RunEvent) => void;
  /** Whether another attempt would begin elsewhere, or was not even reached. */
  readonly hasMoved: () => boolean;
}

function followed(witness: Witness): FollowedRun {
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
function isWorthwhile(outcome: ChildOutcome & { ok: false }, progress: FollowedRun): boolean {
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
