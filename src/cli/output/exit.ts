/**
 * The exit code of each error. Plain codes say whether a command is done. Detailed codes also say whether it makes sense
 * to start it again, for whoever does that by the exit code alone: a Kubernetes Job, systemd, a script.
 */
import type { Values } from "../../config/options.ts";
import { ConfigError, ERROR_CODES, GodwitError, Interrupted, type Problem } from "../../errors.ts";
import { canPass } from "../../service/supervise/protocol.ts";
import { exitCodeOfSignal } from "../signals.ts";
import { problemsToTell } from "./problems.ts";

export type ExitCodeKind = Values["exitCodes"];

export interface ExitCode {
  readonly code: number;
  readonly cause: string;
  /** `true`: the same command may succeed later. `false`: a person must do something first. `null`: not known. */
  readonly again: boolean | null;
}

const PASSES = 10;
const DEADLINE = 11;
/** By the class of the error, which says what the reader does next. */
const OF_CLASS: Readonly<Record<(typeof ERROR_CODES)[keyof typeof ERROR_CODES], number>> = {
  ConfigError: 20,
  SourceError: 21,
  PlanRefused: 22,
  StepFailed: 23,
  DatabaseError: 24,
  ImportFailed: 25,
  LockError: PASSES,
  Interrupted: 1,
};
/** The first of the codes after which a person must do something. */
const FIRST_FOR_PEOPLE = 20;

/** Every code of `--exit-codes detailed`, the documentation of which is made from this table. */
export const DETAILED: readonly ExitCode[] = [
  { code: 0, cause: "done", again: null },
  {
    code: 1,
    cause:
      "the answer to a question is no (`status --check`, `health`), or a failure without a code of its own",
    again: null,
  },
  { code: 2, cause: "unusable command line", again: false },
  {
    code: PASSES,
    cause:
      "it can pass by itself: no connection, a standby, somebody holds a lock, another run is at work, the NAS is away",
    again: true,
  },
  { code: DEADLINE, cause: "the deadline of the run has passed; the next run continues", again: true },
  { code: OF_CLASS.ConfigError, cause: "the configuration or a variable (`ConfigError`)", again: false },
  { code: OF_CLASS.SourceError, cause: "the migration files (`SourceError`)", again: false },
  { code: OF_CLASS.PlanRefused, cause: "a person must decide (`PlanRefused`)", again: false },
  { code: OF_CLASS.StepFailed, cause: "a migration failed (`StepFailed`)", again: false },
  { code: OF_CLASS.DatabaseError, cause: "the server refuses (`DatabaseError`)", again: false },
  { code: OF_CLASS.ImportFailed, cause: "files could not be imported (`ImportFailed`)", again: false },
  { code: 129, cause: "SIGHUP", again: true },
  { code: 130, cause: "SIGINT", again: true },
  { code: 131, cause: "SIGQUIT", again: true },
  { code: 143, cause: "SIGTERM", again: true },
];

/** Those after which starting the command again is of no use. */
export function codesForPeople(): readonly number[] {
  return DETAILED.filter(({ again }) => again === false).map(({ code }) => code);
}

/**
 * Which codes are wanted. It is read before the command line is parsed, because every failure has a code. A value that
 * nobody knows is refused where options are read, with a plain code.
 */
export function wantedExitCodes(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ExitCodeKind {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  const typed = words.flatMap((word, at) =>
    word === "--exit-codes"
      ? [words[at + 1]]
      : word.startsWith("--exit-codes=")
        ? [word.slice(word.indexOf("=") + 1)]
        : [],
  );
  const wanted = typed.length > 0 ? typed.at(-1) : environment.GODWIT_EXIT_CODES;
  return wanted?.trim() === "detailed" ? "detailed" : "plain";
}

export function exitCodeOf(error: unknown, kind: ExitCodeKind): number {
  const unusable = error instanceof ConfigError && error.details?.from === "flag";
  if (unusable) return 2;
  const bySignal = error instanceof Interrupted ? exitCodeOfSignal(error.by) : null;
  if (bySignal !== null) return bySignal;
  if (kind === "plain" || !(error instanceof GodwitError)) return 1;
  return exitCodeOfProblems(problemsToTell(error), kind);
}

/** Of a command that has an answer and still failed. */
export function exitCodeOfProblems(problems: readonly Problem[], kind: ExitCodeKind): number {
  return kind === "plain" ? 1 : worstOf(problems.map(codeOf), kind);
}

/**
 * One code for several failures. A person is needed as soon as one of them needs a person, however many could pass by
 * themselves.
 */
export function worstOf(codes: readonly number[], kind: ExitCodeKind): number {
  if (codes.length > 0 && codes.every((code) => code === 2)) return 2;
  if (kind === "plain") return 1;
  const worst = Math.max(1, ...codes);
  return worst < FIRST_FOR_PEOPLE && codes.includes(2) ? 2 : worst;
}

function codeOf(problem: Problem): number {
  if (problem.code === "DEADLINE") return DEADLINE;
  if (canPass([problem])) return PASSES;
  return OF_CLASS[ERROR_CODES[problem.code]];
}
