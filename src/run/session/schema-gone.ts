/** The schema of a target that is gone, as what it is: nothing that a migration did, and nothing to try again. */
import { SCHEMA_GONE_SQLSTATE, schemaGuard } from "../../core/sql/schema-guard.ts";
import type { Connection } from "../../database/connection.ts";
import { ConfigError, DatabaseError, Interrupted } from "../../errors.ts";
import type { RunSettings } from "./target.ts";

/** The error as `TARGET_SCHEMA_MISSING` where it is the guard's; any other as it is. */
export function asSchemaGone(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== SCHEMA_GONE_SQLSTATE) return error;
  // A migration can raise any code itself.
  if (!/^Schema ".*" is not in the database any more\.$/s.test(error.message)) return error;
  return new ConfigError(
    {
      code: "TARGET_SCHEMA_MISSING",
      message: error.message,
      hint: "It was dropped or renamed meanwhile, and it is not made again. Take it out of the configuration, or make it anew and run again.",
    },
    { cause: error },
  );
}

/**
 * What a run of a schema failed with, or `TARGET_SCHEMA_MISSING` where the schema is gone by now: between two looks of the
 * guard the server speaks of a table or an object id that does not exist.
 */
export async function explainedBySchema(
  error: unknown,
  { schema }: Pick<RunSettings, "schema">,
  connection: Connection,
): Promise<unknown> {
  if (schema == null || connection.lost.aborted || error instanceof Interrupted) return error;
  // What failed may have left its transaction open.
  const guarded = connection.execute(`rollback; ${schemaGuard(schema)}`);
  return await guarded.then(
    () => error,
    (failure: unknown) => {
      const gone = asSchemaGone(failure);
      return gone === failure ? error : gone;
    },
  );
}
