/** Kysely's schema builder on our own connection: it compiles, we execute. */
import type { Row } from "../database/connection.ts";
import { describe, ParameterRefused } from "../database/values/refused.ts";
import type { MigrationContext } from "../source/definition.ts";

export interface CompiledResult {
  readonly rows: readonly Row[];
  readonly rowCount: number | null;
}

type Run = (text: string, parameters: readonly unknown[]) => Promise<CompiledResult>;

export async function schemaBuilder(run: Run): Promise<MigrationContext["schema"]> {
  const { Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } = await import("kysely");
  const connection = {
    async executeQuery<R>(compiled: { sql: string; parameters: readonly unknown[] }) {
      const result = await run(compiled.sql, compiled.parameters);
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
  const checked = kysely.withPlugin({
    // Ahead of the compiler, which says of a value only that it is invalid.
    transformQuery: ({ node }) => {
      refuseLostDefaults(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  return checked.schema;
}

/**
 * A text in `defaultTo` is that text. PostgreSQL reads `'now()'` as a moment, once, when the column is made: every row
 * would get the time of the migration.
 */
function refuseLostDefaults(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node)) {
    for (const each of node) refuseLostDefaults(each);
    return;
  }
  const { kind, immediate, value } = node as { kind?: string; immediate?: boolean; value?: unknown };
  if (kind === "ValueNode") {
    if (immediate === true) refuseNoLiteral(value);
    return;
  }
  const { defaultTo, setDefault, dataType } = node as Record<string, unknown>;
  const isText = TEXT_TYPE.test((dataType as { dataType?: string } | undefined)?.dataType ?? "");
  for (const given of [(defaultTo as { defaultValue?: unknown } | undefined)?.defaultValue, setDefault]) {
    const text = (given as { value?: unknown } | undefined)?.value;
    if (typeof text === "string" && (CALL.test(text) || (!isText && MOMENT.test(text))))
      throw Object.assign(
        new Error(`defaultTo(${JSON.stringify(text)}) is a text that is evaluated once, not an expression`),
        { hint: `For an expression: defaultTo(sql.raw(${JSON.stringify(text)})).` },
      );
  }
  for (const each of Object.values(node)) refuseLostDefaults(each);
}

/** What has no literal of its own. */
function refuseNoLiteral(value: unknown): void {
  if (value === null || ["string", "boolean", "bigint"].includes(typeof value)) return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return;
  const what = typeof value === "number" ? String(value) : describe(value);
  throw new ParameterRefused(
    `a value of the schema builder, such as in defaultTo, is ${what}`,
    hintFor(value),
  );
}

function hintFor(value: unknown): string {
  if (value === undefined)
    return "A misspelt property? Without a default, leave defaultTo away; NULL is null.";
  if (describe(value) === "a promise")
    return 'For an expression: defaultTo(sql.raw("now()")), without await.';
  if (typeof value === "number") return `Write it as a text: defaultTo("${value}").`;
  if (ArrayBuffer.isView(value)) return `Write it as a text: defaultTo("\\\\x00ff") for bytes.`;
  return 'Write it as a text: defaultTo(JSON.stringify(value)) for JSON, defaultTo("{1,2}") for an array.';
}

const CALL = /^\s*(?:"?\w+"?\s*\.\s*)?\w+\([\s\S]*\)(?:\s*::\s*[\w\s.[\]()]+)?\s*$/;
const MOMENT =
  /^\s*(?:now|today|tomorrow|yesterday|(?:current|local)_?(?:date|time|timestamp)|(?:current|session)_(?:user|role|schema|catalog))\s*$/i;
const TEXT_TYPE = /^(?:text|varchar|char|character)/i;
