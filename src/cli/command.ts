/** What a command is: a row of the table in `commands.ts`, and a file of `commands/` that carries it out. */
import type { Config } from "../config/config.ts";
import { isOfSomeCommands, type Option, type OptionKey } from "../config/options.ts";
import type { Problem } from "../errors.ts";
import type { Observe } from "../run/report/events.ts";
import type { Changes } from "../run/session/reading.ts";
import type { Source } from "../source/source.ts";
import type { ExitCodeKind } from "./output/exit.ts";
import type { Log } from "./output/log.ts";
import type { Terminal } from "./output/terminal.ts";
import type { SignalHandler } from "./signals.ts";
import type { UnderWay } from "./under-way.ts";

export interface CommandRow {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** The arguments in the syntax of commander: `[revision]`, `<name…>`. */
  readonly arguments?: readonly { readonly syntax: string; readonly help: string }[];
  readonly flags?: readonly { readonly syntax: string; readonly help: string }[];
  /**
   * Which targets the command is about, if several are configured. `each`: the named ones, or all. `one`: exactly
   * one, which must be named. This is the default, because nothing is done to a database that nobody named. `flag`:
   * exactly one, named with `--target`, because the words belong to the command. `none`: no target.
   */
  readonly targets?: "each" | "one" | "flag" | "none";
  /** What is said when it is ended before it is done. Default: `once`. */
  readonly changes?: Changes;
  /** Flags, by their camelCase names, and words with which that is another. */
  readonly changesWith?: Readonly<Record<string, Changes>>;
  /** It tells webhooks, so what their configuration needs must be there. */
  readonly tells?: true;
  /** What the command is about, which decides the options that it honours. Default: the database, and files with it. */
  readonly about?: "files" | "nothing";
  /** Flags, by their camelCase names, with which it is about the whole project and about no target. */
  readonly ofProject?: readonly string[];
  /** It runs until a signal ends it, so `--timeout` does not apply to it. */
  readonly stays?: boolean;
  /** More options that it honours. A flag that a command does not honour is refused. */
  readonly honours?: readonly OptionKey[];
  /** Flags that leave others without an effect, by their camelCase names. */
  readonly excludes?: readonly { readonly flag: string; readonly others: readonly string[] }[];
  /** Flags that have no effect without another one. */
  readonly needs?: readonly { readonly flag: string; readonly other: string }[];
  /** A longer text for `--help`, below the summary. */
  readonly description?: string;
  /** The words behind `--` are a command that it starts, and none of them is read. */
  readonly startsApp?: boolean;
  readonly examples: readonly (readonly [command: string, does: string])[];
  readonly load: () => Promise<{ readonly run: Run }>;
}

export type Run = (invocation: Invocation) => Promise<Answer>;

export interface Invocation {
  readonly arguments: readonly string[];
  /** The flags of the command itself, by their camelCase names. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Loads the configuration on the first call, because `init` and `completion` need none. */
  readonly config: () => Promise<Config>;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** Told of the events of several targets, whose lines are written elsewhere. */
  readonly overheard: Observe;
  /** Told of each run before it begins. */
  readonly begun: (run: { readonly runId: string; readonly target: string }) => void;
  /** The words behind `--`, for a command that starts them. */
  readonly app: readonly string[];
  /** Gives it the signals of the process. */
  readonly takeSignals: (handler: SignalHandler) => void;
  readonly underWay: UnderWay;
  /** Whether whoever started this process will start it again after such a failure. */
  readonly isTriedAgain: (problems: readonly Problem[]) => boolean;
  /**
   * Says how the only run has ended, before the command does: whoever supervises it need not wait until others are told.
   * `null`: nobody supervises it, or there are several.
   */
  readonly runEnded: ((end: { readonly answer: Answer } | { readonly error: unknown }) => void) | null;
  /** Writes one line for people to stderr. */
  readonly say: (line: string, options?: { readonly loud: boolean }) => void;
  readonly json: boolean;
  /** How detailed the exit code of a failure is. */
  readonly exitCodes: ExitCodeKind;
  /** The log of this run. */
  readonly log: () => Log;
  /** What names this run in a log of JSON lines. */
  readonly instanceId: string;
  /** The source, if its files are listed already. */
  readonly source?: Source;
  /** The table of all commands. */
  readonly commands: readonly CommandRow[];
}

export interface Answer {
  /** Merged into the one document that `--json` prints. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Printed on stdout without `--json`. */
  readonly text: string;
  /**
   * `true`: a script that somebody else runs. It is printed unchanged, with the passwords that its author wrote into
   * it.
   */
  readonly verbatim?: boolean;
  /** `false`: only a confirmation, which `--quiet` leaves out. */
  readonly result: boolean;
  /** `true`: a part of the text is useless, as with a script. */
  readonly whole?: boolean;
  /** `true`: of each of several schemas all of the text is shown. Default: its first line, because there may be thousands. */
  readonly wholeOfSchema?: boolean;
  /** 1: the answer to a question is no. For several targets: the worst exit code. */
  readonly exitCode?: number;
  /** Of several targets, those that were left out because of others. */
  readonly notBegun?: readonly string[];
}

/** Whether the flag of an option has an effect on a command. */
export function isHonoured(row: CommandRow, option: Option): boolean {
  if (row.honours?.includes(option.key) === true) return true;
  if (isOfSomeCommands(option)) return false;
  if (option.key === "target") return row.targets !== "none";
  // A command that stays alive ends by a signal, or with the exit code of what it has started.
  if (option.key === "timeout" || option.key === "exitCodes")
    return row.about !== "nothing" && row.stays !== true;
  if (option.about === undefined || row.about === undefined) return true;
  return row.about === option.about;
}

/** What the command changes, as it was typed. */
export function changesOf(
  { changes = "once", changesWith = {} }: CommandRow,
  { words, flags }: { readonly words: readonly string[]; readonly flags: Invocation["flags"] },
): Changes {
  const given = Object.keys(changesWith).find((key) => words[0] === key || (flags[key] ?? false) !== false);
  return given === undefined ? changes : (changesWith[given] ?? changes);
}

/** Whether names of targets may be among the words. */
export function hasTargets({ targets }: CommandRow): boolean {
  return targets === undefined || targets === "each" || targets === "one";
}

/** The argument for names of targets, behind the command's own arguments. `null`: the command takes none. */
export function targetsArgument(row: CommandRow): { readonly syntax: string; readonly help: string } | null {
  if (!hasTargets(row)) return null;
  return row.targets === "each"
    ? { syntax: "[targets…]", help: "if several are configured: their names, which may also come first" }
    : { syntax: "[target]", help: "if several are configured: its name, which may also come first" };
}
