/**
 * What has happened between our ledger and another tool's history since we last looked at it. Three sets are compared: what
 * our ledger says, what the tool's history says now, and what it said then. Every difference has a name, and
 * `DECISIONS` says what becomes of each.
 */
import type { Migration } from "../core/migration.ts";
import { withoutZeros } from "./match.ts";
import type { Applied, Match, ToolHistory, ToolRow } from "./tool.ts";

export interface Sets {
  /** In the order of the plan. */
  readonly files: readonly Migration[];
  /** The tool's history now, and which files its rows speak of. */
  readonly history: ToolHistory;
  readonly match: Match;
  /** What was there when we last looked or wrote, by `subjectsOf`. `null`: we never looked. */
  readonly seen: ReadonlySet<string> | null;
  /** Whether `seen` is all that was there. Only then what is not in it was not there; left out: it is where there is one. */
  readonly looked?: boolean;
  readonly ours: Ours;
}

/** Revisions of our ledger. */
export interface Ours {
  /** Applied, or begun. */
  readonly known: ReadonlySet<string>;
  /** Applied by now, taken over from this tool or not; repeatables are not among them. */
  readonly applied: ReadonlySet<string>;
  /** Of the known, those that were taken over from this tool. */
  readonly adopted: ReadonlySet<string>;
  /** Of the adopted, those that never had a file: programs of the tool, under the names of their rows. */
  readonly withoutFile: ReadonlySet<string>;
  /** Of the adopted, those whose files have another text by now; nobody has run them here. */
  readonly older?: ReadonlySet<string>;
  /** Once known, and taken out on purpose since: taken back, or forgotten by a person. */
  readonly takenOut: ReadonlySet<string>;
}

export type ToolEvent =
  /** The tool has applied it, and we know nothing of it. */
  | { readonly kind: "applied-there"; readonly id: string; readonly one: Applied }
  /** The same, with another text than the file has. */
  | { readonly kind: "edited"; readonly id: string; readonly one: Applied }
  /** It counts as applied for the tool because of a later one, and nothing says that it ever ran. */
  | { readonly kind: "passed-over"; readonly id: string }
  /** The tool's number stands on it, and we know a later one: it ran, or the number came down to it. */
  | { readonly kind: "uncertain"; readonly id: string; readonly later: Later }
  /** It was in the tool's history, is applied for us, and is not in the tool's history any more. */
  | { readonly kind: "taken-back-there"; readonly id: string }
  /** Applied by us, and never in the tool's history. */
  | { readonly kind: "untold"; readonly id: string }
  /** Applied by us and not there, and nothing says whether it ever was. */
  | { readonly kind: "unremembered"; readonly id: string }
  /** Applied by us, and since then by the tool too. */
  | { readonly kind: "applied-by-both"; readonly id: string }
  /** Taken out of our ledger on purpose; the tool's row stayed. */
  | { readonly kind: "taken-out-here"; readonly id: string; readonly one: Applied }
  /** The tool has applied what has no file here. */
  | { readonly kind: "without-file"; readonly row: ToolRow; readonly isNew: boolean }
  /**
   * A row without a file and a file without a row that share a name, an id or a text. `applied`: for us it is, and what is
   * the same is the name; its row was there under what the file says now.
   */
  | { readonly kind: "same-name"; readonly id: string; readonly row: ToolRow; readonly applied?: true }
  /** Its version is that of a revision of ours, and so is the tool's row: renamed, or another file in its place. */
  | { readonly kind: "renamed"; readonly id: string; readonly was: string };

/** What says that the number may have come down. */
export interface Later {
  readonly id: string;
  /** In the tool's history the last time; else only our ledger says that it is applied, or that it was. */
  readonly wasThere: boolean;
}

export type ToolEventKind = ToolEvent["kind"];

/** What a revision is called says its version too: the digits in front, which some write with dashes. */
export function sharesVersion({ id, kind, tool }: Migration, other: string): boolean {
  const version = tool?.version ?? versionIn(id);
  if (id === other || kind === "repeatable" || version === undefined) return false;
  const isIn = (name: string) => {
    const one = versionIn(name);
    return one !== undefined && (one === version || withoutZeros(one) === withoutZeros(version));
  };
  return isIn(id) && isIn(other);
}

function versionIn(name: string): string | undefined {
  // Flyway's prefix; its versions have dots, or underscores in their place.
  const [, flyway] = /^[A-Z](\d+(?:[._]\d+)*)__/i.exec(name) ?? [];
  if (flyway !== undefined) return flyway.replaceAll("_", ".");
  return /^\d[\d-]*/.exec(name)?.[0].replaceAll("-", "");
}

