/** What a migration written in TypeScript is handed, in its own process: the types are in `migration.ts`. */
import { quotedName } from "../core/sql/quote.ts";
import type { Parameter, Result, Row } from "../database/connection.ts";
import type { MigrationContext, Sql } from "../migration.ts";

/** What runs the statements of a module: a connection, or something that only writes them down. */
export interface Executor {
  query(text: string, parameters: readonly Parameter[]): Promise<Result>;
  execute(text: string): Promise<readonly Result[]>;
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
