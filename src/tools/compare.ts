/**
 * Finds what has happened between our ledger and another tool's history since we last looked at it. It compares three
 * sets: what our ledger says, what the tool's history says now, and what it said then. Every difference has a name, and
 * `decisions.ts` says how each is handled.
 */
import type { Migration } from "../core/migration.ts";
import { sharesTimestamp, sharesVersion, withoutZeros } from "../core/version.ts";
import { isSpelledAs } from "./match.ts";
import { isSettled, mayBeBelow, type Sets, wasThere } from "./sets.ts";
import type { Applied, ToolRow, Unplaced } from "./tool.ts";

export type ToolEvent =
  /** The tool has applied it, and our ledger does not know it. */
  | { readonly kind: "applied-there"; readonly id: string; readonly one: Applied }
  /** The same, but the tool applied a text that differs from the file. */
  | { readonly kind: "edited"; readonly id: string; readonly one: Applied }
  /**
   * The tool counts it as applied because of a later one. Nothing shows that it ever ran. `ours`: that later one was
   * applied by us.
   */
  | { readonly kind: "passed-over"; readonly id: string; readonly ours: boolean }
  /**
   * The files declare it to be below one that the tool has applied, and they did not when we last looked. Either its
   * file came late, or it was put there.
   */
  | { readonly kind: "implied-there"; readonly id: string; readonly one: Applied }
  /** The tool's number is that of this file, and we know a later one. Either it ran, or the number came down to it. */
  | { readonly kind: "uncertain"; readonly id: string; readonly later: Later }
  /** It was in the tool's history and is applied in our ledger. It is no longer in the tool's history. */
  | { readonly kind: "taken-back-there"; readonly id: string }
  /**
   * A row says that it is applied, and the tool goes by time: the files give it a later time now, so the tool would run it.
   * `rewritten`: the row has the former text, which our ledger has too.
   */
  | { readonly kind: "later-time"; readonly id: string; readonly row: ToolRow; readonly rewritten: boolean }
  /** We applied it, and it never was in the tool's history. */
  | { readonly kind: "missing-there"; readonly id: string }
  /** We applied it, and it is not in the tool's history. Nothing shows whether it ever was. */
  | { readonly kind: "unremembered"; readonly id: string }
  /** We applied it, and since then the tool has applied it too. */
  | { readonly kind: "applied-by-both"; readonly id: string }
  /** It was deliberately removed from our ledger. The tool's row stayed. */
  | { readonly kind: "taken-out-here"; readonly id: string; readonly one: Applied }
  /** A later one is applied there, and the files do not say whether this one is below it. */
  | ({ readonly kind: "unplaced" } & Unplaced)
  /** The tool has applied something that has no file here. */
  | { readonly kind: "without-file"; readonly row: ToolRow; readonly isNew: boolean }
  /**
   * A row without a file and a file without a row share a name, an id or a text. `applied`: our ledger has it applied,
   * and the names are the same. The tool's history had a row for it under the name that the file has now.
   */
  | { readonly kind: "same-name"; readonly id: string; readonly row: ToolRow; readonly applied?: true }
  /**
   * Its version equals that of one of our revisions, and so does the tool's row. It was renamed, or another file
   * replaced it.
   */
  | { readonly kind: "renamed"; readonly id: string; readonly was: string };

/** Evidence that the number may have come down. */
export interface Later {
  readonly id: string;
  /** It was in the tool's history when we last looked. Otherwise only our ledger says that it is, or was, applied. */
  readonly wasThere: boolean;
}

export type ToolEventKind = ToolEvent["kind"];

