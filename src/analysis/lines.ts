/** Where an offset of a text is in its file. Many positions are asked of one text, so its lines are found once. */
import { codePointOffset, locate } from "../std/text.ts";

export interface Position {
  readonly line: number;
  readonly column: number;
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
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const index = (offset: number) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const lineText = (line: number) => {
    const start = starts[line] ?? text.length;
    return text.slice(start, (starts[line + 1] ?? text.length + 1) - 1);
  };
  return {
    at(offset) {
      const line = index(offset);
      const whole = lineText(line);
      const column = codePointOffset(whole, offset - (starts[line] ?? 0));
      return locate(whole, column + 1, { firstLine: firstLine + line });
    },
    lineOf: (offset) => firstLine + index(offset),
    offsetOf: (line, byte) => (starts[line] ?? text.length) + utf16OfByte(lineText(line), byte),
  };
}

/** The UTF-16 offset of a byte of the UTF-8 text. */
export function utf16OfByte(text: string, byte: number): number {
  let bytes = 0;
  let at = 0;
  while (at < text.length && bytes < byte) {
    const point = text.codePointAt(at) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
}
