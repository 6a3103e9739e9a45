/** One call of a module's function: what it is handed, and its statements, which the parent runs. */
import { DatabaseError } from "../errors.ts";
import type { FromHost, Returned, StatementError, StatementResult, ToHost } from "../host/protocol.ts";
import type { MigrationContext } from "../migration.ts";
import { type Executor, handles } from "../run/module-context.ts";
import type { ModuleFunction } from "../source/declaration.ts";
import { portable } from "./portable.ts";
import { rememberStatement } from "./thrown.ts";

export interface OpenCall {
  readonly file: string;
  readonly log: MigrationContext["log"];
  readonly signal: AbortSignal;
  readonly run: (call: ModuleFunction) => Promise<Returned>;
  readonly abort: (reason: string) => void;
  readonly answered: (message: ToHost & { readonly kind: "answer" | "refusal" }) => void;
  /** Its statements fail from now on. */
  readonly close: () => void;
}

interface CallOptions {
  readonly file: string;
  readonly tell: (message: FromHost) => void;
}

/** Numbers of statements are those of the process: answers are not addressed to a call. */
let last = 0;

export async function createCall(id: number, { file, tell }: CallOptions): Promise<OpenCall> {
  const waiting = new Map<
    number,
    { resolve: (result: StatementResult) => void; reject: (error: Error) => void }
  >();
  const stop = new AbortController();
  let open = true;

  const ask = (form: "query" | "execute", text: string, parameters: readonly unknown[]) => {
    if (!open)
      throw new Error(`${file} ran a statement after its function had settled: await every statement.`);
    const statement = ++last;
    return new Promise<StatementResult>((resolve, reject) => {
      waiting.set(statement, { resolve, reject });
      tell({
        kind: "statement",
        id,
        statement,
        form,
        text: String(text),
        parameters: parameters.map(portable),
      });
    });
  };
  const executor: Executor = {
    query: async (text, parameters) => ask("query", text, parameters),
    execute: async (text) => {
      await ask("execute", text, []);
      return [];
    },
  };
  const say = (level: "info" | "warn" | "error") => (message: unknown) =>
    tell({ kind: "log", id, level, message: String(message) });
  const log = { info: say("info"), warn: say("warn"), error: say("error") };

  return {
    file,
    log,
    signal: stop.signal,
    async run(call) {
      const handed = { ...(await handles(executor)), log, signal: stop.signal };
      tell({ kind: "begun", id });
      return { unbegun: unbegunOf(await (call as (context: unknown) => unknown)(handed)) };
    },
    abort: (reason) => stop.abort(new Error(reason)),
    answered(message) {
      const asked = waiting.get(message.statement);
      waiting.delete(message.statement);
      if (message.kind === "answer") asked?.resolve(message.result);
      else asked?.reject(errorOf(message.statement, message.error));
    },
    close() {
      open = false;
    },
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
