/** Runs one command for several targets: each by itself, with one summary and one exit code. */
import { createContext } from "../assemble/assemble.ts";
import { reachOf } from "../assemble/reach.ts";
import { findSchemas } from "../assemble/schemas.ts";
import { openSource } from "../assemble/source.ts";
import type { Config } from "../config/config.ts";
import { GodwitError, Interrupted, type Problem } from "../errors.ts";
import { flatten, type Group, isDone, type Member, runFleet, type TargetOutcome } from "../run/fleet.ts";
import type { Report } from "../run/report/report.ts";
import { shareListing } from "../source/shared.ts";
import type { Answer, Invocation, Run } from "./command.ts";
import { exitCodeOf, worstOf } from "./output/exit.ts";
import { prefixedLog } from "./output/prefixed.ts";
import { formatError, problemsToTell, tellError } from "./output/problems.ts";
import { createProgress } from "./output/progress.ts";

export interface FleetCommand {
  readonly run: Run;
  /** The name of the command, such as `up`. */
  readonly name: string;
  /** The configuration of all targets together. */
  readonly config: Config;
  readonly configs: readonly Config[];
}

export async function runForEach(command: FleetCommand, invocation: Invocation): Promise<Answer> {
  const { configs, config } = command;
  const [only] = configs;
  const alone = configs.length === 1 && only?.target?.schemas === null;
  const live = new Map<string, string>();
  const members = configs.map((each) => memberOf(each, { command, invocation, live, alone }));
  const outcomes = await runFleet(members, {
    parallel: config.values.parallel,
    onFailure: config.values.onTargetFailure,
    signal: invocation.signal,
    isFailure,
    onOutcome: (outcome) => tell(outcome, invocation, { alone, live }),
  });
  const isGate = command.name === "status" && invocation.flags.check === true;
  return summed(outcomes, { invocation, alone, interrupted: invocation.signal.aborted, isGate });
}

interface FleetRun {
  readonly command: FleetCommand;
  readonly invocation: Invocation;
  readonly live: Map<string, string>;
  readonly alone: boolean;
}

function memberOf(config: Config, around: FleetRun, source?: Invocation["source"]): Member<Answer> {
  const name = config.target?.name ?? "";
  const { command, invocation, live, alone } = around;
  const isChange = command.name === "up" && invocation.flags.dryRun !== true && invocation.flags.sql !== true;
  const known = { context: createContext(config, invocation), say: invocation.say };
  const reach = isChange ? reachOf(config, known) : undefined;
  if (config.target?.schemas != null) return { name, reach, expand: () => expand(config, around) };
  return {
    name,
    reach,
    run: async () => {
      const own = {
        ...invocation,
        config: async () => config,
        runEnded: null,
        ...(source === undefined ? {} : { source }),
      };
      if (alone) return command.run(own);
      const log = prefixedLog(invocation.log(), name, { live, brief: config.target?.schema != null });
      const observe = invocation.underWay.watch(createProgress(log).observe, name);
      try {
        return await command.run({
          ...own,
          log: () => log,
          observe: (event) => {
            observe(event);
            invocation.overheard(event);
          },
          say: (line, options) => log.write(options?.loud === true ? "warn" : "info", line),
        });
      } finally {
        log.live("");
      }
    },
  };
}

async function expand(config: Config, around: FleetRun): Promise<Group<Answer>> {
  const { invocation, command } = around;
  const context = createContext(config, invocation);
  const { configs, canary, warning } = await findSchemas(config, {
    context,
    say: invocation.say,
    create: command.name === "up",
  });
  if (warning !== undefined) invocation.log().problem("warn", warning, { target: config.target?.name ?? "" });
  // The files are listed once, for all schemas.
  const { say: print, signal } = invocation;
  const source = shareListing(await openSource(config, { print, signal }));
  return {
    members: configs.map((each) => memberOf(each, around, source)),
    canary,
    parallel: config.target?.schemas?.parallel ?? null,
    warnings: warning === undefined ? [] : [warning],
  };
}

