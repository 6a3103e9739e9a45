/** Runs one invocation, from the typed words to an exit code: it parses, runs the command, and prints. */
import { randomUUID } from "node:crypto";
import { type Config, schemaTarget } from "../config/config.ts";
import { loadConfig, timeoutBefore } from "../config/load.ts";
import { flagName, OPTIONS } from "../config/options.ts";
import { GodwitError, type Interrupted, type Problem, problemsOf } from "../errors.ts";
import { GRACE_MS, orEnded } from "../run/session/ending.ts";
import { signalFor } from "../run/session/reading.ts";
import { passwordsIn } from "../std/credentials.ts";
import { hideRemembered, redact, remember } from "../std/secret.ts";
import { type Answer, type CommandRow, changesOf, type Invocation, type Run } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import type { Deadline } from "./deadline.ts";
import { refuseFlags } from "./given.ts";
import { documentOf } from "./output/document.ts";
import { sayEnding } from "./output/ending.ts";
import { type ExitCodeKind, exitCodeOf } from "./output/exit.ts";
import { createJsonLog, createTextLog, type Log } from "./output/log.ts";
import { formatError, tellError } from "./output/problems.ts";
import { createProgress } from "./output/progress.ts";
import type { Terminal } from "./output/terminal.ts";
import { type Parsed, parse } from "./program.ts";
import type { SignalHandler } from "./signals.ts";
import type { Supervisor } from "./supervised.ts";
import type { InterruptedReport, UnderWay } from "./under-way.ts";
import { isAskedFor, usageProblem, wantsJson } from "./usage.ts";

/** The process around a command. */
export interface CommandEnvironment {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  /** Aborts with `Interrupted`. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly exitCodes: ExitCodeKind;
  /** From then on signals end nothing by themselves. */
  readonly takeSignals: (handler: SignalHandler) => void;
  /** The process beside an app that has started this one; `null`: somebody else has. */
  readonly supervisor: Supervisor | null;
  readonly underWay: UnderWay;
}

/** Runs the command and returns the exit code. Never throws. */
export async function run(argv: readonly string[], around: CommandEnvironment): Promise<number> {
  const { terminal, exitCodes } = around;
  const json = wantsJson(argv);
  // A refusal may quote a misplaced word, which may be a URL with a password.
  for (const word of argv) if (word.includes("@")) remember(...passwordsIn(word));
  try {
    const out = (text: string) => terminal.out(terminal.asCalled(text));
    const parsed = await parse(argv, { out, error: (text) => terminal.error(redact(text)) });
    return await carryOut(parsed, around, json);
  } catch (error) {
    const commander = error as { code?: string; exitCode?: number; message?: string };
    if (typeof commander.code === "string" && commander.code.startsWith("commander.")) {
      if (isAskedFor(commander.code, argv)) return 0;
      if (json) terminal.out(documentOf({ ok: false, problems: [usageProblem(commander.message ?? "")] }));
      return 2;
    }
    return around.underWay.claim()
      ? fail(error, { terminal, json, command: null, exitCodes })
      : exitCodeOf(error, exitCodes);
  }
}

