/** Why the ledger could not be made, where somebody can do something about it. */
import type { Connection } from "../database/connection.ts";
import { isOfUserCode } from "../database/sqlstate.ts";
import { DatabaseError } from "../errors.ts";
import { joinSentences } from "../std/sentences.ts";

/** The same error where nobody can. */
export function notMade(error: unknown, connection: Connection, schema: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { user, database } = connection.server;
  // Nothing of ours raises an error there: it is the word of an event trigger.
  if (isOfUserCode(error.routine))
    return new DatabaseError(
      {
        code: "DATABASE_ERROR",
        message: `The ledger in schema "${schema}" could not be made: ${error.message.replace(/\.$/, "")}.`,
        hint: joinSentences(
          error.hint,
          "An event trigger of the database has refused it. Nothing was changed.",
        ),
        details: error.details,
      },
      { cause: error, sqlState: error.sqlState, routine: error.routine },
    );
  if (error.code !== "DATABASE_PRIVILEGE") return error;
  return new DatabaseError(
    {
      code: "DATABASE_PRIVILEGE",
      message: `Role "${user}" may not create the ledger in database "${database}": ${error.message}.`,
      hint: `As its owner: GRANT CREATE ON DATABASE "${database}" TO "${user}"; or CREATE SCHEMA "${schema}" AUTHORIZATION "${user}"; then run again. Nothing was changed.`,
      details: error.details,
    },
    { cause: error, sqlState: error.sqlState },
  );
}
