/** What is known of a failure in a module: plain texts, so that they can come from another process. */
import { excerptAt, secretsOf } from "../core/sql/secrets.ts";
import type { Place } from "../errors.ts";
import { placeOfStack } from "../source/trace.ts";
import { remember } from "../std/secret.ts";

export interface Trace {
  readonly stack?: string | undefined;
  /** The stack at the call of `sql`, `query`, `execute` or of the schema builder. */
  readonly calledAt?: string | undefined;
  /** What was sent, and the server's position in it: characters, from 1. */
  readonly statement?: string | undefined;
  readonly position?: number | undefined;
}

const TRACED: unique symbol = Symbol.for("godwit.trace") as never;

type Traced = object & { [TRACED]?: Pick<Trace, "calledAt" | "statement"> };

/** The stack of whoever calls; deep enough to reach behind a query builder. */
export function captureCall(): { readonly stack?: string } {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const holder = {};
  Error.captureStackTrace(holder, captureCall);
  Error.stackTraceLimit = limit;
  return holder;
}

/** Remembers for an error which call of a module it comes from, and its text; the first to know either is right. */
export function traceCall(error: unknown, call: { readonly stack?: string }, statement?: string): void {
  if (typeof error !== "object" || error === null) return;
  const known = (error as Traced)[TRACED];
  const value = { calledAt: known?.calledAt ?? call.stack, statement: known?.statement ?? statement };
  Object.defineProperty(error, TRACED, { value, configurable: true });
}

export function traceOf(error: unknown): Trace {
  if (typeof error !== "object" || error === null) return {};
  const { stack, position } = error as { stack?: unknown; position?: unknown };
  return {
    ...(error as Traced)[TRACED],
    stack: typeof stack === "string" ? stack : undefined,
    position: typeof position === "number" ? position : undefined,
  };
}

/** Where in the author's files it happened; below it, where the server found fault with the statement. */
export async function placeOfTrace(
  trace: Trace,
  where: { readonly folder: string; readonly file: string },
): Promise<Place | undefined> {
  const { calledAt, stack, statement, position } = trace;
  const called = calledAt === undefined ? undefined : await placeOfStack(calledAt, where);
  const place = called ?? (stack === undefined ? undefined : await placeOfStack(stack, where));
  if (statement === undefined || position === undefined) return place;
  const inside = excerptAt(statement, position);
  // The server quotes what it does not understand.
  for (const { value } of secretsOf(statement)) if (value !== null) remember(value);
  return {
    ...(place ?? { file: where.file }),
    excerpt: place?.excerpt === undefined ? inside : `${place.excerpt}\nin the statement:\n${inside}`,
  };
}
