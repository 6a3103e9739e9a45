/** Runs one command for several targets: each by itself, with one answer. */
import { createContext } from "../assemble/assemble.ts";
import { reachOf } from "../assemble/reach.ts";
import { findSchemas } from "../assemble/schemas.ts";
import { openSharedSource } from "../assemble/shared-source.ts";
import type { Config } from "../config/config.ts";
import { GodwitError } from "../errors.ts";
import { type Group, type Member, runFleet, type TargetOutcome } from "../run/fleet.ts";
import type { Answer, Invocation, Run } from "./command.ts";
import { isFailure, said, summed } from "./fleet-answer.ts";
import { prefixedLog } from "./output/prefixed.ts";
import { formatError, tellError } from "./output/problems.ts";
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
  const telling: Promise<unknown>[] = [];
  const members = configs.map((each) => memberOf(each, { command, invocation, live, alone, telling }));
  const outcomes = await runFleet(members, {
    parallel: config.values.parallel,
    onFailure: config.values.onTargetFailure,
    signal: invocation.signal,
    isFailure,
    onOutcome: (outcome) => tell(outcome, invocation, { alone, live }),
  });
  const isGate = (command.name === "status" && invocation.flags.check === true) || command.name === "drift";
  const answer = summed(outcomes, { invocation, alone, interrupted: invocation.signal.aborted, isGate });
  if (telling.length > 0) invocation.runEnded?.({ answer });
  await Promise.all(telling);
  return answer;
}

interface FleetRun {
  readonly command: FleetCommand;
  readonly invocation: Invocation;
  readonly live: Map<string, string>;
  readonly alone: boolean;
  /** Runs that have ended, and whose receivers are still told of it. */
  readonly telling: Promise<unknown>[];
  /** What was said of the files of this target. Its schemas share them. */
  readonly ofFiles?: Set<string>;
}

function memberOf(config: Config, around: FleetRun, source?: Invocation["source"]): Member<Answer> {
  const name = config.target?.name ?? "";
  const { command, invocation, live, alone, ofFiles } = around;
  const isChange = command.name === "up" && invocation.flags.dryRun !== true && invocation.flags.sql !== true;
  const known = { context: createContext(config, invocation), say: invocation.say };
  const reach = isChange ? reachOf(config, known) : undefined;
  if (config.target?.schemas != null) return { name, reach, expand: () => expand(config, around) };
  return {
    name,
    reach,
    run: () =>
      untilEnded(around, async (runEnded) => {
        const own = {
          ...invocation,
          config: async () => config,
          runEnded,
          ...(source === undefined ? {} : { source }),
        };
        if (alone) return command.run(own);
        const log = prefixedLog(invocation.log(), name, {
          live,
          brief: config.target?.schema != null,
          ...(ofFiles === undefined ? {} : { ofFiles }),
        });
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
      }),
  };
}

/** Settles like `work`. If somebody waits for the end of all runs, it settles before the receivers of this one are told. */
function untilEnded(
  { invocation, telling }: FleetRun,
  work: (runEnded: Invocation["runEnded"]) => Promise<Answer>,
): Promise<Answer> {
  if (invocation.runEnded === null) return work(null);
  return new Promise((resolve, reject) => {
    const whole = work((end) => ("answer" in end ? resolve(end.answer) : reject(end.error)));
    telling.push(whole.then(resolve, reject));
  });
}

async function expand(config: Config, over: FleetRun): Promise<Group<Answer>> {
  const around = { ...over, ofFiles: new Set<string>() };
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
  const source = await openSharedSource(config, configs, { print, signal });
  return {
    members: configs.map((each) => memberOf(each, around, source)),
    canary,
    parallel: config.target?.schemas?.parallel ?? null,
    warnings: warning === undefined ? [] : [warning],
  };
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