/** All differences, in the order of the files and then of the rows. */
export function compare(sets: Sets): readonly ToolEvent[] {
  const { files, history, match, seen, ours } = sets;
  const there = new Map(match.applied.map((one) => [one.id, one]));
  const names = new Set(history.rows.map(({ name }) => name));
  const skipped = new Set(match.skipped);
  const unplaced = new Map((match.unplaced ?? []).map((each) => [each.id, each]));
  const ids = new Set(files.map(({ id }) => id));
  // Where the tool has no row but those that we wrote, it has passed over nothing.
  const areOurs =
    match.missing.length === 0 &&
    match.applied.every(({ id }) => ours.known.has(id) && !ours.adopted.has(id));
  const events = files.flatMap((file): ToolEvent[] => {
    const { id } = file;
    const one = there.get(id);
    const moved = laterTime(file, one, sets);
    if (moved !== null) return [moved];
    if (one !== undefined && isRerunThere(file, one, sets)) return [{ kind: "applied-there", id, one }];
    if (ours.known.has(id)) return ofKnown(file, one, sets);
    const was =
      one === undefined
        ? undefined
        : [...ours.known].find((other) => !ids.has(other) && sharesVersion(file, other));
    if (was !== undefined) return [{ kind: "renamed", id, was }];
    if (one !== undefined) return [ofUnknown(one, sets)];
    const above = unplaced.get(id);
    if (above !== undefined && !ours.takenOut.has(id)) return [{ kind: "unplaced", ...above }];
    return skipped.has(id) && !ours.takenOut.has(id) ? [{ kind: "passed-over", id, ours: areOurs }] : [];
  });
  const gone = [...ours.withoutFile].filter(
    (id) =>
      (seen?.has(id) === true || !(sets.looked ?? seen !== null)) &&
      !names.has(id) &&
      ours.applied.has(id) &&
      !mayBeBelow(id, sets),
  );
  const pending = files.filter(({ id }) => !ours.known.has(id) && !there.has(id));
  const twins = new Set(events.flatMap((event) => (event.kind === "same-name" ? [event.row] : [])));
  const missing = match.missing
    .filter((row) => !ours.known.has(row.name) && !twins.has(row) && !isSettled(row, seen))
    .map((row): ToolEvent => {
      const twin = pending.find((file) => isTwin(file, row));
      if (twin !== undefined) return { kind: "same-name", id: twin.id, row };
      return { kind: "without-file", row, isNew: seen?.has(row.name) !== true };
    });
  return [...events, ...gone.map((id) => ({ kind: "taken-back-there", id }) as const), ...missing];
}

/**
 * The rows of a history in which nothing is of these files, while nothing of ours is applied here either: that of another project, or
 * of files that these have replaced. Empty where a row, our ledger or a person's word says otherwise.
 */
export function rowsOfOthers({ files, match, ours, seen }: Sets): readonly ToolRow[] {
  const versioned = files.filter(({ kind }) => kind !== "repeatable");
  const there = new Set(match.applied.map(({ id }) => id));
  if (versioned.length === 0 || versioned.some(({ id }) => there.has(id) || ours.known.has(id))) return [];
  return match.missing.filter((row) => !ours.known.has(row.name) && !isSettled(row, seen));
}

function ofKnown(file: Migration, one: Applied | undefined, sets: Sets): ToolEvent[] {
  const { id, kind, tool } = file;
  const { seen, ours } = sets;
  const looked = sets.looked ?? seen !== null;
  if (one !== undefined) {
    // It may have been there under the name that the file had before.
    const wasSeen = (subject: string) =>
      subject === id || subject === one.row?.name || sharesVersion(file, subject);
    const isNews =
      looked && seen !== null && one.row !== null && !wasThere(id, seen) && ![...seen].some(wasSeen);
    return isNews && kind !== "repeatable" ? [{ kind: "applied-by-both", id }] : [];
  }
  if (!ours.applied.has(id)) return [];
  const twin = sets.match.missing.find((row) => sharesName(file, row));
  if (twin !== undefined && isSettled(twin, seen)) return [];
  const isMissed = wasThere(id, seen) || (!looked && ours.adopted.has(id));
  if (isMissed && twin !== undefined) return [{ kind: "same-name", id, row: twin, applied: true }];
  if (mayBeBelow(id, sets)) return [];
  if (isMissed) return [{ kind: "taken-back-there", id }];
  if (tool === undefined) return [];
  return [{ kind: looked ? "missing-there" : "unremembered", id }];
}

/**
 * The tool has run the current text, and our ledger has a former one. It does not apply to what we ran ourselves: the
 * tool's row may then be the older one.
 */
function isRerunThere(
  { id, kind, rerun, tool }: Migration,
  { row, edited }: Applied,
  { ours }: Sets,
): boolean {
  if (row === null || row.checksum === null || edited) return false;
  // It runs again when its text changes.
  if (kind === "repeatable" || rerun === true) return ours.older?.has(id) === true;
  return ours.rewritten?.has(id) === true && tool?.checksums.includes(row.checksum) === true;
}

function laterTime({ id }: Migration, one: Applied | undefined, { match, ours }: Sets): ToolEvent | null {
  if (match.rerunThere?.includes(id) !== true) return null;
  if (one?.row != null) return { kind: "later-time", id, row: one.row, rewritten: false };
  const checksum = ours.applied.has(id) ? ours.checksums?.get(id)?.replace(/^sha256:/, "") : undefined;
  const row = match.missing.find((other) => other.checksum !== null && other.checksum === checksum);
  return row === undefined ? null : { kind: "later-time", id, row, rewritten: true };
}

