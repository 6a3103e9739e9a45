/**
 * Says in words what of a failed step was kept. No other place does.
 *
 * The words are made from what was committed. The report, the ledger's log and the text for people all use
 * them.
 */
import type { Direction } from "../../core/migration.ts";
import { rowsOf } from "../../std/number.ts";

export type Committed =
  /** Everything was rolled back. */
  | { readonly extent: "none" }
  /** The first statements are done and stay. What failed after them was rolled back. */
  | {
      readonly extent: "some";
      readonly done: number;
      /** `null` if the file was not read. */
      readonly count: number | null;
      /** The line of the first statement that is not done. */
      readonly line: number | undefined;
      /** Its column, if other statements stand before it on that line. */
      readonly column?: number | undefined;
      readonly parts: "statements" | "transactions";
      /** The position of a half-done statement. Only running it again finishes it. */
      readonly halfDone?: number | undefined;
    }
  /** Windows of a backfill are done and stay. */
  | {
      readonly extent: "some";
      readonly parts: "windows";
      /** The rows in them. */
      readonly rows: number;
      readonly table: string;
      /** The last key that is done, for people. */
      readonly upTo: string;
      /** No window is left, only rows that failed or that its condition still selects. */
      readonly through?: boolean | undefined;
    }
  /** One statement may have committed a part of its work. The statements before it are done. */
  | {
      readonly extent: "unknown";
      readonly position: number;
      readonly line: number | undefined;
      /** The next run finds out by the catalog whether it took effect. */
      readonly judged?: boolean | undefined;
    }
  /** Some statements of a module outside a transaction have succeeded. */
  | {
      readonly extent: "unknown";
      readonly position: null;
      /** The module says that it may run again from its beginning. */
      readonly idempotent?: boolean | undefined;
    }
  /** The connection was lost, and the ledger could not be asked. */
  | {
      readonly extent: "unknown";
      readonly position: "unasked";
      /** Whatever took effect, the next run can continue. */
      readonly continues: boolean;
    };

export const NOTHING: Committed = { extent: "none" };
/** What was sent last takes effect together with its row in the ledger, or not at all. */
export const UNASKED: Committed = { extent: "unknown", position: "unasked", continues: true };
/** What was sent last may have committed a part. */
export const UNASKED_OUTSIDE: Committed = { extent: "unknown", position: "unasked", continues: false };
/** An earlier run has begun it, and the ledger has lost how far it came. */
export const UNRECORDED: Committed = { extent: "unknown", position: null };

export interface FailedStep {
  readonly revision: string;
  readonly direction: Direction;
  /** The file that ran. */
  readonly file: string;
  /** How to run again, where the same command is not enough. */
  readonly rerun?: string | undefined;
  /** How to run again, where the same command does something else. */
  readonly again?: string | undefined;
  /** A program of the user's carried it out. */
  readonly program?: boolean | undefined;
  /** It brings old values back, so no text of the file is to be corrected. */
  readonly oldValues?: boolean | undefined;
}

/** A sentence without its full stop. */
export function whatWasKept(committed: Committed, { direction, file, program }: FailedStep): string {
  switch (committed.extent) {
    case "none":
      return "It was rolled back; nothing of it was kept";
    case "some": {
      if (committed.parts === "windows") {
        const { rows, table, upTo, through } = committed;
        const one = rows === 1;
        const state = direction === "down" ? "taken back" : `done and ${one ? "stays" : "stay"}`;
        return `${one ? "One row" : rowsOf(rows)} of ${table} up to ${upTo} ${one ? "is" : "are"} ${state}; ${through === true ? "no window is left" : "the rest was not begun"}`;
      }
      const { done, count, line, parts, halfDone } = committed;
      if (halfDone !== undefined)
        return `Statement ${halfDone} of ${file} is half-done; everything before it is done and stays`;
      const one = done === 1;
      const where = line === undefined ? "" : ` before ${placeIn(committed)}`;
      const what = count === null ? `${done} of the ${parts}` : `${done} of the ${count} ${parts}`;
      return `${what} of ${file}${where} ${one ? "is" : "are"} done and ${one ? "stays" : "stay"}; the rest was rolled back or not started`;
    }
    case "unknown":
      if (committed.position === "unasked")
        return "The connection was lost, and the ledger could not be asked since: whether what was sent last took effect is not known";
      if (committed.position !== null && committed.judged === true)
        return `Statement ${committed.position} of ${file} was begun outside a transaction; whether it took effect is not known`;
      if (committed.position === null && program === true)
        return "The runner works in sessions of its own: what it has committed stays, and how far it got is not known";
      return committed.position === null
        ? "It runs outside a transaction: what its statements have done stays, and how far it got is not known"
        : `Statement ${committed.position} of ${file} commits by itself, so it may have kept a part of its work`;
  }
}

/** What to do about a failure, so that the next run can continue. */
function howToGoOn(
  committed: Committed,
  { revision, direction, file, again = "run again", rerun = again, program, oldValues }: FailedStep,
): string {
  switch (committed.extent) {
    case "none":
      return oldValues === true ? `${rerun} when that is corrected` : `correct ${file}, then ${rerun}`;
    case "some":
      if (committed.parts === "windows")
        return committed.through === true
          ? `${again} when that is corrected`
          : `${again} to continue behind it`;
      if (committed.halfDone !== undefined) return `${again} to finish it`;
      return committed.line === undefined
        ? `${again} to continue after them`
        : `correct ${file} from ${placeIn(committed)} on, then ${again} to continue there`;
    case "unknown":
      if (committed.position === "unasked")
        return committed.continues
          ? `\`godwit status\` shows what is applied; ${rerun}, and it goes on where it stopped`
          : `\`godwit status\` shows what is applied, and what must be decided first; then ${rerun}`;
      if (committed.position !== null && committed.judged === true)
        return `${rerun}: the catalog says whether the statement took effect`;
      if (committed.position === null && committed.idempotent === true)
        return `${rerun}: it is idempotent, and runs from its beginning`;
      return committed.position === null
        ? byHand(revision, direction, { program, again })
        : `look at the database; if the statement may run again, corrected or not: \`godwit repair --retry ${revision}:${committed.position}\`; if it is complete: \`godwit repair --mark-done ${revision}:${committed.position}\`; then ${again}`;
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

/** What to do after an interruption, where nothing is wrong with the file. */
export function howToResume(committed: Committed, step: FailedStep): string {
  return committed.extent === "unknown"
    ? sentence(howToGoOn(committed, step))
    : sentence(`${step.again ?? "run again"}: it continues where it stopped`);
}

export function advise(committed: Committed, step: FailedStep): string {
  return `${whatWasKept(committed, step)}: ${howToGoOn(committed, step)}.`;
}

/** The advice where no ledger knows how much is done. A person decides between "complete" and "taken back". */
export function decideByHand(revision: string, direction: Direction, program = false): string {
  return sentence(byHand(revision, direction, { program }));
}

function byHand(
  revision: string,
  direction: Direction,
  {
    program = false,
    again = "run again",
  }: { readonly program?: boolean | undefined; readonly again?: string },
): string {
  const declare = program ? "" : " (or declare it idempotent: true)";
  return direction === "up"
    ? `look at the database; if it may run again: \`godwit repair --retry ${revision}\`${declare}; if it is complete: \`godwit repair --mark-done ${revision}\`; then ${again}`
    : `look at the database; if it may run again: \`godwit repair --retry ${revision}\`${declare}; if it is reverted: \`godwit repair --forget ${revision}\`; then ${again}`;
}

function sentence(text: string): string {
  if (text.startsWith("`")) return `${text}.`;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
