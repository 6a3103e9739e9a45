/** Positions in a text, for people. Lines end with `\n` or `\r\n`. */

export interface Location {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters (code points). */
  readonly column: number;
  /** The line with its number in front, and a caret below the position. */
  readonly excerpt: string;
}

/**
 * Finds a position that PostgreSQL reports: an offset in characters, from 1, of the text that was sent. Offsets outside
 * the text are moved to its nearest end. `firstLine` is the line of the file on which the text starts.
 *
 * @example locate("select emial\nfrom users", 8) // { line: 1, column: 8, excerpt: "  1 | select …" }
 */
export function locate(text: string, offset: number, options: { firstLine?: number } = {}): Location {
  const at = utf16Offset(text, Math.max(0, offset - 1));
  const start = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  const lineBreak = text.indexOf("\n", at);
  const whole = text.slice(start, lineBreak === -1 ? text.length : lineBreak).replace(/\r$/, "");
  const line = countLineBreaks(text, start) + (options.firstLine ?? 1);
  const column = codePointOffset(text.slice(start, at), at - start) + 1;
  return { line, column, excerpt: excerptOf(whole, at - start, line) };
}

/** How many characters (code points) come before a UTF-16 offset. Inside a surrogate pair, the pair does not count. */
export function codePointOffset(text: string, utf16: number): number {
  let points = 0;
  for (let at = 0; at < utf16 && at < text.length; points++) {
    at += isPair(text, at) ? 2 : 1;
    if (at > utf16) break;
  }
  return points;
}

/** The UTF-16 offset after this many characters (code points), at most the length of the text. */
export function utf16Offset(text: string, codePoints: number): number {
  let at = 0;
  for (let points = 0; points < codePoints && at < text.length; points++) at += isPair(text, at) ? 2 : 1;
  return at;
}

const CHARACTERS_BEFORE = 60;
const CHARACTERS_AFTER = 40;
const TAB = "\t";

/** A line may be a whole file of many MB. Only as much of it is read as can be shown. */
function excerptOf(whole: string, at: number, line: number): string {
  const caretAt = Math.min(at, whole.length);
  const start = pairStart(whole, Math.max(0, caretAt - 2 * CHARACTERS_BEFORE - 8));
  const characters = [...whole.slice(start, caretAt + 2 * CHARACTERS_AFTER + 8)];
  const caret = codePointOffset(whole.slice(start, caretAt), caretAt - start);
  const from = caret > CHARACTERS_BEFORE + 1 ? caret - CHARACTERS_BEFORE : 0;
  const to = characters.length > caret + CHARACTERS_AFTER + 1 ? caret + CHARACTERS_AFTER : characters.length;
  const before = `${from > 0 ? "…" : ""}${characters.slice(from, caret).join("")}`.replace(CONTROL, "\ufffd");
  const after = `${characters.slice(caret, to).join("")}${to < characters.length ? "…" : ""}`;
  const number = String(line).padStart(3);
  return [
    `${number} | ${before}${after.replace(CONTROL, "\ufffd")}`,
    `${" ".repeat(number.length)} | ${[...before].map(blankFor).join("")}^`,
  ].join("\n");
}

/** A terminal would act on these characters. */
const CONTROL = /(?!\t)\p{Cc}/gu;
const WITHOUT_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u;

/** White space as wide as the character is in a terminal. A tab stays a tab. */
function blankFor(character: string): string {
  if (character === TAB) return TAB;
  if (WITHOUT_WIDTH.test(character)) return "";
  return WIDE.test(character) ? "  " : " ";
}

function countLineBreaks(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** The start of the surrogate pair if the offset would split one. */
function pairStart(text: string, at: number): number {
  return at > 0 && isPair(text, at - 1) ? at - 1 : at;
}

function isPair(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (next & 0xfc00) === 0xdc00;
}
