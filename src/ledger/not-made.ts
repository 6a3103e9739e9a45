/** Why the ledger could not be made, where somebody can do something about it. */
import type { Connection } from "../database/connection.ts";
import { isOfUserCode } from "../database/sqlstate.ts";
import { DatabaseError } from "../errors.ts";
import { joinSentences } from "../std/sentences.ts";

/** The same error where nobody can. */
export function notMade(error: unknown, connection: Connection, schema: string): unknown {
  const refused = refusedByTrigger(error, schema);
  if (!(refused instanceof DatabaseError) || refused.code !== "DATABASE_PRIVILEGE") return refused;
  const { user, database } = connection.server;
  return new DatabaseError(
    {
      code: "DATABASE_PRIVILEGE",
      message: `Role "${user}" may not create the ledger in database "${database}": ${refused.message}.`,
      hint: `As its owner: GRANT CREATE ON DATABASE "${database}" TO "${user}"; or CREATE SCHEMA "${schema}" AUTHORIZATION "${user}"; then run again. Nothing was changed.`,
      details: refused.details,
    },
    { cause: refused, sqlState: refused.sqlState },
  );
}

/** What our own statements raise begins so. */
const OURS = /^GW/;

/** The same error, unless code of the database has raised it: no function but those of event triggers runs there. */
export function refusedByTrigger(error: unknown, schema: string): unknown {
  if (!(error instanceof DatabaseError) || !isOfUserCode(error.routine)) return error;
  const { sqlState, routine, details } = error;
  if (OURS.test(sqlState ?? "")) return error;
  return new DatabaseError(
    {
      code: "DATABASE_ERROR",
      message: `The ledger in schema "${schema}" could not be made: ${error.message.replace(/\.$/, "")}.`,
      hint: joinSentences(
        error.hint,
        "An event trigger of the database has refused it. Nothing was changed.",
      ),
      details,
    },
    { cause: error, sqlState, routine },
  );
}
