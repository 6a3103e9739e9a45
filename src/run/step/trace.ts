/** What is known of a failure in a module: plain texts, so that they can come from another process. */
import { excerptAt, type SecretSpan, secretsOf } from "../../core/sql/secrets.ts";
import type { Place } from "../../errors.ts";
import { placeOfStack } from "../../source/module/trace.ts";
import { remember } from "../../std/secret.ts";

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
  if (statement === undefined) return place;
  const secrets = secretsOf(statement);
  // The server quotes what it does not understand.
  for (const { value } of secrets) if (value !== null) remember(value);
  const line = place?.excerpt === undefined ? undefined : hideWritten(place.excerpt, statement, secrets);
  const shown = line === undefined ? place : { ...(place as Place), excerpt: line };
  if (position === undefined) return shown;
  const inside = excerptAt(statement, position);
  return {
    ...(shown ?? { file: where.file }),
    excerpt: line === undefined ? inside : `${line}\nin the statement:\n${inside}`,
  };
}

/** The line of a module may be that of its statement: what is secret there stands between quotes here too. */
function hideWritten(excerpt: string, statement: string, secrets: readonly SecretSpan[]): string {
  let shown = excerpt;
  for (const { start, end } of secrets) {
    const written = statement.slice(start - 1, end + 1);
    if (!/^['"$].+['"$]$/s.test(written)) continue;
    shown = shown.replaceAll(written, `${written[0]}***${written.at(-1)}`);
    // An excerpt has an end, and a literal may go over it.
    for (let length = Math.min(written.length - 1, LONGEST_LINE); length > 1; length--)
      shown = shown.replace(`${written.slice(0, length)}…\n`, `${written[0]}***…\n`);
  }
  return shown;
}

/** Of an excerpt. */
const LONGEST_LINE = 120;