async function carryOut(parsed: Parsed, around: CommandEnvironment, json: boolean): Promise<number> {
  const { terminal, environment, workingFolder, deadline, underWay, exitCodes } = around;
  const { row, flags } = parsed;
  const stays = row.stays === true;
  if (stays) terminal.unblock();
  let loading: Promise<Config> | undefined;
  let loaded: Config | undefined;
  const printed: string[] = [];
  const changes = changesOf(row, { words: parsed.arguments, flags });
  const signal = signalFor(changes, [around.signal, deadline.signal]);
  // A flag of the command may have the same name as an option.
  const own = (row.flags ?? []).map(({ syntax }) => syntax.split(" ")[0]);
  const options = OPTIONS.filter((option) => !own.includes(`--${flagName(option)}`));
  const typed = Object.fromEntries(options.map(({ key }) => [key, flags[key]]));
  const config = async () => {
    if (loading !== undefined) return loading;
    // The file may hang. Until it is read, the deadline of flags and environment holds.
    // A command that stays alive has none: the time is for what it starts.
    if (!stays) deadline.set(timeoutBefore({ flags: typed, environment, workingFolder }));
    // The file decides the format of the log. What it prints waits for that.
    const print = (line: string) => void printed.push(line);
    const about = row.about === "files" ? row.about : undefined;
    const tells = row.tells === true;
    // Beside an app it is the app's environment that counts.
    const dotenv = row.startsApp === true || around.supervisor !== null ? "named" : "found";
    loading = loadConfig({ flags: typed, environment, workingFolder, signal, print, about, tells, dotenv });
    loaded = await loading;
    deadline.set(stays ? 0 : loaded.values.timeout);
    return loaded;
  };
  // Replaced when the configuration is read, which decides the format.
  let log: Log = createTextLog({ terminal, quiet: flags.quiet === true, verbose: flags.verbose === true });
  const instanceId = around.supervisor?.instanceId ?? randomUUID();
  const progressOf = (some: Log) => underWay.watch(createProgress(some).observe);
  let observe = progressOf(log);
  const tellPrinted = () => {
    for (const line of printed.splice(0)) log.write("info", line);
  };
  const isTold = () => loaded?.values.logFormat === "json";
  // The first of them who claims the answer gives it.
  const succeed = (answer: Answer): number => {
    const { exitCode = 0, text } = answer;
    if (underWay.claim()) {
      if (around.supervisor === null)
        print(answer, { terminal, json, quiet: flags.quiet === true, command: row.name });
      else
        around.supervisor.end({
          ok: exitCode === 0,
          text: hideRemembered(text),
          problems: problemsIn(answer),
          notBegun: answer.notBegun ?? [],
        });
    }
    return exitCode;
  };
  const failed = (error: unknown): number => {
    if (!underWay.claim()) return exitCodeOf(error, exitCodes);
    log.live("");
    tellPrinted();
    around.supervisor?.end({ ok: false, text: "", problems: problemsOf(error), notBegun: [] });
    if (isTold()) tellError(log, error);
    return fail(error, { terminal, json, command: row.name, told: isTold(), exitCodes });
  };
  const invocation: Invocation = {
    arguments: parsed.arguments,
    flags,
    config: async () => {
      const known = loading !== undefined;
      const read = await config();
      if (!known) {
        const { quiet, verbose, logFormat } = read.values;
        const options = { terminal, quiet, verbose };
        log = logFormat === "json" ? createJsonLog(options, instanceId) : createTextLog(options);
        observe = progressOf(log);
        tellPrinted();
        for (const note of [...parsed.notes, ...read.notes]) log.write("warn", note);
      }
      return read;
    },
    terminal,
    signal,
    log: () => log,
    instanceId,
    observe: (event) => {
      observe(event);
      around.supervisor?.tell(event);
    },
    overheard: (event) => around.supervisor?.tell(event),
    begun: (run) => around.supervisor?.begun(run),
    app: parsed.app,
    takeSignals: around.takeSignals,
    underWay,
    runEnded:
      around.supervisor === null
        ? null
        : (end) => void ("answer" in end ? succeed(end.answer) : failed(end.error)),
    isTriedAgain: around.supervisor?.isTriedAgain ?? (() => false),
    say: (line, options) => log.write(options?.loud === true ? "warn" : "info", line),
    json,
    exitCodes,
    commands: COMMANDS,
  };
  const giveUp = (error: Interrupted, known: InterruptedReport) => {
    log.live("");
    if (isTold()) log.problem("error", error);
    fail(error, { terminal, json, command: row.name, told: isTold(), exitCodes, known });
  };
  underWay.onGiveUp(giveUp, { keeps: flags.dryRun !== true, changes });
  for (const ended of [around.signal, deadline.signal])
    ended.addEventListener("abort", () => sayEnding(log, ended.reason), { once: true });
  try {
    const command = await row.load();
    const answered = answerOf(command.run, { row, typed, invocation, workingFolder });
    const answer = await orEnded(answered, { signal, graceMs: GRACE_MS });
    // One that stays is ended by a signal, and has nothing to say.
    if (changes === "nothing" && row.stays !== true) refuseCut(answer, { signal, exitCodes });
    return succeed(answer);
  } catch (error) {
    return failed(error);
  }
}