function ofUnknown(one: Applied, sets: Sets): ToolEvent {
  const { id, row, edited, implied } = one;
  const { seen, ours } = sets;
  if (ours.takenOut.has(id) && (seen === null || seen.has(id))) return { kind: "taken-out-here", id, one };
  if (implied !== undefined) {
    const later = implied.inLine ? laterThan(id, sets) : undefined;
    if (row !== null && later !== undefined) return { kind: "uncertain", id, later };
    if (later !== undefined || implied.by.every((subject) => isOld(subject, sets))) {
      const isOurs = implied.by.every((subject) => isOwnWork(subject, sets));
      if (ours.takenOut.has(id)) return { kind: "taken-out-here", id, one };
      if (implied.declared === true && !isOurs) return { kind: "implied-there", id, one };
      return { kind: "passed-over", id, ours: isOurs };
    }
  }
  return edited ? { kind: "edited", id, one } : { kind: "applied-there", id, one };
}

/** It was there when we last looked, or we made it ourselves. It says nothing new. */
function isOld(subject: string, { seen, ours }: Sets): boolean {
  // A number whose file is no longer here. Its revision had that number.
  if (/^\d+$/.test(subject) && [...(seen ?? ours.applied)].some((one) => hasNumber(one, subject)))
    return true;
  return seen?.has(subject) ?? (ours.applied.has(subject) && !ours.adopted.has(subject));
}

/** We applied it, or the revision with that number. */
function isOwnWork(subject: string, { ours }: Sets): boolean {
  const isOurs = (id: string) => ours.known.has(id) && !ours.adopted.has(id);
  return (
    isOurs(subject) ||
    (/^\d+$/.test(subject) && [...ours.known].some((id) => isOurs(id) && hasNumber(id, subject)))
  );
}

function hasNumber(revision: string, number: string): boolean {
  const digits = numberIn(revision);
  return digits !== undefined && withoutZeros(digits) === withoutZeros(number);
}

function numberIn(revision: string): string | undefined {
  return /^\d+(?=[^\d:]|$)/.exec(revision)?.[0];
}

/** The history has been at a later file before. It may have come down to this one without running it. */
function laterThan(id: string, sets: Sets): Later | undefined {
  const ids = sets.files.map((file) => file.id);
  const later = ids
    .slice(ids.indexOf(id) + 1)
    .find((other) => isOld(other, sets) || sets.ours.takenOut.has(other));
  const known = later ?? withoutFileAbove(id, sets);
  return known === undefined ? undefined : { id: known, wasThere: sets.seen?.has(known) === true };
}

/** A revision of ours with a higher number, whose file is gone or has another name by now. */
function withoutFileAbove(id: string, { files, seen, ours }: Sets): string | undefined {
  const own = numberIn(id);
  if (own === undefined) return undefined;
  const ids = new Set(files.map((file) => file.id));
  return [...ours.known, ...ours.takenOut].find((one) => {
    const number = ids.has(one) ? undefined : numberIn(one);
    const counts = seen?.has(one) === true || ours.takenOut.has(one) || !ours.adopted.has(one);
    return number !== undefined && counts && BigInt(number) > BigInt(own);
  });
}

/** Accepts only certain signs, because people use a short description more than once. */
function isTwin(migration: Migration, row: ToolRow): boolean {
  const { tool, checksum } = migration;
  const { fingerprint } = migration;
  if (fingerprint !== null && row.fingerprints?.includes(fingerprint) === true) return true;
  if (sharesName(migration, row) || sharesTimestamp(migration.id, row.name)) return true;
  if ([row.name, ...row.keys].some((name) => isSpelledAs(name, migration.id))) return true;
  if (row.checksum === null) return false;
  return (tool?.checksums ?? []).includes(row.checksum) || checksum === `sha256:${row.checksum}`;
}

function sharesName({ id, file, tool }: Migration, row: ToolRow): boolean {
  const base = file.replace(/^.*\//, "").replace(/\.[^.]+$/, "");
  const { change, name, id: part, author } = tool?.columns ?? {};
  const own = [id, base, tool?.version, change, name, `${part}::${author}`.toLowerCase()];
  return [row.name, ...row.keys, ...(row.aliases ?? [])].some((one) => own.includes(one));
}
