/**
 * The three sets that `compare.ts` compares: our files and ledger, the tool's history now, and what of it was remembered at
 * the last look. Also what is to be remembered of this look.
 */
import type { Migration } from "../core/migration.ts";
import type { Applied, Match, ToolHistory, ToolRow } from "./tool.ts";

export interface Sets {
  /** In the plan's order. */
  readonly files: readonly Migration[];
  /** The tool's history now, and the files that its rows refer to. */
  readonly history: ToolHistory;
  readonly match: Match;
  /** What was there when we last looked or wrote, by `subjectsOf`. `null` if we never looked. */
  readonly seen: ReadonlySet<string> | null;
  /**
   * Whether `seen` is complete. Only then does absence from it mean that something was not there. The default is true if
   * there is a `seen`.
   */
  readonly looked?: boolean;
  readonly ours: Ours;
}

/** Revisions of our ledger. */
export interface Ours {
  /** Applied, or begun. */
  readonly known: ReadonlySet<string>;
  /** Applied by now, whether adopted from this tool or not. Repeatables are not included. */
  readonly applied: ReadonlySet<string>;
  /** The known revisions that were adopted from this tool. */
  readonly adopted: ReadonlySet<string>;
  /** The adopted revisions that never had a file: programs of the tool, named after their rows. */
  readonly withoutFile: ReadonlySet<string>;
  /** The adopted revisions whose files have a different text by now. Nobody has run that text here. */
  readonly older?: ReadonlySet<string>;
  /** Those of them that differ in more than comments and white space. */
  readonly rewritten?: ReadonlySet<string>;
  /** The checksums of the texts that count as applied, by revision. */
  readonly checksums?: ReadonlyMap<string, string>;
  /** Revisions that were known and were deliberately removed: reverted, or forgotten by a person. */
  readonly takenOut: ReadonlySet<string>;
}

/** The names under which a look is remembered: revisions, and rows that speak of no file. */
function subjectsOf({ match, history, seen, ours }: Sets): readonly string[] {
  const rows = new Set(match.applied.map(({ row }) => row));
  const others = history.rows.filter((row) => !rows.has(row)).map(({ name }) => name);
  // What we ran ourselves, and what a later row only implies, was not applied by the tool.
  const isTheirs = ({ id, row }: Applied) =>
    row !== null || !ours.known.has(id) || ours.adopted.has(id) || wasThere(id, seen);
  return [...match.applied.filter(isTheirs).map(({ id }) => id), ...others];
}

/**
 * What to remember after a look. A revision of ours without a file here cannot be looked for, so it stays: an older
 * release forgets nothing.
 */
export function remembered(sets: Sets): ReadonlySet<string> {
  const { files, seen, ours, history } = sets;
  const findable = new Set([
    ...files.map(({ id }) => id),
    ...ours.withoutFile,
    ...history.rows.map(({ name }) => name),
  ]);
  const unseen = [...(seen ?? [])].filter((subject) => {
    const id = subject.startsWith(HIDDEN) ? subject.slice(HIDDEN.length) : subject;
    return ours.known.has(id) && !findable.has(id);
  });
  const settled = history.rows.map(settledSubject).filter((subject) => seen?.has(subject) === true);
  const there = new Set(sets.match.applied.map(({ id }) => id));
  const hidden = files.flatMap(({ id }) =>
    ours.applied.has(id) && !there.has(id) && wasThere(id, seen) && mayBeBelow(id, sets)
      ? [hiddenSubject(id)]
      : [],
  );
  return new Set([...subjectsOf(sets), ...unseen, ...settled, ...hidden]);
}

/** Remembers that it was there, and that only a row of which nobody here knows what it implies may still say so. */
export function hiddenSubject(id: string): string {
  return `${HIDDEN}${id}`;
}

const HIDDEN = "hidden:";

/** Whether a remembered name is that of a row, or of a revision that a row implies. */
export function isOfRow(subject: string): boolean {
  return subject !== "" && !/^(hidden|settled|untold):/.test(subject);
}

export function wasThere(id: string, seen: Sets["seen"]): boolean {
  return seen?.has(id) === true || seen?.has(hiddenSubject(id)) === true;
}

/**
 * Whether it may be applied there although no row says so, because nobody here knows what one of the rows implies. A row
 * that was beside it at the last look does not imply it.
 */
export function mayBeBelow(id: string, { files, match: { open = [], upTo }, seen, ours }: Sets): boolean {
  if (upTo !== undefined && ours.withoutFile.has(id)) return /^\d+$/.test(id) && BigInt(id) <= upTo;
  const isOfLastLook = (subject: string) => seen?.has(subject) ?? ours.adopted.has(subject);
  const wasRow =
    isOfLastLook(id) &&
    !files.some((one) => isOfLastLook(one.id) && [...(one.revises ?? []), ...one.depends].includes(id));
  return open.some((subject) => !wasRow || !isOfLastLook(subject));
}

/** Remembers that a person has matched a row without a file to the file of its name. The row's ids no longer matter. */
export function settledSubject({ name, keys }: ToolRow): string {
  return `${SETTLED}${JSON.stringify([name, ...keys])}`;
}

const SETTLED = "settled:";

export function isSettled(row: ToolRow, seen: Sets["seen"]): boolean {
  return seen?.has(settledSubject(row)) === true;
}
