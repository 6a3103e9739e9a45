/** Which applied migration is taken back because it is still being written. Pure. */
import { versioned } from "../core/heads.ts";
import type { History } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";

export interface DraftInput {
  readonly migrations: readonly Migration[];
  readonly history: History;
  /** What this process has applied. */
  readonly own: ReadonlySet<string>;
}

/**
 * The newest applied migration, if its file has another text now, or is gone although this process has applied it. `null`: it is
 * as it was. An older one is nobody's draft: others build on it, so its edit is refused as everywhere.
 */
export function draftOf({ migrations, history, own }: DraftInput): string | null {
  const newest = versioned(history).at(-1);
  if (newest === undefined || newest.baseline) return null;
  const file = migrations.find(({ id }) => id === newest.revision);
  if (file === undefined) return own.has(newest.revision) ? newest.revision : null;
  if (file.kind === "repeatable" || file.rerun === true || file.problem !== undefined) return null;
  const same =
    file.checksum === newest.checksum ||
    (newest.state === "applied" && file.fingerprint !== null && file.fingerprint === newest.fingerprint);
  return same ? null : newest.revision;
}
