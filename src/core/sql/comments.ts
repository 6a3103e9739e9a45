/** Comments are not stored by the server, so they must not make a statement fail. */
import { nextToken } from "./tokens.ts";

/**
 * Replaces each non-ASCII character of a comment by `?`. The server converts a statement as a whole. A comment would
 * fail in a database whose encoding lacks the character. Offsets in characters stay the same.
 */
export function asciiComments(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text;
  const parts: string[] = [];
  let done = 0;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    parts.push(blanked(text.slice(done, token.start)), text.slice(token.start, token.end));
    done = token.end;
  }
  parts.push(blanked(text.slice(done)));
  return parts.join("");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
const BEYOND_ASCII = /[^\x00-\x7f]/;

function blanked(gap: string): string {
  return gap.replace(new RegExp(BEYOND_ASCII, "gu"), "?");
}
