/** The answer of one command for several targets: a summary, a document and one exit code. */
import { GodwitError, Interrupted, type Problem } from "../errors.ts";
import { flatten, isDone, type TargetOutcome } from "../run/fleet.ts";
import type { Report } from "../run/report/report.ts";
import type { Answer, Invocation } from "./command.ts";
import { exitCodeOf, worstOf } from "./output/exit.ts";
import { code, text as markdownText } from "./output/markdown.ts";
import { problemsToTell } from "./output/problems.ts";

export interface SumOptions {
  readonly invocation: Invocation;
  readonly alone: boolean;
  readonly interrupted: boolean;
  /** `true` for `status --check`. If no target was looked at, a gate must not answer yes. */
  readonly isGate: boolean;
}

export function summed(
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

function codeOf(outcome: Single, { exitCodes }: Invocation): number {
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
  invocation: Invocation,
  { result }: { result: boolean },
): string {
  const asMarkdown = invocation.flags.markdown === true;
  const inFull = result || asMarkdown;
  const blocks = outcomes.map((outcome) => {
    if (!inFull) return outcome.state === "group" ? groupSummary(outcome) : lineOf(outcome);
    return outcome.state === "group" ? groupBlock(outcome, invocation) : blockOf(outcome, invocation);
  });
  const failed = outcomes.filter((outcome) => !isDone(outcome, isFailure)).map(({ name }) => name);
  const count = `${outcomes.length - failed.length} of ${outcomes.length} ${outcomes.length === 1 ? "target is" : "targets are"} done`;
  const last = failed.length === 0 ? `${count}.` : `${count}; not done: ${failed.join(", ")}.`;
  return [...blocks, ...(inFull && failed.length === 0 ? [] : [asMarkdown ? markdownText(last) : last])].join(
    "\n",
  );
}

type Single = Exclude<TargetOutcome<Answer>, { state: "group" }>;
type GroupOutcome = TargetOutcome<Answer> & { state: "group" };

/** All that is known of one target, below its name. */
function blockOf(outcome: Single, invocation: Invocation): string {
  const words = outcome.state === "done" ? outcome.value.text : wordsOf(outcome);
  if (invocation.flags.markdown !== true) return underName(outcome.name, words, invocation);
  return underName(outcome.name, outcome.state === "done" ? words : markdownText(words), invocation);
}

function underName(name: string, words: string, { flags, terminal }: Invocation): string {
  return flags.markdown === true
    ? `## ${code(name)}\n\n${words}\n`
    : `${terminal.paint("bold", name)}\n${words}\n`;
}

function groupBlock({ name, members }: GroupOutcome, invocation: Invocation): string {
  if (members.length === 0) return underName(name, "  no schemas", invocation);
  const each = flatten(members);
  const isWhole = each.some((one) => one.state === "done" && one.value.wholeOfSchema === true);
  if (isWhole || invocation.flags.markdown === true)
    return each.map((member) => blockOf(member, invocation)).join("\n");
  return underName(name, members.map((member) => `  ${lineOf(member)}`).join("\n"), invocation);
}

function groupSummary({ name, members }: GroupOutcome): string {
  const left = members.filter((member) => !isDone(member, isFailure));
  const head = `${name}: ${members.length - left.length} of ${members.length} ${members.length === 1 ? "schema is" : "schemas are"} done.`;
  const more = left.length <= MOST_NAMED ? [] : [`  and ${left.length - MOST_NAMED} more`];
  return [head, ...left.slice(0, MOST_NAMED).map((member) => `  ${lineOf(member)}`), ...more].join("\n");
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
export function said(name: string, text: string): string {
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

export function isFailure(answer: Answer): boolean {
  return (answer.exitCode ?? 0) !== 0;
}
