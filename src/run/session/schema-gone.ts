/** Recognizes that the schema of a target is gone. No migration has done that, and a retry would not help. */
import { SCHEMA_GONE_SQLSTATE, schemaGuard } from "../../core/sql/schema-guard.ts";
import type { Connection } from "../../database/connection.ts";
import { ConfigError, DatabaseError, Interrupted } from "../../errors.ts";
import type { RunSettings } from "./target.ts";

/** Returns `TARGET_SCHEMA_MISSING` for the guard's error, and every other error unchanged. */
export function asSchemaGone(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.sqlState !== SCHEMA_GONE_SQLSTATE) return error;
  // A migration itself can raise any code.
  if (!/^Schema ".*" is not in the database any more\.$/s.test(error.message)) return error;
  return new ConfigError(
    {
      code: "TARGET_SCHEMA_MISSING",
      message: error.message,
      hint: "It was dropped or renamed meanwhile, and a run does not create it again. Take it out of the configuration, or create it and run again.",
    },
    { cause: error },
  );
}

/**
 * Returns `TARGET_SCHEMA_MISSING` if the schema is gone by now, else the error. Between two checks of the
 * guard, the server only says that a table or an object id does not exist.
 */
export async function explainedBySchema(
  error: unknown,
  { schema }: Pick<RunSettings, "schema">,
  connection: Connection,
): Promise<unknown> {
  if (schema == null || connection.lost.aborted || error instanceof Interrupted) return error;
  // The failed statement may have left its transaction open.
  const guarded = connection.execute(`rollback; ${schemaGuard(schema)}`);
  return await guarded.then(
    () => error,
    (failure: unknown) => {
      const gone = asSchemaGone(failure);
      return gone === failure ? error : gone;
    },
  );
}