function isFailure(answer: Answer): boolean {
  return (answer.exitCode ?? 0) !== 0;
}

/** Reports each target as soon as it is over, while others still run. */
function tell(
  outcome: TargetOutcome<Answer>,
  { log, terminal }: Invocation,
  { alone, live }: { alone: boolean; live: ReadonlyMap<string, string> },
): void {
  const { name, state } = outcome;
  const own = alone ? log() : prefixedLog(log(), name, { live: new Map(live), brief: false });
  if (state === "failed" || state === "interrupted") {
    const { error } = outcome;
    if (error instanceof GodwitError) tellError(own, error);
    else terminal.error(formatError(error, terminal.paintError));
  }
  if (state === "not begun" && !alone) own.write("warn", `not begun: ${outcome.because}`);
  if (state === "done" && name.includes("/") && !outcome.value.result) {
    const [line = ""] = outcome.value.text.split("\n", 1);
    log().write("info", said(name, line), { target: name });
  }
}

interface SumOptions {
  readonly invocation: Invocation;
  readonly alone: boolean;
  readonly interrupted: boolean;
  /** `true` for `status --check`. If no target was looked at, a gate must not answer yes. */
  readonly isGate: boolean;
}

function summed(
  outcomes: readonly TargetOutcome<Answer>[],
  { invocation, alone, interrupted, isGate }: SumOptions,
): Answer {
  const all = flatten(outcomes);
  const failed = all.filter((each) => !isDone(each, isFailure));
  const problems = all.flatMap((each) => labelled(each));
  const { exitCodes } = invocation;
  const reason: unknown = invocation.signal.reason;
  const codes = all.map((each) => codeOf(each, invocation));
  const bySignal = interrupted && reason instanceof Interrupted && reason.by !== "deadline";
  const exitCode =
    failed.length === 0
      ? isGate && outcomes.some(isEmpty)
        ? 1
        : 0
      : bySignal
        ? exitCodeOf(reason, exitCodes)
        : worstOf(codes, exitCodes);
  const result = all.some((each) => each.state === "done" && each.value.result);
  return {
    json: {
      targets: outcomes.map((each) => documentOf(each, isGate)),
      ...(problems.length === 0 ? {} : { problems }),
    },
    text: alone ? aloneText(outcomes[0]) : textOf(outcomes, invocation, { result }),
    result,
    exitCode,
    verbatim: all.some((each) => each.state === "done" && each.value.verbatim === true),
    notBegun: all.filter(({ state }) => state === "not begun").map(({ name }) => name),
  };
}

function isEmpty(outcome: TargetOutcome<Answer>): boolean {
  return outcome.state === "group" && outcome.members.length === 0;
}

function codeOf(
  outcome: Exclude<TargetOutcome<Answer>, { state: "group" }>,
  { exitCodes }: Invocation,
): number {
  if (outcome.state === "done") return outcome.value.exitCode ?? 0;
  return outcome.state === "not begun" ? 1 : exitCodeOf(outcome.error, exitCodes);
}

function labelled(outcome: TargetOutcome<Answer>): readonly Problem[] {
  if (outcome.state !== "failed" && outcome.state !== "interrupted") return [];
  return problemsToTell(outcome.error).map((problem) => ({
    ...problem,
    details: { ...problem.details, target: outcome.name },
  }));
}

function documentOf(outcome: TargetOutcome<Answer>, isGate: boolean): object {
  const { name, state } = outcome;
  const ok = isDone(outcome, isFailure) && !(isGate && isEmpty(outcome));
  switch (state) {
    case "group": {
      const { warnings } = outcome;
      const schemas = outcome.members.map((each) => documentOf(each, isGate));
      return { name, ok, schemas, ...(warnings.length === 0 ? {} : { warnings }) };
    }
    case "done":
      return { name, ok, state, ...outcome.value.json };
    case "not begun":
      return { name, ok, state, because: outcome.because };
    default: {
      const report = outcome.error instanceof GodwitError ? outcome.error.report : undefined;
      return {
        name,
        ok,
        state,
        problems: problemsToTell(outcome.error),
        ...(report === undefined ? {} : { report }),
      };
    }
  }
}

