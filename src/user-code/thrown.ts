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

/** Never throws, whatever the value does when it is looked at. */
export function describeThrown(error: unknown): Thrown {
  const { calledAt, statement } = readable(() => traceOf(error), {});
  const described = readable(() => withoutTrace(error), plainError(UNREADABLE));
  return { ...described, ...(calledAt === undefined ? {} : { at: { calledAt, statement } }) };
}

function withoutTrace(error: unknown): Thrown {
  if (typeof error === "object" && error !== null) {
    const statement = statements.get(error);
    if (statement !== undefined) return { kind: "statement", statement };
  }
  if (!isInstance(error, Error)) return plainError(textOf(error));
  if (isInstance(error, GodwitError) && error.name !== "DatabaseError")
    return {
      kind: "problems",
      name: error.name,
      problems: problemsOf(error).map(plain) as [Problem, ...Problem[]],
    };
  const hint = readable<unknown>(() => (error as { hint?: unknown }).hint, undefined);
  return {
    kind: "error",
    name: readable(() => textOf(error.name), "Error"),
    message: readable(() => textOf(error.message), UNREADABLE),
    stack: readable(() => stackOf(error.stack ?? ""), ""),
    ...(typeof hint === "string" ? { hint } : {}),
  };
}

function plainError(message: string): Thrown {
  return { kind: "error", name: "Error", message, stack: "" };
}

const UNREADABLE = "it threw something that cannot be read, because that throws an error itself";

/** What is thrown may be a proxy, or have getters that throw. */
function readable<T>(read: () => T, instead: T): T {
  try {
    return read();
  } catch {
    return instead;
  }
}

/** Whether it is of the class. A proxy may refuse to say so. */
export function isInstance<T>(value: unknown, of: abstract new (...given: never) => T): value is T {
  return readable(() => value instanceof of, false);
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
    return UNREADABLE;
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
