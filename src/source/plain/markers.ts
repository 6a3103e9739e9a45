/**
 * Finds lines that look like a section marker of some tool: `-- migrate down`, `-- DOWN`, `-- @UNDO`, `# --- !Downs`.
 *
 * If the sections of a file are not recognised, the file runs as a whole, including its way back. The tables are created
 * and dropped, and the run reports success. A marker that does not count is therefore refused before anything runs.
 * `marker-words.ts` reads one comment; here the position decides. Prose ("-- set up", "-- down the line", a
 * commented-out rollback) is not a marker.
 */
import type { Direction } from "../../core/migration.ts";
import { type Comment, type Commented, commentsOf } from "../comments.ts";
import { firstStatement } from "../header.ts";
import { type Reading, readComment } from "./marker-words.ts";

export interface Marker extends Reading {
  readonly start: number;
  readonly end: number;
  /** Only white space precedes it on its line. */
  readonly ownLine: boolean;
  /** The line as written. */
  readonly line: string;
}

/** `-- godwit: sections=none` in the header says that the file has no sections, whatever its comments look like. */
export function declaresNoSections(text: string): boolean {
  if (!text.includes("sections=none")) return false;
  const header = text.slice(0, firstStatement(text));
  return /^[ \t]*--[ \t]*godwit[ \t]*:(?:[^\n]*[ \t])?sections=none[ \t]*$/im.test(header);
}

/** Everything that looks like a marker, outside literals, in order. The work is linear in the length of the text. */
export function markersIn(text: string): readonly Marker[] {
  return COMMENT.test(text) ? markersAmong(text, commentsOf(text)) : [];
}

const COMMENT = /--|\/\*|#/;

function markersAmong(text: string, { comments }: Commented): readonly Marker[] {
  return comments.flatMap((comment) => {
    const reading = readComment(comment);
    if (reading === null || !isPlaced(comment, reading)) return [];
    const line = text.slice(comment.start, comment.end).trim();
    const { start, end, ownLine } = comment;
    return [{ ...reading, start, end, ownLine, line }];
  });
}

/** A remark must have a line of its own. A direction alone is also a marker after a statement, on that statement's line. */
function isPlaced({ ownLine, between }: Comment, { strength }: Reading): boolean {
  return strength === "written" || (between && (ownLine || strength === "bare"));
}

/**
 * The first marker that makes a text do more than its own direction. It has the other direction, and a statement below
 * it or before it on its line. `null` if the whole text has one direction.
 */
export function oppositeMarker(
  text: string,
  { direction, counterpart }: { direction: Direction; counterpart: boolean },
): Marker | null {
  if (!COMMENT.test(text) || declaresNoSections(text)) return null;
  const commented = commentsOf(text);
  const markers = markersAmong(text, commented);
  const own = markers.filter((marker) => marker.direction === direction);
  const hasOwn = counterpart || own.some(({ strength }) => strength !== "mirrored");
  const mirrored = new Set(own.filter(({ strength }) => strength === "mirrored").map(({ remark }) => remark));
  const first = firstStatement(text);
  return markers.find(mixesIn) ?? null;

  function mixesIn(marker: Marker): boolean {
    if (marker.direction === direction) return false;
    // After the last statement, a marker applies to nothing.
    if (commented.lastToken < marker.end && (marker.ownLine || commented.lastToken < 0)) return false;
    if (marker.strength === "written") return true;
    const isHeader = marker.end <= first;
    if (marker.strength === "bare") return !introducesComment(text, marker, isHeader);
    if (isHeader) return false;
    if (marker.strength === "mirrored") return mirrored.has(marker.remark);
    if (hasOwn || marker.strength === "loose") return hasOwn;
    return !(isCommentedOut(text, marker) || introducesComment(text, marker, false));
  }
}

/** `-- Rollback: drop table t;`: the remark itself is the way back, unless the statement below says the same. */
function isCommentedOut(text: string, { remark, end }: Marker): boolean {
  const isSql = SQL.test(remark) || remark.endsWith(";");
  if (!isSql) return false;
  const below = firstStatement(text, end);
  const [first, second] = [remark, text.slice(below, below + LONGEST)].map((sql) =>
    sql.toLowerCase().split(/\s+/, 2).join(" "),
  );
  return first !== second;
}

const SQL =
  /^(?:(?:drop|alter|create)\s+(?:table|index|view|type|function|schema|column|sequence|trigger|policy|extension|materialized|constraint)|delete\s+from|truncate|update\s+\S+\s+set|insert\s+into)\b/i;
const LONGEST = 200;

/**
 * The heading of commented-out SQL below it, as in `-- Rollback:` and `--   drop table t;`. Before the first statement,
 * a plain remark below is enough: there it describes the file.
 */
function introducesComment(text: string, { end, line }: Marker, isHeader: boolean): boolean {
  const below: string[] = [];
  for (let at = end + 1; at < text.length && below.length < LONGEST; ) {
    const next = text.indexOf("\n", at);
    const stop = next === -1 ? text.length : next;
    const said = /^[ \t]*--(.*)$/.exec(text.slice(at, Math.min(stop, at + LONGEST)))?.[1];
    if (said === undefined) break;
    if (/\w/.test(said)) below.push(said);
    at = stop + 1;
  }
  const isExact = /\b(?:down|up)s?\b/i.test(line);
  const hasSql = below.some((said) => /;\s*$/.test(said));
  return isHeader ? hasSql || (!isExact && below.length > 0) : hasSql && !isExact;
}
