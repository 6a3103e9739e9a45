/**
 * Literals whose meaning depends on when the server reads them. While `standard_conforming_strings` is off, a backslash
 * escapes in a plain literal. The server reads a whole message before a `SET` inside it takes effect.
 */
import { fold, nextToken } from "./tokens.ts";

/** The first plain literal with a backslash (UTF-16 offset) after a `SET` that turns the setting off, or `null`. */
export function ambiguousBackslash(text: string): number | null {
  if (!/standard_conforming_strings/i.test(text)) return null;
  let off = false;
  let expecting = false;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    if (expecting && !/^(?:=|to)$/i.test(written)) {
      off = OFF.test(written);
      expecting = false;
    } else if (token.kind === "word" && fold(written) === "standard_conforming_strings") expecting = true;
    else if (off && written.startsWith("'") && written.includes("\\")) return token.start;
  }
  return null;
}

const OFF = /^'?(?:off|of|false|f|no|n|0)'?$/i;
