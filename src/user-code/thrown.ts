/** What user code threw, as plain data. */
import { fileURLToPath } from "node:url";
import { GodwitError, type Problem, problemsOf } from "../errors.ts";
import type { Thrown } from "../host/protocol.ts";
import { traceOf } from "../run/trace.ts";

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
    stack: textOf(stack ?? ""),
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
    return String(value);
  } catch {
    return "something that is no text";
  }
}

/** Inside of `process.exit`, the first frame that is neither Node's nor ours, as `file:line:column`. */
export function exitPlace(): string | null {
  const own = fileURLToPath(import.meta.url);
  const stack = new Error().stack ?? "";
  for (const line of stack.split("\n")) {
    const found = /(?:\(|at )((?:file:\/\/)?\/[^\s()]*?)(?:\?godwit=\w+)?:(\d+):(\d+)\)?$/.exec(line);
    if (found === null) continue;
    const [, address = "", row, column] = found;
    const path = address.startsWith("file:") ? fileURLToPath(address) : address;
    if (path !== own) return `${path}:${row}:${column}`;
  }
  return null;
}