/**
 * - `take`: it becomes known to our ledger
 * - `tell`: its row is written into the tool's history
 * - `ask`: refused until a person has decided, with `godwit adopt` (ADOPT_NEEDED)
 * - `refuse`: refused, with the ways out (ADOPT_TAKEN_BACK, ADOPT_CONFLICT)
 * - `warn`: said, and nothing else
 * - `leave`: nothing, and the plan decides
 */
export type Decision = "take" | "tell" | "ask" | "refuse" | "warn" | "leave";

export interface Situation {
  /** Nothing of ours was ever done in this database. */
  readonly first: boolean;
  /** The tool's history is written by us as well. */
  readonly mirrored: boolean;
}

/** For each event: the first look, and every later one; where the history is kept in step, and where it is not. */
export const DECISIONS: Readonly<Record<ToolEventKind, { readonly first: Pair; readonly later: Pair }>> = {
  "applied-there": { first: { mirrored: "take", not: "ask" }, later: { mirrored: "take", not: "ask" } },
  edited: { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "take", not: "ask" } },
  "passed-over": { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "warn", not: "warn" } },
  uncertain: { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
  "taken-back-there": {
    first: { mirrored: "refuse", not: "refuse" },
    later: { mirrored: "refuse", not: "refuse" },
  },
  untold: { first: { mirrored: "tell", not: "leave" }, later: { mirrored: "tell", not: "leave" } },
  unremembered: { first: { mirrored: "refuse", not: "leave" }, later: { mirrored: "refuse", not: "leave" } },
  "applied-by-both": { first: { mirrored: "warn", not: "warn" }, later: { mirrored: "warn", not: "warn" } },
  "taken-out-here": {
    first: { mirrored: "leave", not: "leave" },
    later: { mirrored: "leave", not: "leave" },
  },
  "without-file": { first: { mirrored: "ask", not: "ask" }, later: { mirrored: "warn", not: "warn" } },
  "same-name": { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
  renamed: { first: { mirrored: "refuse", not: "refuse" }, later: { mirrored: "refuse", not: "refuse" } },
};

interface Pair {
  readonly mirrored: Decision;
  readonly not: Decision;
}

export function decisionOf(event: ToolEvent, { first, mirrored }: Situation): Decision {
  const { [first ? "first" : "later"]: pair } = DECISIONS[event.kind];
  return pair[mirrored ? "mirrored" : "not"];
}

/** All differences, in the order of the files, then of the rows. */
export function compare(sets: Sets): readonly ToolEvent[] {
  const { files, history, match, seen, ours } = sets;
  const there = new Map(match.applied.map((one) => [one.id, one]));
  const names = new Set(history.rows.map(({ name }) => name));
  const skipped = new Set(match.skipped);
  const events = files.flatMap((file): ToolEvent[] => {
    const { id } = file;
    const one = there.get(id);
    if (one !== undefined && isRerunThere(file, one, sets)) return [{ kind: "applied-there", id, one }];
    if (ours.known.has(id)) return ofKnown(file, one, sets);
    const was = one === undefined ? undefined : [...ours.known].find((other) => sharesVersion(file, other));
    if (was !== undefined) return [{ kind: "renamed", id, was }];
    if (one !== undefined) return [ofUnknown(one, sets)];
    return skipped.has(id) && !ours.takenOut.has(id) ? [{ kind: "passed-over", id }] : [];
  });
  const gone = [...ours.withoutFile].filter(
    (id) =>
      (seen?.has(id) === true || !(sets.looked ?? seen !== null)) && !names.has(id) && ours.applied.has(id),
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

/** The names under which a look is remembered: revisions, and rows that speak of no file. */
export function subjectsOf({ match, history }: Pick<Sets, "match" | "history">): readonly string[] {
  const rows = new Set(match.applied.map(({ row }) => row));
  const others = history.rows.filter((row) => !rows.has(row)).map(({ name }) => name);
  return [...match.applied.map(({ id }) => id), ...others];
}

/**
 * What is to be remembered after a look. A revision of ours whose file is not here can't be looked for, so that an older
 * release forgets nothing.
 */
export function remembered(sets: Sets): ReadonlySet<string> {
  const { files, seen, ours, history } = sets;
  const findable = new Set([
    ...files.map(({ id }) => id),
    ...ours.withoutFile,
    ...history.rows.map(({ name }) => name),
  ]);
  const unseen = [...(seen ?? [])].filter((subject) => ours.known.has(subject) && !findable.has(subject));
  const settled = history.rows.map(settledSubject).filter((subject) => seen?.has(subject) === true);
  return new Set([...subjectsOf(sets), ...unseen, ...settled]);
}

/** Remembered of a row without a file where a person has said that it is the file of its name: its ids may be what they are. */
export function settledSubject({ name, keys }: ToolRow): string {
  return `${SETTLED}${JSON.stringify([name, ...keys])}`;
}

const SETTLED = "settled:";

export function isSettled(row: ToolRow, seen: Sets["seen"]): boolean {
  return seen?.has(settledSubject(row)) === true;
}

function ofKnown(file: Migration, one: Applied | undefined, sets: Sets): ToolEvent[] {
  const { id, kind, tool } = file;
  const { seen, ours } = sets;
  const looked = sets.looked ?? seen !== null;
  if (one !== undefined) {
    // It may have been there under the name that the file had before.
    const wasSeen = (subject: string) =>
      subject === id || subject === one.row?.name || sharesVersion(file, subject);
    const isNews = looked && seen !== null && one.row !== null && ![...seen].some(wasSeen);
    return isNews && !ours.adopted.has(id) && kind !== "repeatable" ? [{ kind: "applied-by-both", id }] : [];
  }
  if (!ours.applied.has(id)) return [];
  const twin = sets.match.missing.find((row) => sharesName(file, row));
  if (twin !== undefined && isSettled(twin, seen)) return [];
  const wasThere = seen?.has(id) === true || (!looked && ours.adopted.has(id));
  if (wasThere && twin !== undefined) return [{ kind: "same-name", id, row: twin, applied: true }];
  if (wasThere) return [{ kind: "taken-back-there", id }];
  if (tool === undefined) return [];
  return [{ kind: looked ? "untold" : "unremembered", id }];
}

/**
 * It runs again when its text changed, and the tool has run it as it stands now. What we have run ourselves is not meant: then
 * the tool's row may be the older one.
 */
function isRerunThere({ id, kind, rerun }: Migration, { row, edited }: Applied, { ours }: Sets): boolean {
  const again = kind === "repeatable" || rerun === true;
  return again && ours.older?.has(id) === true && row !== null && row.checksum !== null && !edited;
}

function ofUnknown(one: Applied, sets: Sets): ToolEvent {
  const { id, row, edited, implied } = one;
  const { seen, ours } = sets;
  if (ours.takenOut.has(id) && (seen === null || seen.has(id))) return { kind: "taken-out-here", id, one };
  if (implied !== undefined) {
    const later = implied.inLine ? laterThan(id, sets) : undefined;
    if (row !== null && later !== undefined) return { kind: "uncertain", id, later };
    if (later !== undefined || implied.by.every((subject) => isOld(subject, sets)))
      return { kind: "passed-over", id };
  }
  return edited ? { kind: "edited", id, one } : { kind: "applied-there", id, one };
}

/** It was there when we last looked, or is of our own making: then it says nothing new. */
function isOld(subject: string, { seen, ours }: Sets): boolean {
  // A number whose file is not here any more: its revision had that number.
  if (/^\d+$/.test(subject) && [...(seen ?? ours.applied)].some((one) => hasNumber(one, subject)))
    return true;
  return seen?.has(subject) ?? (ours.applied.has(subject) && !ours.adopted.has(subject));
}

function hasNumber(revision: string, number: string): boolean {
  const digits = /^\d+(?=[^\d:]|$)/.exec(revision)?.[0];
  return digits !== undefined && withoutZeros(digits) === withoutZeros(number);
}

/** The history has been at a later file before: it may have come here from above, without running this one. */
function laterThan(id: string, sets: Sets): Later | undefined {
  const ids = sets.files.map((file) => file.id);
  const later = ids
    .slice(ids.indexOf(id) + 1)
    .find((other) => isOld(other, sets) || sets.ours.takenOut.has(other));
  return later === undefined ? undefined : { id: later, wasThere: sets.seen?.has(later) === true };
}

/** Sure signs only: people use short descriptions more than once. */
function isTwin(migration: Migration, row: ToolRow): boolean {
  const { tool, checksum } = migration;
  if (sharesName(migration, row)) return true;
  if (row.checksum === null) return false;
  return (tool?.checksums ?? []).includes(row.checksum) || checksum === `sha256:${row.checksum}`;
}

function sharesName({ id, file, tool }: Migration, row: ToolRow): boolean {
  const base = file.replace(/^.*\//, "").replace(/\.[^.]+$/, "");
  const { change, name, id: part, author } = tool?.columns ?? {};
  const own = [id, base, tool?.version, change, name, `${part}::${author}`.toLowerCase()];
  return [row.name, ...row.keys, ...(row.aliases ?? [])].some((one) => own.includes(one));
}
