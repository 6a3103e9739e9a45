/** Rows of the ledger for what is not run: declared, taken over, accepted. */
import type { Migration } from "../../core/migration.ts";
import type { Target } from "../session/target.ts";

/** The row for a migration that is not run; with its way back, which may be needed when its file is gone. */
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
