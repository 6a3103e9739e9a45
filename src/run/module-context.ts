/** What a migration written in TypeScript is handed: the types are in `migration.ts`. */
import { quotedName } from "../core/sql/quote.ts";
import type { Connection, Parameter, Result, Row } from "../database/connection.ts";
import { DatabaseError, type GodwitError } from "../errors.ts";
import type { MigrationContext, Sql } from "../migration.ts";
import { refuseTransactionControl, type Tally, tally } from "./module-control.ts";
import type { Prepared } from "./prepare.ts";
import type { Work } from "./work.ts";

/** For the watch over promises that never settle. */
export interface Activity {
  inFlight: number;
  lastMs: number;
  /** The first error of the server, also if the module caught it. */
  firstError: DatabaseError | undefined;
  /** What was refused before it was sent, also if the module caught that. */
  refused: GodwitError | undefined;
  /** What may have stayed, where no transaction is around it. */
  readonly tally: Tally;
}

export interface OpenContext extends AsyncDisposable {
  readonly handed: MigrationContext;
  readonly activity: Activity;
}

/** What runs the statements of a module: a connection, or something that only writes them down. */
export interface Executor {
  query(text: string, parameters: readonly Parameter[]): Promise<Result>;
  execute(text: string): Promise<readonly Result[]>;
}

export async function createContext(work: Work, prepared: Prepared): Promise<OpenContext> {
  const activity: Activity = {
    inFlight: 0,
    lastMs: performance.now(),
    firstError: undefined,
    refused: undefined,
    tally: tally(),
  };
  let open = true;
  const executor = supervised(work.connection, activity, (text) => {
    if (!open)
      throw new Error(
        `${prepared.step.file} ran a statement after its function had settled: await every statement.`,
      );
    if (prepared.form === "module-outside") return activity.tally.begun(text);
    try {
      refuseTransactionControl(text, prepared);
    } catch (error) {
      activity.refused ??= error as GodwitError;
      throw error;
    }
    return () => {};
  });
  const say = (level: "info" | "warn" | "error") => (message: unknown) =>
    work.context.observe({ kind: "log", step: prepared.step, level, message: String(message) });
  return {
    handed: {
      ...(await handles(executor)),
      log: { info: say("info"), warn: say("warn"), error: say("error") },
      signal: work.stop,
    },
    activity,
    async [Symbol.asyncDispose]() {
      open = false;
    },
  };
}

/** `sql`, `query`, `execute` and `schema` on anything that runs statements. */
export async function handles(
  executor: Executor,
  present: (result: Result) => unknown = rowsOf,
): Promise<Pick<MigrationContext, "sql" | "query" | "execute" | "schema">> {
  return {
    sql: sqlTag(executor, present),
    query: quiet(async (text: string, parameters: readonly unknown[] = []) => {
      const result = await executor.query(text, parameters as readonly Parameter[]);
      return (
        present === rowsOf ? { rows: result.rows, rowCount: result.rowCount ?? 0 } : present(result)
      ) as never;
    }),
    execute: quiet(async (text: string) => {
      await executor.execute(text);
    }),
    schema: await schemaBuilder(executor),
  };
}

/** A promise that nobody awaits fails its step (`module.ts`); it must not end the process before that is said. */
function quiet<Arguments extends readonly unknown[], T>(run: (...values: Arguments) => Promise<T>) {
  return (...values: Arguments): Promise<T> => {
    const promise = run(...values);
    promise.catch(() => {});
    return promise;
  };
}

/** `guard` is asked before each text is sent; what it returns is told that it succeeded. */
function supervised(
  connection: Connection,
  activity: Activity,
  guard: (text: string) => () => void,
): Executor {
  const track = async <T>(text: string, run: () => Promise<T>): Promise<T> => {
    const succeeded = guard(text);
    activity.inFlight++;
    try {
      const result = await run();
      succeeded();
      return result;
    } catch (error) {
      if (error instanceof DatabaseError) activity.firstError ??= error;
      throw error;
    } finally {
      activity.inFlight--;
      activity.lastMs = performance.now();
    }
  };
  return {
    query: (text, parameters) => track(text, () => connection.query(text, parameters)),
    execute: (text) => track(text, () => connection.execute(text, { rows: "discard" })),
  };
}

/** A class, so that no value from outside can pass for one. */
class Fragment {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The rows, with how many were returned or affected. */
function rowsOf(result: Result) {
  return Object.assign([...result.rows], { count: result.rowCount ?? result.rows.length });
}

function sqlTag(executor: Executor, present: (result: Result) => unknown): Sql {
  const tag = quiet(async (strings: TemplateStringsArray, ...values: unknown[]) => {
    let text = strings[0] ?? "";
    const parameters: Parameter[] = [];
    values.forEach((value, index) => {
      if (value instanceof Fragment) text += value.text;
      else text += `$${parameters.push(value as Parameter)}`;
      text += strings[index + 1] ?? "";
    });
    return present(await executor.query(text, parameters));
  });
  return Object.assign(tag, {
    identifier: (...path: string[]) => new Fragment(path.map(quotedName).join(".")),
    raw: (text: string) => new Fragment(text),
  }) as unknown as Sql;
}

/** Kysely compiles, we execute: it never sees a connection of its own. */
async function schemaBuilder(executor: Executor): Promise<MigrationContext["schema"]> {
  const { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } = await import("kysely");
  const connection = {
    async executeQuery<R>(compiled: { sql: string; parameters: readonly unknown[] }) {
      const result = await executor.query(compiled.sql, compiled.parameters as readonly Parameter[]);
      return { rows: result.rows as unknown as R[], numAffectedRows: BigInt(result.rowCount ?? 0) };
    },
    streamQuery(): never {
      throw new Error("Streaming is not available in a migration.");
    },
  };
  const nothing = async () => {};
  const kysely = new Kysely<Record<string, Row>>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createDriver: () => ({
        init: nothing,
        acquireConnection: async () => connection,
        beginTransaction: nothing,
        commitTransaction: nothing,
        rollbackTransaction: nothing,
        releaseConnection: nothing,
        destroy: nothing,
      }),
    },
  });
  return kysely.schema;
}
