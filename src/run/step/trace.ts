/** What is known of a failure in a module. All of it is plain text, so that it can come from another process. */
import { isAboutSecrets } from "../../core/sql/about-secrets.ts";
import { excerptAt, type SecretSpan, secretsOf } from "../../core/sql/secrets.ts";
import type { Place } from "../../errors.ts";
import { placeOfStack } from "../../source/module/trace.ts";
import { remember } from "../../std/secret.ts";

export interface Trace {
  readonly stack?: string | undefined;
  /** The stack of the call to `sql`, `query`, `execute` or the schema builder. */
  readonly calledAt?: string | undefined;
  /** The text that was sent. The server's position in it counts characters from 1. */
  readonly statement?: string | undefined;
  readonly position?: number | undefined;
  /** The module names a secret, so any literal of the statement may be one. */
  readonly secret?: boolean | undefined;
}

const TRACED: unique symbol = Symbol.for("godwit.trace") as never;

type Traced = object & { [TRACED]?: Pick<Trace, "calledAt" | "statement"> };

/** The stack of the caller. It is deep enough to reach behind a query builder. */
export function captureCall(): { readonly stack?: string } {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const holder = {};
  Error.captureStackTrace(holder, captureCall);
  Error.stackTraceLimit = limit;
  return holder;
}

/**
 * Remembers which call of a module an error comes from, and what that call sent. The first call that knows is
 * right.
 */
export function traceCall(error: unknown, call: { readonly stack?: string }, statement?: string): void {
  if (typeof error !== "object" || error === null) return;
  const known = (error as Traced)[TRACED];
  const value = { calledAt: known?.calledAt ?? call.stack, statement: known?.statement ?? statement };
  Object.defineProperty(error, TRACED, { value, configurable: true });
}

/** Errors of statements that a module which names a secret has made. */
const OF_SECRETS = new WeakSet<object>();

/** Remembers that the statement behind this error may hold a secret in any literal. */
export function traceSecret(error: unknown): void {
  if (typeof error === "object" && error !== null) OF_SECRETS.add(error);
}

export function traceOf(error: unknown): Trace {
  if (typeof error !== "object" || error === null) return {};
  const { stack, position } = error as { stack?: unknown; position?: unknown };
  return {
    ...(error as Traced)[TRACED],
    stack: typeof stack === "string" ? stack : undefined,
    position: typeof position === "number" ? position : undefined,
    secret: OF_SECRETS.has(error),
  };
}

/** The place in the author's files, and below it the place in the statement that the server complained about. */
export async function placeOfTrace(
  trace: Trace,
  where: { readonly folder: string; readonly file: string },
): Promise<Place | undefined> {
  const { calledAt, stack, statement, position, secret = false } = trace;
  const called = calledAt === undefined ? undefined : await placeOfStack(calledAt, where);
  const place = called ?? (stack === undefined ? undefined : await placeOfStack(stack, where));
  if (statement === undefined) return place;
  const secrets = secretsOf(statement, { about: secret });
  // The server quotes what it does not understand.
  for (const { value } of secrets) if (value !== null) remember(value);
  const written = place?.excerpt === undefined ? undefined : hideWritten(place.excerpt, statement, secrets);
  const line =
    written === undefined || !(secret || isAboutSecrets(statement))
      ? written
      : hideHanded(written, statement);
  const shown = line === undefined ? place : { ...(place as Place), excerpt: line };
  if (position === undefined) return shown;
  const inside = excerptAt(statement, position, { about: secret });
  return {
    ...(shown ?? { file: where.file }),
    excerpt: line === undefined ? inside : `${line}\nin the statement:\n${inside}`,
  };
}

/** The line of a module may contain its statement. Secrets stand between quotes there too, or in comments. */
function hideWritten(excerpt: string, statement: string, secrets: readonly SecretSpan[]): string {
  let shown = excerpt;
  for (const { start, end } of secrets) {
    const quoted = statement.slice(start - 1, end + 1);
    const isQuoted = /^['"$].+['"$]$/s.test(quoted);
    const written = isQuoted ? quoted : statement.slice(start, end);
    // A short number or word may stand on the line with another meaning.
    if (!isQuoted && written.length < SHORTEST_COMMENT) continue;
    const [open, close] = isQuoted ? [quoted[0], quoted.at(-1)] : ["", ""];
    shown = shown.replaceAll(written, `${open}***${close}`);
    // A literal may be longer than the excerpt, and then only its beginning is there.
    for (let length = Math.min(written.length - 1, LONGEST_LINE); length > 1; length--)
      shown = shown.replace(`${written.slice(0, length)}…\n`, `${open}***…\n`);
  }
  return shown;
}

const SHORTEST_COMMENT = 4;

/**
 * What the line hands to a statement about secrets: holes of a template, and literals that are not in the statement. An
 * excerpt may end in the middle of either.
 */
function hideHanded(excerpt: string, statement: string): string {
  return excerpt
    .replace(/(\$\{)[^}\n…]*([}…])/g, "$1***$2")
    .replace(
      /(['"])((?:\\.|(?!\1)[^\\\n…])*)(\1|…)/g,
      (written, open: string, content: string, close: string) =>
        content === "" || statement.includes(content) ? written : `${open}***${close}`,
    );
}

/** The longest line of an excerpt. */
const LONGEST_LINE = 120;
