/** Makes names that others chose safe to show. A file name may hold any character, even one that moves the cursor. */

const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Writes control characters as `\u001b`, and also line ends and tabs, because a name is shown on one line. */
export function visible(name: string): string {
  return name.replace(CONTROLS, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}

/**
 * Makes other programs' text safe to show within our lines. It holds no control characters, and each further line is
 * marked, so that you cannot mistake it for one of ours.
 */
export function visibleWithin(text: string): string {
  return visibleLines(text.replace(/\r\n/g, "\n").replace(/\n$/, "")).replaceAll("\n", "\n  | ");
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((part) => (part === "\n" || part === "\t" ? part : visible(part)))
    .join("");
}
