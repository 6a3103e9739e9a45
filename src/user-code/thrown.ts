/** What user code threw, as plain data. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { GodwitError, type Problem, problemsOf } from "../errors.ts";
import type { Thrown } from "../host/protocol.ts";
import { traceOf } from "../run/step/trace.ts";
import { MOST_CARRIED, shortened } from "../std/secret.ts";

/** Errors of statements, and which: thrown on, they are told by their number. */
const statements = new WeakMap<object, number>();

export function rememberStatement(error: object, statement: number): void {
  statements.set(error, statement);
}

export function describeThrown(error: unknown): Thrown {
  const { calledAt, statement } = traceOf(error);
  return { ...withoutTrace(error), ...(calledAt === undefined ? {} : { at: { calledAt, statement } }) };
}

function withoutTrace(error: unknown): Thrown {
  if (!(error instanceof Error)) return { kind: "error", name: "Error", message: textOf(error), stack: "" };
  const statement = statements.get(error);
  if (statement !== undefined) return { kind: "statement", statement };
  if (error instanceof GodwitError && error.name !== "DatabaseError")
    return {
      kind: "problems",
      name: error.name,
      problems: problemsOf(error).map(plain) as [Problem, ...Problem[]],
    };
  const { name, message, stack } = error;
  const { hint } = error as { hint?: unknown };
  return {
    kind: "error",
    name: textOf(name),
    message: textOf(message),
    stack: stackOf(stack ?? ""),
    ...(typeof hint === "string" ? { hint } : {}),
  };
}

/** Their details may hold anything. */
function plain(problem: Problem): Problem {
  try {
    return structuredClone(problem);
  } catch {
    const { details: _, ...rest } = problem;
    return rest;
  }
}

function textOf(value: unknown): string {
  try {
    return shortened(String(value), MOST_CARRIED);
  } catch {
    return "something that is no text";
  }
}

/** It begins with the message, of whatever length, and its frames are at its end. */
function stackOf(stack: unknown): string {
  if (typeof stack !== "string" || stack.length <= MOST_CARRIED) return textOf(stack);
  const frames = stack.indexOf("\n    at ", stack.length - MOST_FRAMES);
  return `${shortened(stack, MOST_CARRIED)}${frames === -1 ? "" : stack.slice(frames)}`;
}

/** In characters. */
const MOST_FRAMES = 20_000;

/** Inside of `process.exit`: who called it, without the frames of ours. */
export function exitStack(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  const lines = textOf(stack ?? "").split("\n");
  return lines.filter((line) => !OURS.some((folder) => line.includes(folder))).join("\n");
}

/** As a frame writes it: a path in CommonJS, an address in an ES module. */
const OURS = [new URL("./", import.meta.url).href, `${dirname(fileURLToPath(import.meta.url))}/`];
