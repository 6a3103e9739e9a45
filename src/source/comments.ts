/** The comments of an SQL text, as the lexer sees them: what looks like one inside a literal is text. */
import { nextToken } from "../core/sql/tokens.ts";

export interface Comment {
  readonly start: number;
  /** Behind its last character; the line break is not part of a line comment. */
  readonly end: number;
  /** What it says, without `--`, `#` or the marks of a block comment. */
  readonly says: string;
  /** Nothing but white space stands in front of it on its line. */
  readonly ownLine: boolean;
  /** No statement is open where it stands. */
  readonly between: boolean;
  /** It looks like a comment to the author only: PostgreSQL has no `#` comments. */
  readonly hash: boolean;
}

export interface Commented {
  readonly comments: readonly Comment[];
  /** Where the last token starts that is no semicolon; -1 for a text that does nothing. */
  readonly lastToken: number;
}

/** Linear in the length of the text. */
export function commentsOf(text: string): Commented {
  const comments: Comment[] = [];
  let at = 0;
  let between = true;
  let lastToken = -1;
  for (;;) {
    const token = nextToken(text, at);
    const gapEnd = token?.start ?? text.length;
    at = readGap(text, { from: at, to: gapEnd, between, comments });
    if (token === null) return { comments, lastToken };
    if (between && text.charAt(token.start) === "#" && isOwnLine(text, token.start)) {
      at = lineEnd(text, token.start);
      const says = text.slice(token.start + 1, at);
      comments.push({ start: token.start, end: at, says, ownLine: true, between, hash: true });
      continue;
    }
    between = text.slice(token.start, token.end) === ";";
    if (!between) lastToken = token.start;
    at = token.end;
  }
}

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly between: boolean;
  readonly comments: Comment[];
}

/** Between two tokens there is only white space and comments. */
function readGap(text: string, { from, to, between, comments }: Gap): number {
  let at = from;
  while (at < to) {
    const isLine = text.startsWith("--", at);
    if (!isLine && !text.startsWith("/*", at)) {
      at++;
      continue;
    }
    const end = Math.min(to, isLine ? lineEnd(text, at) : blockEnd(text, at, to));
    const says = isLine ? text.slice(at + 2, end) : text.slice(at + 2, end - 2);
    comments.push({ start: at, end, says, ownLine: isOwnLine(text, at), between, hash: false });
    at = end;
  }
  return to;
}

/** Nothing but white space stands in front of an offset on its line. */
export function isOwnLine(text: string, offset: number): boolean {
  let at = offset - 1;
  while (at >= 0 && text[at] !== "\n" && /\s|\ufeff/.test(text.charAt(at))) at--;
  return at < 0 || text[at] === "\n";
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** Block comments nest. */
function blockEnd(text: string, start: number, limit: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null && mark.index < limit; mark = marks.exec(text)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return limit;
}