function aloneText(outcome: TargetOutcome<Answer> | undefined): string {
  return outcome?.state === "done" ? outcome.value.text : "";
}

function textOf(
  outcomes: readonly TargetOutcome<Answer>[],
  { terminal }: Invocation,
  { result }: { result: boolean },
): string {
  const blocks = outcomes.map((outcome) => {
    const { name } = outcome;
    if (outcome.state === "group") {
      const text = groupText(outcome, { result });
      return result ? `${terminal.paint("bold", name)}\n${text}\n` : text;
    }
    const text = outcome.state === "done" ? outcome.value.text : wordsOf(outcome);
    return result ? `${terminal.paint("bold", name)}\n${text}\n` : lineOf(outcome);
  });
  const failed = outcomes.filter((outcome) => !isDone(outcome, isFailure)).map(({ name }) => name);
  const count = `${outcomes.length - failed.length} of ${outcomes.length} ${outcomes.length === 1 ? "target is" : "targets are"} done`;
  const last = failed.length === 0 ? `${count}.` : `${count}; not done: ${failed.join(", ")}.`;
  return [...blocks, ...(result && failed.length === 0 ? [] : [last])].join("\n");
}

function groupText(
  { name, members }: TargetOutcome<Answer> & { state: "group" },
  { result }: { result: boolean },
): string {
  const lines = (some: typeof members) => some.map((member) => `  ${lineOf(member)}`);
  if (result) return members.length === 0 ? "  no schemas" : lines(members).join("\n");
  const left = members.filter((member) => !isDone(member, isFailure));
  const head = `${name}: ${members.length - left.length} of ${members.length} ${members.length === 1 ? "schema is" : "schemas are"} done.`;
  const more = left.length <= MOST_NAMED ? [] : [`  and ${left.length - MOST_NAMED} more`];
  return [head, ...lines(left.slice(0, MOST_NAMED)), ...more].join("\n");
}

/** How many targets a summary names. More would hide the rest. The log and JSON name all. */
const MOST_NAMED = 20;

function lineOf(outcome: TargetOutcome<Answer>): string {
  if (outcome.state === "group") return outcome.name;
  if (outcome.state !== "done") return `${outcome.name}: ${wordsOf(outcome)}`;
  const { text } = outcome.value;
  return said(outcome.name, outcome.name.includes("/") ? (text.split("\n", 1)[0] ?? "") : text);
}

/** The text with the name of the target in front, once. */
function said(name: string, text: string): string {
  return (text.startsWith(`${name}:`) ? text : `${name}: ${text}`).replace(/:$/, ".");
}

function wordsOf(outcome: Exclude<TargetOutcome<Answer>, { state: "done" | "group" }>): string {
  if (outcome.state === "not begun") return `not begun, ${outcome.because}`;
  const problems = problemsToTell(outcome.error);
  if (problems.length <= 1) return `${outcome.state} [${problems[0]?.code}]`;
  const named = problems.slice(0, MOST_PROBLEMS).map((problem) => nameOf(problem, outcome.error));
  const more = problems.length - named.length;
  return `${outcome.state}: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** How many problems the line of one target names. The log and JSON have all of them. */
const MOST_PROBLEMS = 5;

function nameOf({ code, message }: Problem, error: unknown): string {
  const report = error instanceof GodwitError ? (error.report as Partial<Report> | undefined) : undefined;
  const failure = report?.failures?.find(
    ({ problem }) => problem.code === code && problem.message === message,
  );
  return failure === undefined ? `[${code}]` : `${failure.revision} [${code}]`;
}
