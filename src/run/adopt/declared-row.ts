/** Rows of the ledger for migrations that are not run here: declared, adopted or accepted. */
import type { Migration } from "../../core/migration.ts";
import type { Target } from "../session/target.ts";

/** The row for a migration that is not run. It holds the way back, in case the file is gone when it is needed. */
export async function entryFor(target: Target, migration: Migration) {
  const down = migration.revertible ? await target.source.read(migration, "down") : null;
  return {
    revision: migration.id,
    kind: migration.kind,
    phase: migration.phase,
    number: migration.number,
    parents: [...new Set([...(migration.revises ?? []), ...migration.depends])],
    file: migration.file,
    checksum: migration.checksum,
    fingerprint: migration.fingerprint,
    revertScript: down?.kind === "sql" ? down.text : null,
    minimumRevision: migration.settings.minimumRevision ?? null,
  };
}
