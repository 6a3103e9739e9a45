/** One changeset of formatted SQL: the slice of its file between two directives, and its way back. */
import { tokenize } from "../../core/sql/tokens.ts";

export interface Changeset {
  readonly id: string;
  readonly author: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** The attributes as they are written. */
  readonly written: string;
  /** Offset of the `--changeset` line. 0 if the whole file is one changeset. */
  readonly offset: number;
  /** Offset of the next changeset, or the end of the file. */
  readonly end: number;
  /** The line of the file on which `text` and `rollback` start, from 1. */
  readonly line: number;
  readonly text: string;
  /** The way back, with blanks where the file has something else. `null`: there is none. */
  readonly rollback: string | null;
  /** The lines over which the tool makes its checksum. */
  readonly sql: string;
  readonly validChecksums: readonly string[];
  /** The first precondition, as it is written. */
  readonly precondition: string | null;
}

/** A changeset while its file is read. */
export interface Draft {
  readonly id: string;
  readonly author: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly written: string;
  readonly offset: number;
  readonly from: number;
  end: number;
  readonly line: number;
  readonly sql: string[];
  readonly back: Piece[];
  readonly blank: Piece[];
  readonly valid: string[];
  precondition: string | null;
}

/** A part of the file. */
interface Piece {
  readonly start: number;
  readonly text: string;
}

export function finish(draft: Draft, text: string): Changeset {
  const { id, author, attributes, written, offset, from, end, line, back } = draft;
  const own = text.slice(from, end);
  const body = overwrite(
    own,
    draft.blank.map(({ start, text: piece }) => ({ start: start - from, text: blank(piece) })),
  );
  const said = back.map((piece) => piece.text.trim()).join("\n");
  const refers = /^changeset(?:id|path|author):/i.test(said);
  const nothing = /^(?:empty|not required)/i.test(said.trim());
  const rollback = overwrite(
    blank(own),
    nothing ? [] : back.map(({ start, text: piece }) => ({ start: start - from, text: piece })),
  );
  return {
    ...{
      id,
      author,
      attributes,
      written,
      offset,
      end,
      line,
      precondition: draft.precondition,
      validChecksums: draft.valid,
    },
    text: delimited(body, attributes.get("enddelimiter"), attributes.get("splitstatements") !== "false"),
    rollback:
      back.length === 0 || refers ? null : delimited(rollback, attributes.get("rollbackenddelimiter"), true),
    sql: draft.sql.join("\n"),
  };
}

/** Replaces the delimiter outside of strings by a `;` of the same width. A line with GO is one by default. */
function delimited(text: string, delimiter: string | undefined, split: boolean): string {
  if (delimiter === ";" || (delimiter === undefined && (!split || !/^[ \t]*GO[ \t]*$/im.test(text))))
    return text;
  const pattern = delimiter === undefined ? /^[ \t]*GO[ \t]*$/gim : patternOf(delimiter);
  const literals = tokenize(text).filter(({ kind }) => ["string", "quoted", "dollar"].includes(kind));
  return text.replace(pattern, (match: string, ...rest: unknown[]) => {
    const at = rest.find((part) => typeof part === "number") ?? 0;
    if (match === "" || literals.some(({ start, end }) => at < end && at + match.length > start))
      return match;
    return match.replace(/\S/, ";").replace(/[^\s;]/g, " ");
  });
}

/** Reads a delimiter as the tool does: one character, a word, or otherwise a regular expression. */
function patternOf(delimiter: string): RegExp {
  const escaped = delimiter.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  if (delimiter.length === 1) return new RegExp(escaped, "g");
  if (/^\w+$/.test(delimiter)) return new RegExp(String.raw`\b${delimiter}\b`, "gi");
  try {
    return new RegExp(delimiter, "gim");
  } catch {
    return new RegExp(escaped, "gi");
  }
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

function overwrite(text: string, pieces: readonly Piece[]): string {
  return pieces.reduce(
    (whole, { start, text: piece }) => whole.slice(0, start) + piece + whole.slice(start + piece.length),
    text,
  );
}
