/**
 * What of a failed step was kept, in words: the one place that says so. It is made from what was committed, and the report,
 * the ledger's log and the text for people all say the same.
 */
import type { Direction } from "../../core/migration.ts";

export type Committed =
  /** Rolled back whole. */
  | { readonly extent: "none" }
  /** These are done and stay; what failed after them was rolled back. */
  | {
      readonly extent: "some";
      readonly done: number;
      /** `null` where the file is not looked at. */
      readonly count: number | null;
      /** Where the first begins that is not done. */
      readonly line: number | undefined;
      /** Where others stand in front of it on that line. */
      readonly column?: number | undefined;
      readonly parts: "statements" | "transactions";
      /** The position of a statement that is half-done, and that nothing but its repetition finishes. */
      readonly halfDone?: number | undefined;
    }
  /** One statement may have committed a part of its work; those before it are done. */
  | { readonly extent: "unknown"; readonly position: number; readonly line: number | undefined }
  /** A module outside a transaction, some of whose statements have succeeded. */
  | { readonly extent: "unknown"; readonly position: null };

export const NOTHING: Committed = { extent: "none" };

export interface Whose {
  readonly revision: string;
  readonly direction: Direction;
  /** The one that ran. */
  readonly file: string;
  /** How to run again, where that takes more than the same command. */
  readonly again?: string | undefined;
}

/** As a sentence without its end. */
export function whatWasKept(committed: Committed, { file }: Whose): string {
  switch (committed.extent) {
    case "none":
      return "It was rolled back; nothing of it was kept";
    case "some": {
      const { done, count, line, parts, halfDone } = committed;
      if (halfDone !== undefined)
        return `Statement ${halfDone} of ${file} is half-done; everything before it is done and stays`;
      const one = done === 1;
      const where = line === undefined ? "" : ` before ${placeIn(committed)}`;
      const what = count === null ? `${done} of the ${parts}` : `${done} of the ${count} ${parts}`;
      return `${what} of ${file}${where} ${one ? "is" : "are"} done and ${one ? "stays" : "stay"}; the rest was rolled back or not started`;
    }
    case "unknown":
      return committed.position === null
        ? "It runs outside a transaction: what its statements have done stays, and how far it got is not known"
        : `Statement ${committed.position} of ${file} commits by itself, so it may have kept a part of its work`;
  }
}

/** What to do about a failure, from which the next run goes on. */
export function howToGoOn(
  committed: Committed,
  { revision, direction, file, again = "run again" }: Whose,
): string {
  switch (committed.extent) {
    case "none":
      return `correct ${file}, then ${again}`;
    case "some":
      if (committed.halfDone !== undefined) return "run again to finish it";
      return committed.line === undefined
        ? "run again to continue after them"
        : `correct ${file} from ${placeIn(committed)} on, then run again to continue there`;
    case "unknown":
      return committed.position === null
        ? byHand(revision, direction)
        : `look at the database; if the statement may run again, corrected or not: godwit repair --retry ${revision}:${committed.position}; if it is complete: godwit repair --mark-done ${revision}:${committed.position}; then run again`;
  }
}

function placeIn({
  line,
  column,
}: {
  readonly line: number | undefined;
  readonly column?: number | undefined;
}) {
  return column === undefined ? `line ${line}` : `line ${line}, column ${column},`;
}

/** What to do after an interruption: nothing is wrong with the file. */
export function howToResume(committed: Committed, whose: Whose): string {
  return committed.extent === "unknown"
    ? sentence(howToGoOn(committed, whose))
    : "Run again: it continues where it stopped.";
}

export function advise(committed: Committed, whose: Whose): string {
  return `${whatWasKept(committed, whose)}: ${howToGoOn(committed, whose)}.`;
}

/** For what is half done and whose extent no ledger knows. Taken back and complete are two things to say about one row. */
export function decideByHand(revision: string, direction: Direction): string {
  return sentence(byHand(revision, direction));
}

function byHand(revision: string, direction: Direction): string {
  return direction === "up"
    ? `look at the database; if it may run again: godwit repair --retry ${revision} (or declare it idempotent: true); if it is complete: godwit repair --mark-done ${revision}; then run again`
    : `look at the database; if it may run again: godwit repair --retry ${revision} (or declare it idempotent: true); if it is reverted: godwit repair --forget ${revision}; then run again`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
