/** What a migration written in TypeScript is handed, in its own process: the types are in `migration.ts`. */
import { quotedName } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import {
  type Encoded,
  encodeParameters,
  needKinds,
  type ParameterKind,
} from "../database/values/parameters.ts";
import { ParameterRefused } from "../database/values/refused.ts";
import { hasFloats, type RawResult, readRows } from "../database/values/rows.ts";
import { DatabaseError } from "../errors.ts";
import { captureCall, traceCall } from "../run/step/trace.ts";
import type { MigrationContext, Sql, SqlFragment } from "../source/definition.ts";
import { schemaBuilder } from "./kysely-schema.ts";
import type { Begun } from "./module-begun.ts";

/** What runs the statements of a module: a connection, or something that only writes them down. */
export interface Executor {
  ask(text: string, parameters: readonly Encoded[]): Promise<RawResult>;
  parameterKinds(text: string): Promise<readonly (ParameterKind | undefined)[]>;
  execute(text: string): Promise<unknown>;
}

/** `sql`, `query`, `execute` and `schema` on anything that runs statements. */
export async function handles(
  executor: Executor,
  begun: Begun,
  present: (result: RawResult) => unknown = rowsOf,
): Promise<Pick<MigrationContext, "sql" | "query" | "execute" | "schema">> {
  let rounds = false;
  let nulls = true;
  const run = (text: string, parameters: readonly unknown[]) =>
    traced(text, begun.statement, () => send(text, parameters));
  const send = async (text: string, parameters: readonly unknown[]) => {
    const kinds = needKinds(parameters) ? await executor.parameterKinds(text) : [];
    const encoded = encodeParameters(parameters, kinds);
    if (!nulls && kinds.some((kind, index) => isArrayKind(kind) && encoded[index] !== null))
      await refuseWithoutNulls(executor);
    const result = await executor.ask(text, encoded);
    rounds ||= ROUNDS.test(text);
    nulls &&= !HIDES_NULLS.test(text);
    if (rounds && hasFloats(result)) await refuseRounded(executor);
    return result;
  };
  const read = (result: RawResult) => ({ rows: readRows(result), rowCount: result.rowCount ?? 0 });
  return {
    sql: sqlTag(async (text, parameters) => present(await run(text, parameters))),
    query: quiet(async (text: string, parameters: readonly unknown[] = []) => {
      const result = await run(text, parameters);
      return (present === rowsOf ? read(result) : present(result)) as never;
    }),
    execute: quiet((text: string, ...rest: readonly unknown[]) =>
      traced(text, begun.statement, async () => {
        if (rest.some((value) => value !== undefined))
          throw new ParameterRefused(
            "execute was given parameters, and takes none",
            "For one statement with parameters: query(text, parameters), or sql`...`.",
          );
        rounds ||= ROUNDS.test(text);
        nulls &&= !HIDES_NULLS.test(text);
        await executor.execute(text);
      }),
    ),
    schema: begun.builders(
      // A builder records its call at `execute()`, before the text is known. So no call is counted here.
      await schemaBuilder(async (text, parameters) =>
        read(
          await traced(
            text,
            (_, run) => run(),
            () => send(text, parameters),
            {},
          ),
        ),
      ),
    ),
  };
}

/** Statements that may have changed how many digits of a float the server sends. */
const ROUNDS = /extra_float_digits|\b(?:reset|discard)\s+all\b/i;

/** Statements that may have told the server to read NULL inside an array as the text "NULL". */
const HIDES_NULLS = /array_nulls|\b(?:reset|discard)\s+all\b/i;

function isArrayKind(kind: ParameterKind | undefined): boolean {
  return kind === "array" || kind === "json-array" || kind === "bytes-array";
}

async function refuseWithoutNulls(executor: Executor): Promise<void> {
  const { rows } = await executor.ask("select current_setting('array_nulls')", []);
  if (rows[0]?.[0] !== "off") return;
  throw new ParameterRefused(
    "with array_nulls = off the server reads the NULL in an array as a text",
    "Set it on before an array is a parameter: set array_nulls = on.",
  );
}

async function refuseRounded(executor: Executor): Promise<void> {
  const { rows } = await executor.ask("select current_setting('extra_float_digits')", []);
  const [[digits] = []] = rows;
  if (Number(digits) >= 1) return;
  throw new ParameterRefused(
    `with extra_float_digits = ${digits} the server rounds the floats that this statement returns`,
    "Set it to 1, or return them as text: select x::text.",
  );
}

/** Adds to any failure which call of the module it came from. */
async function traced<T>(
  text: string,
  count: Begun["statement"],
  run: () => Promise<T>,
  call = captureCall(),
): Promise<T> {
  try {
    return await count(call, run);
  } catch (error) {
    const cause = refuseSeveral(error, text);
    traceCall(cause, call, text);
    throw cause;
  }
}

/** The server reports several statements with parameters as 42601, a syntax error. */
function refuseSeveral(error: unknown, text: string): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== "42601" || error.position !== undefined)
    return error;
  const count = splitStatements(text).length;
  if (count < 2) return error;
  return new ParameterRefused(
    `One call runs one statement, and this text has ${count}`,
    "Call sql or query for each of them, or execute(text) for several without parameters.",
    { cause: error },
  );
}

/** A promise that nobody awaits fails its step (`module.ts`); it must not end the process before that is said. */
function quiet<Arguments extends readonly unknown[], T>(run: (...values: Arguments) => Promise<T>) {
  return (...values: Arguments): Promise<T> => {
    const promise = run(...values);
    promise.catch(() => {});
    return promise;
  };
}

/** A class, so that no value from outside can pass for one. Kysely takes it for one of its own expressions. */
class Fragment implements SqlFragment {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  get expressionType(): undefined {
    return undefined;
  }

  /** Kysely calls this where the fragment is the query of a view. */
  withPlugin(): this {
    return this;
  }

  toOperationNode(): ReturnType<SqlFragment["toOperationNode"]> {
    const node = { kind: "RawNode", sqlFragments: [this.text], parameters: [] };
    return node as unknown as ReturnType<SqlFragment["toOperationNode"]>;
  }
}

/** The rows, with how many were returned or affected. */
function rowsOf(result: RawResult) {
  return Object.assign(readRows(result), { count: result.rowCount ?? result.rows.length });
}

function sqlTag(run: (text: string, parameters: readonly unknown[]) => Promise<unknown>): Sql {
  const tag = quiet(async (strings: TemplateStringsArray, ...values: unknown[]) => {
    let text = strings[0] ?? "";
    const parameters: unknown[] = [];
    values.forEach((value, index) => {
      if (value instanceof Fragment) text += value.text;
      else text += `$${parameters.push(value)}`;
      text += strings[index + 1] ?? "";
    });
    return run(text, parameters);
  });
  return Object.assign(tag, {
    identifier: (...path: string[]) => new Fragment(path.map(quotedName).join(".")),
    raw: (text: string) => new Fragment(text),
  }) as unknown as Sql;
}
