/** Failures that cross the border between our process and that of user code, in both directions. */
import { ConfigError, DatabaseError, type Place, SourceError, StepFailed } from "../errors.ts";
import { redact } from "../std/secret.ts";
import { HostEnded, HostFailed } from "./child.ts";
import type { ModuleFile, Thrown, ThrownAt } from "./protocol.ts";

/** What user code is told of a statement that failed. */
export function wireError(error: unknown) {
  if (!(error instanceof DatabaseError)) return error instanceof Error ? error.message : String(error);
  const { sqlState, position, completed, routine } = error;
  return { problem: error.toProblem(), sqlState, position, completed, routine };
}

/** Translates a stack, which names places in compiled code, to the text that the author wrote. */
export interface StackReader {
  readonly placeOf: (stack: string, module: ModuleFile) => Promise<Place | undefined>;
  /** The same stack, in the author's lines. */
  readonly mapped: (stack: string) => Promise<string>;
}

interface CallFacts {
  readonly module: ModuleFile;
  /** What the statements threw, by their number. */
  readonly errors: ReadonlyMap<number, unknown>;
  readonly reader: StackReader | undefined;
}

/** What a call of a function failed with. An error that is not about user code stays as it is. */
export async function failureOfCall(error: unknown, { module, errors, reader }: CallFacts): Promise<unknown> {
  if (error instanceof HostFailed) return errorOf(error.thrown, errors);
  if (!(error instanceof HostEnded)) return error;
  const { file } = module;
  if (error.thrown !== null) {
    const { message, stack = "" } = errorOf(error.thrown, errors);
    return new StepFailed({
      code: "STEP_FAILED",
      message: redact(`An error was thrown where nothing could catch it: ${message}`),
      hint: "In a migration: await every promise, and catch errors in timers and callbacks.",
      place: (await placeOf(stack, module, reader)) ?? { file },
      details: { stack: redact((await reader?.mapped(stack)) ?? stack) },
    });
  }
  return new StepFailed({
    code: "STEP_PROCESS_ENDED",
    message: `${file} did not come to its end: ${error.how}.`,
    hint: "A migration must not end its process, nor touch what it has not opened: throw an error to fail, return to succeed.",
    place: (await placeOf(stackOf(error), module, reader)) ?? { file },
  });
}

/** What an import of a module failed with. An error that is not about user code stays as it is. */
export async function failureOfImport(
  error: unknown,
  { module, reader }: Omit<CallFacts, "errors">,
): Promise<unknown> {
  if (error instanceof HostFailed) return errorOf(error.thrown, new Map());
  if (!(error instanceof HostEnded)) return error;
  const { file, path } = module;
  return new SourceError([
    {
      code: "SOURCE_MODULE_BROKEN",
      message: `${file} cannot be loaded: ${endedWords(error)}.`,
      hint: "A migration declares functions; what it does belongs into them.",
      place: (await placeOf(stackOf(error), module, reader)) ?? { file },
      details: { path },
    },
  ]);
}

/** The author's line that a stack leads to. */
export async function placeOf(
  stack: string,
  module: ModuleFile,
  reader: StackReader | undefined,
): Promise<Place | undefined> {
  return stack === "" ? undefined : await reader?.placeOf(stack, module);
}

/**
 * The error that user code threw. An error of Godwit keeps its class. An error of a statement is the very one that the
 * statement threw (`errors`, by its number). All others keep their name, message and stack.
 */
export function errorOf(thrown: Thrown, errors: ReadonlyMap<number, unknown>): Error {
  return traced(revived(thrown, errors), thrown.at);
}

/** Adds where it was thrown, for `run/step/trace.ts`. */
export function traced(error: Error, at: ThrownAt | undefined): Error {
  if (at !== undefined && !(TRACED in error)) Object.defineProperty(error, TRACED, { value: at });
  return error;
}

const TRACED: unique symbol = Symbol.for("godwit.trace") as never;

function revived(thrown: Thrown, errors: ReadonlyMap<number, unknown>): Error {
  if (thrown.kind === "statement") {
    const error = errors.get(thrown.statement);
    return error instanceof Error ? error : new Error(String(error));
  }
  if (thrown.kind === "error") {
    const { message, name, stack, hint } = thrown;
    const error = Object.assign(new Error(message), hint === undefined ? {} : { hint });
    error.name = name;
    error.stack = stack;
    return error;
  }
  const [first] = thrown.problems;
  // Where user code has changed the globals, what it threw may have lost its words.
  if (first === undefined) return new Error(`${thrown.name}, and its message was lost on its way`);
  if (thrown.name === "SourceError") return new SourceError(thrown.problems);
  if (thrown.name === "ConfigError")
    return new ConfigError(first as never, { others: thrown.problems.slice(1) });
  return new StepFailed(first as never);
}

/** How the process ended, with the message of what was thrown. */
export function endedWords({ how, thrown }: HostEnded): string {
  if (thrown === null) return how;
  const { message } = errorOf(thrown, new Map());
  return `${how}: ${message}`;
}

/** The stack of what ended the process: of the error that was thrown, or of the call of `process.exit`. */
function stackOf({ exitStack, thrown }: HostEnded): string {
  return thrown === null ? (exitStack ?? "") : (errorOf(thrown, new Map()).stack ?? "");
}
