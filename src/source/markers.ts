/**
 * Lines that look like a section marker of some tool: `-- migrate down`, `-- DOWN`, `-- @UNDO`, `# --- !Downs`.
 *
 * A file whose sections are not recognised runs as a whole, its way back included: the tables are made and dropped, and
 * the run reports success. So a marker that does not count is refused before anything runs. What people write as prose
 * ("-- set up", "-- down the line", a commented-out rollback) is no marker: the whole line has to be one.
 *
 *   written   only a tool writes it so: its name, or a sign such as `@`, `+`, `!` in front of the direction
 *   bare      the line is the direction and nothing else: `-- DOWN`, `-- ==== Rollback ====`
 *   loose     the direction with a remark: `-- down: drop the users`; counts beside an opposite marker only
 */
import type { Direction } from "../core/migration.ts";
import { nearest } from "../std/nearest.ts";
import { type Comment, commentsOf } from "./comments.ts";
import { firstStatement } from "./header.ts";

export interface Marker {
  readonly direction: Direction;
  readonly strength: "written" | "bare" | "loose";
  readonly start: number;
  readonly end: number;
  /** The line as it stands there. */
  readonly line: string;
}

/** `-- godwit: sections=none` in the header: the file has no sections, whatever its comments look like. */
export function declaresNoSections(text: string): boolean {
  if (!text.includes("sections=none")) return false;
  const header = text.slice(0, firstStatement(text));
  return /^[ \t]*--[ \t]*godwit[ \t]*:(?:[^\n]*[ \t])?sections=none[ \t]*$/im.test(header);
}

/** Whatever looks like a marker, outside of literals, in order. Linear in the length of the text. */
export function markersIn(text: string): readonly Marker[] {
  return DIRECTION_WORD.test(text) ? markersAmong(text, commentsOf(text).comments) : [];
}

function markersAmong(text: string, comments: readonly Comment[]): readonly Marker[] {
  return comments.flatMap((comment) => {
    const read = readMarker(comment);
    if (read === null || (read.strength !== "written" && !(comment.ownLine && comment.between))) return [];
    const line = text.slice(comment.start, comment.end).trim();
    return [{ ...read, start: comment.start, end: comment.end, line }];
  });
}

/**
 * The first marker that makes a text do more than its own direction: one of the other direction with a statement
 * behind it. `null` where all of it means one thing.
 */
export function oppositeMarker(
  text: string,
  { direction, counterpart }: { direction: Direction; counterpart: boolean },
): Marker | null {
  if (!DIRECTION_WORD.test(text) || declaresNoSections(text)) return null;
  const { comments, lastToken } = commentsOf(text);
  const markers = markersAmong(text, comments);
  const first = firstStatement(text);
  return (
    markers.find((marker) => {
      if (marker.direction === direction) return false;
      if (lastToken < marker.end) return false;
      if (marker.strength === "written") return true;
      const isHeader = marker.end <= first;
      if (marker.strength === "loose")
        return !isHeader && (counterpart || markers.some((other) => other.direction === direction));
      return !introducesComment(text, marker, isHeader);
    }) ?? null
  );
}

/** What a tool is told by; as it is written, or with a typo in it. */
const TOOLS = ["migrate", "goose", "micrate", "rambler", "migrondi", "dbmate", "sqlx", "dbdeploy", "godwit"];
const UP_WORDS = ["up", "ups", "upgrade", "forward", "forwards", "apply", "do"];
const DOWN_WORDS = [
  ...["down", "downs", "undo", "rollback", "revert", "reverse", "downgrade", "backward", "backwards"],
  ...["unapply"],
];
const DIRECTION_WORD = new RegExp(
  String.raw`\b(?:${[...UP_WORDS, ...DOWN_WORDS].join("|")}|roll[ _-]?back|dwon|donw|dow|dowm)\b|migrat\w{0,6}[ \t]{0,9}:|[+]goose|drop below`,
  "i",
);
/** Words beside the direction that leave the line a marker. */
const FILLERS = new Set([
  ...["migration", "migrations", "sql", "script", "section", "part", "block", "begin", "start", "end", "of"],
  ...["transaction", "notransaction", "true", "false", "direction", "statements"],
]);
/** Longer comments are prose, whatever they begin with. */
const LONGEST = 200;

type Read = Pick<Marker, "direction" | "strength">;

function readMarker({ says, hash }: Comment): Read | null {
  if (!DIRECTION_WORD.test(says)) return null;
  const text = says.slice(0, LONGEST).normalize("NFKC").toLowerCase();
  const written = readWritten(text);
  if (written !== null) return { direction: written, strength: "written" };
  if (says.length > LONGEST) return null;
  const words = text.replace(/roll[ _-]back/g, "rollback").match(/[\p{L}\p{N}]+/gu) ?? [];
  const rest = words.filter((word) => !FILLERS.has(word) && !/^\d+$/.test(word));
  const tools = rest.filter((word) => TOOLS.includes(word));
  const directions = new Set(rest.filter((word) => !TOOLS.includes(word)));
  const [word = ""] = directions;
  const direction = directionOf(word);
  if (direction !== null && directions.size === 1) {
    const signed = new RegExp(String.raw`[+@!%$&~^\[<{/\\]\s*${word}\b`).test(text);
    return { direction, strength: tools.length > 0 || signed || hash ? "written" : "bare" };
  }
  const remark = /^[\s\-=*#]*(up|down|rollback|undo)\b(?:\s*(?::|-|\(|\u2013|\u2014)|\s+migration\b)/.exec(
    text,
  );
  const loose = directionOf(remark?.[1] ?? "");
  return loose === null ? null : { direction: loose, strength: "loose" };
}

/** Signs that no prose has: `migrate:down`, `+goose Down`, `//@UNDO`, `create above / drop below`. */
function readWritten(text: string): Direction | null {
  if (/^[\s-]*create above\s*\/\s*drop below\b/.test(text)) return "down";
  const annotated = /^[\s\-*#/]*\+\s*(goose|migrate|micrate|duck)\s*:?\s+([a-z]+)/.exec(text);
  if (annotated !== null) return ANNOTATIONS.has(annotated[2] ?? "") ? null : meantBy(annotated[2] ?? "");
  const [, tool = "", word = ""] = /^[\s\-*#/!@+]*([a-z]{3,12})\s*[:=]{1,2}\s*([a-z]+)\b/.exec(text) ?? [];
  if (
    tool === "" ||
    !(TOOLS.includes(tool) || nearest(tool, ["migrate", "migration", "goose"]) !== undefined)
  )
    return tool === "migration" ? directionOf(word) : null;
  return TOOLS.includes(tool) ? meantBy(word) : directionOf(word);
}

const ANNOTATIONS = new Set(["statementbegin", "statementend", "no", "envsub", "notransaction"]);

function directionOf(word: string): Direction | null {
  return UP_WORDS.includes(word) ? "up" : DOWN_WORDS.includes(word) ? "down" : null;
}

/** With a typo in it, too. */
function meantBy(word: string): Direction | null {
  const exact = directionOf(word);
  if (exact !== null || word.length < 3) return exact;
  return directionOf(nearest(word, ["down", "rollback", "undo", "revert"]) ?? "");
}

/**
 * A heading of what is commented out below it, as in `-- Rollback:` and `--   drop table t;`. In front of the first
 * statement a plain remark below is enough: there it describes the file.
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
