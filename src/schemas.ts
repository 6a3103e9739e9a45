/** The schemas of one database as targets: which there are, and each as a configuration of its own. */
import { assemble } from "./assemble.ts";
import { type Config, schemaTarget } from "./config/config.ts";
import { createSchema } from "./core/sql/quote.ts";
import type { Connection } from "./database/connection.ts";
import { ConfigError, DatabaseError } from "./errors.ts";
import { withConnection } from "./run/connect.ts";
import type { RunContext } from "./run/target.ts";
import { redact } from "./std/secret.ts";

export interface Schemas {
  readonly configs: readonly Config[];
  /** The name of a target among them. */
  readonly canary: string | null;
}

export interface FindOptions {
  readonly context: RunContext;
  readonly say: (line: string) => void;
  /** Whether those that are missing may be made, where that is configured. */
  readonly create: boolean;
}

/**
 * Asks the database once for all of them, and makes those that are missing where that is wanted. Throws `ConfigError`
 * (`TARGET_SCHEMA_MISSING`) with all that are missing: a migration of a schema that is not there would make its objects
 * somewhere else, or a schema out of a typing mistake.
 */
export async function findSchemas(config: Config, { context, say, create }: FindOptions): Promise<Schemas> {
  const schemas = config.target?.schemas;
  if (config.target == null || schemas == null) throw new Error("The target has no schemas.");
  const { name } = config.target;
  // What is set for each schema is not for the query that finds them.
  const plain = { ...config, values: { ...config.values, searchPath: null } };
  await using assembled = await assemble(plain, { say });
  return withConnection(assembled.target, context, async (connection) => {
    const names = await namesOf(connection, config);
    const chosen = schemas.only === null ? names : names.filter((each) => each === schemas.only);
    const wanted = schemas.only ?? schemas.canary;
    if (schemas.only === null && names.length === 0) {
      say(`Target ${name} has no schemas.`);
      return { configs: [], canary: null };
    }
    if (wanted !== null && !chosen.includes(wanted)) throw unknownSchema(name, wanted, names);
    await requireSchemas(connection, chosen, { config, create });
    return {
      configs: chosen.map((each) => schemaTarget(config, each)),
      canary: `${name}/${wanted ?? chosen[0]}`,
    };
  });
}

async function namesOf(connection: Connection, { target }: Config): Promise<readonly string[]> {
  const from = target?.schemas?.from;
  if (from === undefined) return [];
  if ("names" in from) return from.names;
  try {
    // A query that only looks, whatever is written there.
    await connection.execute("begin read only");
    const { rows } = await connection.query(from.query).catch((error: unknown) => {
      throw queryFailed(error, target?.name);
    });
    const names = rows.map((row) => Object.values(row)[0]);
    const wrong = names.find((each) => typeof each !== "string" || each === "");
    if (wrong !== undefined)
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: `The query of targets.${target?.name}.schemas yields ${wrong === null ? "null" : `"${String(wrong)}"`} where the name of a schema belongs.`,
        hint: "Its first column must be text: select schema_name::text from tenants order by 1",
      });
    return [...new Set(names as string[])];
  } finally {
    await connection.execute("rollback").catch(() => {});
  }
}

/** The server says what is wrong, not whose query it was. */
function queryFailed(error: unknown, name: string | undefined): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState === undefined) return error;
  return new ConfigError(
    {
      code: "CONFIG_INVALID",
      message: `The query of targets.${name}.schemas failed: ${redact(error.message)}.`,
      hint: error.hint ?? "Try it with psql, as the same role. It may only look.",
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
  const tooLong = missing.filter((name) => Buffer.byteLength(name) > 63);
  if (target?.schemas?.create === true && tooLong.length === 0) {
    if (create) for (const name of missing) await connection.execute(createSchema(name, null));
    return;
  }
  const [first, ...others] = missing.map((name) => ({
    code: "TARGET_SCHEMA_MISSING" as const,
    message: `Schema "${name}" of target ${target?.name} is not in database "${connection.server.database}".`,
    hint: tooLong.includes(name)
      ? "The name of a schema has at most 63 bytes."
      : `Make it, or let it be made: createSchemas: true in targets.${target?.name}. Nothing was changed.`,
  }));
  if (first !== undefined) throw new ConfigError(first, { others });
}

function unknownSchema(name: string, wanted: string, names: readonly string[]): ConfigError {
  return new ConfigError({
    code: "TARGET_UNKNOWN",
    message: `Target ${name} has no schema "${wanted}".`,
    hint: `It has ${names.length}: ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}.`,
  });
}