/** Throws the reason why a command that reads was ended, unless its answer says so: it may lack what was not read any more. */
function refuseCut(
  { exitCode = 0 }: Answer,
  { signal, exitCodes }: { readonly signal: AbortSignal; readonly exitCodes: ExitCodeKind },
): void {
  const { aborted, reason } = signal;
  if (aborted && exitCode !== exitCodeOf(reason, exitCodes)) throw reason;
}

/** Options that mean nothing without several targets. */
const OF_SEVERAL = ["parallel", "onTargetFailure"];

interface Words {
  readonly row: CommandRow;
  /** Typed values, by the key of the option. */
  readonly typed: Readonly<Record<string, unknown>>;
  readonly invocation: Invocation;
  readonly workingFolder: string;
}

/** Runs the command once, or for each chosen target. */
async function answerOf(run: Run, { row, typed, invocation, workingFolder }: Words): Promise<Answer> {
  const { flags: given } = invocation;
  if (row.targets === "none" || row.ofProject?.some((flag) => given[flag] === true) === true)
    return run(invocation);
  const config = await invocation.config();
  if (config.targets === null) refuseFlags(`godwit ${row.name} without targets`, typed, OF_SEVERAL);
  const words = invocation.arguments;
  const plain = config.targets === null && words.length === 0 && config.values.target.length === 0;
  if (plain && !(row.arguments ?? []).some(({ syntax }) => syntax.startsWith("<"))) return run(invocation);
  const { chooseByWords } = await import("./targets.ts");
  const flags = { ...typed, sql: invocation.flags.sql };
  const chosen = chooseByWords(config, { row, words, flags, workingFolder });
  const own = { ...invocation, arguments: chosen.words };
  if (config.targets === null) return run(own);
  const [only = config, ...others] = chosen.configs;
  const configs = others.length > 0 ? chosen.configs : [await oneSchema(only, own, row)];
  if (row.targets !== "each") return run({ ...own, config: async () => configs[0] ?? config });
  const { runForEach } = await import("./fleet.ts");
  return runForEach({ run, name: row.name, config, configs }, own);
}

/**
 * The configuration of one schema, such as `tenants/a`. It is searched like all schemas, so a mistyped one is refused
 * and not created.
 */
async function oneSchema(config: Config, invocation: Invocation, row: CommandRow): Promise<Config> {
  const only = config.target?.schemas?.only ?? null;
  if (only === null) return config;
  if (invocation.flags.sql === true) return schemaTarget(config, only);
  const [{ findSchemas }, { createContext }] = await Promise.all([
    import("../assemble/schemas.ts"),
    import("../assemble/assemble.ts"),
  ]);
  const context = createContext(config, invocation);
  const options = { context, say: invocation.say, create: row.name === "up" };
  return (await findSchemas(config, options)).configs[0] ?? config;
}

interface PrintOptions {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly command: string;
}

function print(answer: Answer, { terminal, json, quiet, command }: PrintOptions): void {
  if (json) terminal.out(documentOf({ ok: (answer.exitCode ?? 0) === 0, command, ...answer.json }));
  else if (answer.text !== "" && (answer.result || !quiet))
    terminal.out(
      (answer.verbatim ? answer.text : terminal.asCalled(hideRemembered(answer.text))).replace(/\n?$/, "\n"),
      {
        whole: answer.whole === true,
      },
    );
}

/** Of several targets, those of each that failed. */
function problemsIn({ json }: Answer): readonly Problem[] {
  return Array.isArray(json.problems) ? (json.problems as readonly Problem[]) : [];
}

interface FailOptions {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly command: string | null;
  /** The log has reported it already. */
  readonly told?: boolean;
  readonly exitCodes: ExitCodeKind;
  /** What is known of a run that was not waited for. */
  readonly known?: InterruptedReport;
}

function fail(error: unknown, options: FailOptions): number {
  const { terminal, json, command, told = false, exitCodes, known = {} } = options;
  if (!told) terminal.error(formatError(error, terminal.paintError));
  if (json) {
    const report = error instanceof GodwitError ? error.report : undefined;
    const named = command === null ? {} : { command };
    const document = { ok: false, ...named, problems: problemsOf(error), ...known };
    terminal.out(documentOf(report === undefined ? document : { ...document, report }));
  }
  return exitCodeOf(error, exitCodes);
}
