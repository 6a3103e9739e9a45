/** The tables that Godwit makes in the schema of the ledger. A role that may not use one of them is told what to grant. */
import type { Connection } from "../../database/connection.ts";
import { missingPrivilege } from "../../database/privilege.ts";
import { DatabaseError } from "../../errors.ts";
import { LEDGER_TABLES } from "../../ledger/damage-sql.ts";
import type { Target } from "./target.ts";

export const OWN_TABLES: ReadonlySet<string> = new Set([
  ...LEDGER_TABLES,
  ...["migration_schema", "migration_locks", "webhook_undelivered"],
  ...["backfills", "backfill_controls", "backfill_ranges", "backfill_undo"].map(
    (name) => `migration_${name}`,
  ),
  ...["files", "contents", "hashes", "colours", "scans", "folders"].map((name) => `import_${name}`),
  ...["runs", "batches", "hosts", "origins"].map((name) => `import_${name}`),
  ...["duplicate_edges", "duplicate_decisions"],
]);

/** The schema of a table of ours, which the server names without it, and which is in no search_path. */
export function schemaOfOurs({ ledger }: Pick<Target, "ledger">): (name: string) => string | null {
  return (name) => (OWN_TABLES.has(name) ? ledger.schema : null);
}

/** The same error, with a hint that names role and schema. The connection does not know what is ours. */
export function withLedgerSchema(error: unknown, target: Target, { server }: Connection): unknown {
  if (!(error instanceof DatabaseError) || error.hint !== missingPrivilege(error.message)) return error;
  error.hint = missingPrivilege(error.message, { role: server.user, schemaOf: schemaOfOurs(target) });
  return error;
}
