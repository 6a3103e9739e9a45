/** The schemas of one database as targets: finds them, and makes a configuration for each. */

import { type Config, schemaTarget } from "../config/config.ts";
import { nameProblems } from "../config/targets/names.ts";
import { throwAll } from "../config/targets/targets-given.ts";
import { createSchema } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import type { Connection } from "../database/connection.ts";
import { ConfigError, DatabaseError, type Problem } from "../errors.ts";
import { withConnection } from "../run/session/connect.ts";
import type { RunContext } from "../run/session/target.ts";
import { redact } from "../std/secret.ts";
import { assemble } from "./assemble.ts";

export interface Schemas {
  readonly configs: readonly Config[];
  /** The name of the target that is migrated first. `null`: there are no schemas. */
  readonly canary: string | null;
  /** Set if there are no schemas. */
  readonly warning?: Problem;
}

export interface FindOptions {
  readonly context: RunContext;
  readonly say: (line: string) => void;
  /** Whether missing schemas may be created, if the configuration says so. */
  readonly create: boolean;
}

/**
 * Asks the database once for all schemas, and creates missing ones if that is configured. Throws `ConfigError`
 * (`TARGET_SCHEMA_MISSING`) that names all missing schemas. A migration of a missing schema would create its objects
 * elsewhere. Creating the schema by default would turn a typing mistake into a schema.
 */
export async function findSchemas(config: Config, { context, say, create }: FindOptions): Promise<Schemas> {
  const schemas = config.target?.schemas;
  if (config.target == null || schemas == null) throw new Error("The target has no schemas.");
  const { name } = config.target;
  // The search path of each schema does not hold for the query that finds them.
  const plain = { ...config, values: { ...config.values, searchPath: null } };
  await using assembled = await assemble(plain, { say });
  return await withConnection(assembled.target, context, async (connection) => {
    const names = await namesOf(connection, config, context.signal);
    const chosen = schemas.only === null ? names : names.filter((each) => each === schemas.only);
    const wanted = schemas.only ?? schemas.canary;
    if (schemas.only === null && names.length === 0)
      return { configs: [], canary: null, warning: noSchemas(name) };
    if (wanted !== null && !chosen.includes(wanted)) throw unknownSchema(name, wanted, names);
    const configs = chosen.map((each) => schemaTarget(config, each));
    throwAll(configs.flatMap((each) => nameProblems(each)));
    await requireSchemas(connection, chosen, { config, create });
    return {
      configs,
      canary: `${name}/${wanted ?? chosen[0]}`,
    };
  });
}

async function namesOf(
  connection: Connection,
  { target }: Config,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const from = target?.schemas?.from;
  if (from === undefined) return [];
  if ("names" in from) return from.names;
  const option = `targets.${target?.name}.schemas`;
  const query = onlyQuery(from.query, option);
  try {
    // Two safeguards. The transaction refuses writes. The cursor takes a single query and limits the number of rows.
    await connection.execute("begin isolation level read committed, read only");
    const rows = await queried(connection, query).catch((error: unknown) => {
      throw signal.aborted ? error : queryFailed(error, target?.name);
    });
    if (rows.length > MOST_SCHEMAS)
      throw wrongQuery(`The query of ${option} yields more than ${MOST_SCHEMAS} rows.`);
    const names = rows.map((row) => Object.values(row)[0]);
    const wrong = names.find((each) => typeof each !== "string" || each === "");
    if (wrong !== undefined)
      throw wrongQuery(
        `The query of ${option} yields ${wrong === null ? "null" : `"${String(wrong)}"`} where the name of a schema belongs.`,
      );
    return [...new Set(names as string[])];
  } finally {
    await connection.execute("rollback").catch(() => {});
  }
}

const MOST_SCHEMAS = 100_000;

async function queried(connection: Connection, query: string) {
  await connection.query(`declare godwit_schemas no scroll cursor for ${query}`);
  const fetch = `fetch ${MOST_SCHEMAS + 1} from godwit_schemas`;
  const [result] = await connection.execute(fetch, { rows: "by position" });
  return result?.rows ?? [];
}

/** Checks the text of the query without asking a database. */
function onlyQuery(text: string, option: string): string {
  const statements = splitStatements(text);
  const [statement] = statements;
  if (statement === undefined || statements.length > 1)
    throw wrongQuery(`The query of ${option} holds ${statements.length} statements, and one is allowed.`);
  const verb = /^[a-z]+/i.exec(statement.text)?.[0].toLowerCase();
  if (verb !== undefined && !["select", "with", "values", "table"].includes(verb))
    throw wrongQuery(`The query of ${option} begins with ${verb}, but it may only read.`);
  return statement.text;
}

function wrongQuery(message: string): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message,
    hint: "One select whose first column is text: select schema_name::text from tenants order by 1",
  });
}

/** Adds whose query it was to the error of the server. */
function queryFailed(error: unknown, name: string | undefined): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState === undefined) return error;
  return new ConfigError(
    {
      code: "CONFIG_INVALID",
      message: `The query of targets.${name}.schemas failed: ${redact(error.message)}.`,
      hint: error.hint ?? "Try it with psql, as the same role. The query may only read.",
    },
    { cause: error },
  );
}

async function requireSchemas(
  connection: Connection,
  names: readonly string[],
  { config: { target }, create }: { config: Config; create: boolean },
): Promise<void> {
  const { rows } = await connection.query<{ name: string }>(
    "select nspname::text as name from pg_namespace where nspname = any($1::text[])",
    [names],
  );
  const there = new Set(rows.map((row) => row.name));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  if (target?.schemas?.create === true) {
    if (create) for (const name of missing) await connection.execute(createSchema(name, null));
    return;
  }
  const [first, ...others] = missing.map((name) => ({
    code: "TARGET_SCHEMA_MISSING" as const,
    message: `Schema "${name}" of target ${target?.name} is not in database "${connection.server.database}".`,
    hint: `Create it, or set createSchemas: true in targets.${target?.name}. Nothing was changed.`,
  }));
  if (first !== undefined) throw new ConfigError(first, { others });
}

/** A warning. A role that may see no rows and a table that is still empty look the same. */
function noSchemas(name: string): Problem {
  return {
    code: "TARGET_NO_SCHEMAS",
    message: `Target ${name} has no schemas: its query returned no row, so nothing was checked or migrated.`,
    hint: `Run the query of targets.${name}.schemas as the same role. While there are none, leave the target out with --target.`,
    details: { target: name },
  };
}

function unknownSchema(name: string, wanted: string, names: readonly string[]): ConfigError {
  return new ConfigError({
    code: "TARGET_UNKNOWN",
    message: `Target ${name} has no schema "${wanted}".`,
    hint: `It has ${names.length}: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}.`,
  });
}
