/** Where an offset of a text is in its file. Many positions are asked of one text, so its lines are found once. */
import { hideSecrets, secretsOf } from "../core/sql/secrets.ts";
import { codePointOffset, locate } from "../std/text.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
  /** The line without its secrets, and a caret below it. */
  readonly excerpt: string;
}

export interface Lines {
  /** Of a UTF-16 offset. */
  at(offset: number): Position;
  /** The number of the line of an offset, in the file. */
  lineOf(offset: number): number;
  /** The UTF-16 offset of a line of the text, from 0, and a byte in it. */
  offsetOf(line: number, byte: number): number;
}

/** `firstLine`: the line of the file on which the text starts. */
export function linesOf(text: string, firstLine: number): Lines {
  const index = indexOf(text);
  let shown: ReturnType<typeof hidden> | undefined;
  return {
    at(offset) {
      const line = index.lineOf(offset);
      const column = codePointOffset(index.lineText(line), offset - index.startOf(line)) + 1;
      shown ??= hidden(text, index);
      const whole = shown.index.lineText(line);
      const caret = codePointOffset(whole, shown.moved(offset) - shown.index.startOf(line)) + 1;
      const { excerpt } = locate(whole, caret, { firstLine: firstLine + line });
      return { line: firstLine + line, column, excerpt };
    },
    lineOf: (offset) => firstLine + index.lineOf(offset),
    offsetOf: (line, byte) => index.startOf(line) + utf16OfByte(index.lineText(line), byte),
  };
}

interface Index {
  lineOf(offset: number): number;
  startOf(line: number): number;
  lineText(line: number): string;
}

function indexOf(text: string): Index {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const startOf = (line: number) => starts[line] ?? text.length;
  return {
    startOf,
    lineOf(offset) {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (startOf(middle) <= offset) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    lineText: (line) => text.slice(startOf(line), (starts[line + 1] ?? text.length + 1) - 1),
  };
}

/** The same lines without passwords and keys. */
function hidden(text: string, index: Index): { index: Index; moved: (offset: number) => number } {
  const secrets = secretsOf(text);
  if (secrets.length === 0) return { index, moved: (offset) => offset };
  const shown = hideSecrets(text, secrets);
  return { index: indexOf(shown.text), moved: shown.moved };
}

/** The UTF-16 offset of a byte of the UTF-8 text. */
function utf16OfByte(text: string, byte: number): number {
  let bytes = 0;
  let at = 0;
  while (at < text.length && bytes < byte) {
    const point = text.codePointAt(at) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
}
