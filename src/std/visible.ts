/** Names that others chose, made safe to show: a file may be called anything, also something that moves the cursor. */

const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Controls as `\u001b`; line ends and tabs too, because a name is shown on one line. */
export function visible(name: string): string {
  return name.replace(CONTROLS, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
}

/** Words of others within lines of ours: no control, and what follows their line ends cannot be taken for one of our lines. */
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
