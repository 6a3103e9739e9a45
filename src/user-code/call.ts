/** One call of a module's function: what it is handed, and its statements, which the parent runs. */
import type { ParameterKind } from "../database/values/parameters.ts";
import type { RawResult } from "../database/values/rows.ts";
import { DatabaseError } from "../errors.ts";
import type { EncodedValue, FromHost, Returned, StatementError, ToHost } from "../host/protocol.ts";
import { traceOf } from "../run/step/trace.ts";
import type { MigrationContext } from "../source/definition.ts";
import type { ModuleFunction } from "../source/module/declaration.ts";
import { MOST_CARRIED, shortened } from "../std/secret.ts";
import { activeResources, letLateOnesCome, stillOpen } from "./late.ts";
import { type Begun, createBegun, NEVER } from "./module-begun.ts";
import { type Executor, handles } from "./module-context.ts";
import { isInstance, rememberStatement } from "./thrown.ts";

export interface OpenCall {
  readonly begun: Begun;
  /** Runs statements of ours, which are not counted among those of the function. */
  readonly executor: Executor;
  readonly log: MigrationContext["log"];
  readonly signal: AbortSignal;
  readonly run: (call: ModuleFunction) => Promise<Returned>;
  readonly abort: (reason: string) => void;
  readonly answered: (message: ToHost & { readonly kind: "answer" | "refusal" }) => void;
  /** Its statements fail from now on. */
  readonly close: () => void;
}

interface CallOptions {
  readonly tell: (message: FromHost) => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Numbers of statements are those of the process: answers are not addressed to a call. */
let last = 0;

export async function createCall(id: number, { tell }: CallOptions): Promise<OpenCall> {
  const waiting = new Map<number, Waiting>();
  const stop = new AbortController();
  const begun = createBegun(() => tell({ kind: "late", id }));
  /** Of the errors since a statement last succeeded: what follows it in a failed transaction says only that it failed. */
  let first: { readonly statement: number; readonly error: Error } | undefined;

  const ask = (
    form: "ask" | "kinds" | "execute",
    text: string,
    parameters: readonly EncodedValue[],
  ): Promise<unknown> => {
    // One that was begun in time, and whose text was made too late, is counted as not awaited.
    if (begun.closed()) return NEVER;
    const statement = ++last;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(statement, { resolve, reject });
      tell({ kind: "statement", id, statement, form, text: String(text), parameters });
    });
  };
  const executor: Executor = {
    ask: async (text, parameters) => (await ask("ask", text, parameters)) as RawResult,
    parameterKinds: async (text) => (await ask("kinds", text, [])) as readonly ParameterKind[],
    execute: async (text) => ask("execute", text, []),
  };
  const say = (level: "info" | "warn" | "error") => (message: unknown) =>
    tell({ kind: "log", id, level, message: shortened(String(message), MOST_CARRIED) });
  const log = { info: say("info"), warn: say("warn"), error: say("error") };

  return {
    begun,
    executor,
    log,
    signal: stop.signal,
    async run(call) {
      const handed = { ...(await handles(executor, begun)), log, signal: stop.signal };
      tell({ kind: "begun", id });
      const before = activeResources();
      let returned: unknown;
      try {
        returned = await (call as (context: unknown) => unknown)(handed);
      } catch (error) {
        tell({ kind: "describing" });
        // 25P02: the transaction had failed before, and the module caught that error.
        throw isInstance(error, DatabaseError) && error.sqlState === "25P02"
          ? (first?.error ?? error)
          : error;
      }
      const unbegun = unbegunOf(returned);
      begun.close();
      const open = await letLateOnesCome(before);
      if (open.length > 0) log.warn(stillOpen(open));
      const left = begun.left();
      if (first === undefined) return { unbegun, left };
      const { calledAt, statement } = traceOf(first.error);
      return { unbegun, left, swallowed: { statement: first.statement, at: { calledAt, statement } } };
    },
    abort: (reason) => stop.abort(new Error(reason)),
    answered(message) {
      const asked = waiting.get(message.statement);
      waiting.delete(message.statement);
      if (message.kind === "answer") {
        first = undefined;
        asked?.resolve(message.result);
      } else {
        const error = errorOf(message.statement, message.error);
        if (error instanceof DatabaseError) first ??= { statement: message.statement, error };
        asked?.reject(error);
      }
    },
    close: begun.close,
  };
}

/** A generator waits for `next()`, a query builder for `execute()`: what they stand for has not happened. */
export function unbegunOf(returned: unknown): Returned["unbegun"] {
  if (typeof returned !== "object" || returned === null) return null;
  if ("execute" in returned && "compile" in returned) return "query";
  const isGenerator = Symbol.asyncIterator in returned || ("next" in returned && Symbol.iterator in returned);
  return isGenerator ? "generator" : null;
}

function errorOf(statement: number, error: StatementError | string): Error {
  const made =
    typeof error === "string"
      ? new Error(error)
      : new DatabaseError(error.problem as ConstructorParameters<typeof DatabaseError>[0], error);
  rememberStatement(made, statement);
  return made;
}
