/** The schema of a database, made in an empty one from its catalog. The database is only read. */
import { identifier } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { diffSchemas, type SchemaDiff } from "../diff/diff.ts";
import type { SchemaReading } from "../diff/reading.ts";
import { rolesOf } from "../rehearsal/catalog.ts";
import { ensureRoles } from "./scratch-roles.ts";

export const ALL = { schema: null, without: new Set<string>() };

/** Of PostgreSQL 17. */
const SINCE_SWITCH = 170_000;

export interface CopyOptions {
  /** Who owns what has no owner of its own. */
  readonly owner: string;
  /** What was read of the database, if it was. */
  readonly reading?: SchemaReading | undefined;
  /** What becomes of the rest where a statement is refused. Default: nothing more is tried. */
  readonly afterRefusal?: "stop" | "go on";
  /** Statements that are left out. What they would make is missing then. */
  readonly isLeftOut?: (text: string) => boolean;
}

/**
 * `copy`: a session of the empty database, as superuser. What could not be copied is in `left`. Event triggers of the database
 * refuse nothing in this session, now and later: they are about those who change the database, and not about its copy.
 */
export async function copySchema(
  copy: Connection,
  live: Connection,
  { owner, reading, ...more }: CopyOptions,
): Promise<SchemaDiff> {
  await ensureRoles(copy, [owner, ...(await rolesOf(live))]);
  const none =
    copy.server.version >= SINCE_SWITCH ? "event_triggers = off" : "session_replication_role = replica";
  await copy.execute(`set ${none}`);
  // The text of a function may speak of what comes later, or of what cannot be copied.
  await copy.execute(`set check_function_bodies = off; set role ${identifier(owner)}`);
  const found = await diffSchemas({ copy, desired: reading ?? live, compared: ALL, owner, ...more });
  await copy.execute("reset role; reset check_function_bodies");
  return found;
}
