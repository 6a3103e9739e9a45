/** Which migrations are still being written. Pure. */
import { checksum, fingerprint } from "../core/checksum.ts";
import { versioned } from "../core/heads.ts";
import type { History, HistoryEntry } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";
import type { Problem } from "../errors.ts";
import { templateOf } from "../source/plain/template.ts";

export interface DraftInput {
  readonly migrations: readonly Migration[];
  readonly history: History;
  /** What this process has applied. */
  readonly own: ReadonlySet<string>;
}

export interface Draft {
  readonly revision: string;
  readonly isGone: boolean;
}

/**
 * The newest applied migrations that are taken back, the newest first. The newest one is a draft if its file has another
 * text now, or is gone although this process has applied it. So is the one below a draft, if this process has applied it.
 * Others build on the rest, so its edits are refused as everywhere; then nothing is taken back either.
 */
export function draftsOf({ migrations, history, own }: DraftInput): readonly Draft[] {
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  const applied = versioned(history).toReversed();
  const isDraft = (entry: HistoryEntry, place: number) =>
    !entry.baseline &&
    (place === 0 || own.has(entry.revision)) &&
    (byId.has(entry.revision) ? isEdited(entry, byId.get(entry.revision)) : own.has(entry.revision));
  const end = applied.findIndex((entry, place) => !isDraft(entry, place));
  const drafts = end === -1 ? applied : applied.slice(0, end);
  const rest = applied.slice(drafts.length);
  if (rest.some((entry) => isEdited(entry, byId.get(entry.revision)))) return [];
  return drafts.map(({ revision }) => ({ revision, isGone: !byId.has(revision) }));
}

/** The fault of the newest applied migration, if its file was changed into one that cannot run. Nothing is taken back for it. */
export function faultOfDraft({ migrations, history }: DraftInput): Problem | null {
  const newest = versioned(history).at(-1);
  const file = migrations.find(({ id }) => id === newest?.revision);
  return newest?.baseline === false && file?.checksum !== newest.checksum ? (file?.problem ?? null) : null;
}

function isEdited(entry: HistoryEntry, file: Migration | undefined): boolean {
  if (file === undefined || file.kind === "repeatable" || file.rerun === true || file.problem !== undefined)
    return false;
  if (file.checksum === entry.checksum) return false;
  return !(entry.state === "applied" && file.fingerprint !== null && file.fingerprint === entry.fingerprint);
}

/** Whether what was applied has no statement, as after `godwit new`. Then nothing has to be reverted. */
export function didNothing({ fingerprint: print, checksum: sum, parents }: HistoryEntry): boolean {
  return print === NO_STATEMENT || [null, parents].some((each) => sum === checksum(templateOf("ts", each)));
}

/** Whether nothing is in the file yet. */
export function isUnwritten({ note, checksum: sum, revises }: Migration): boolean {
  return note?.code === "SOURCE_FILE_EMPTY" || sum === checksum(templateOf("ts", revises));
}

const NO_STATEMENT = fingerprint("");
