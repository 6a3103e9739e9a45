/** Where the comments at the head of an SQL text end. */

/**
 * Offset of the first character that is neither white space, a comment nor a lone semicolon; the length
 * of the text when there is none, that is, when the text does nothing.
 */
export function firstStatement(text: string, from = 0): number {
  let at = from;
  while (at < text.length) {
    if (text.startsWith("--", at)) {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end + 1;
    } else if (text.startsWith("/*", at)) at = endOfBlockComment(text, at);
    else if (text[at] === ";" || /\s/.test(text.charAt(at))) at++;
    else return at;
  }
  return text.length;
}

/** Whether a text is empty or has only comments. */
export function doesNothing(text: string): boolean {
  return firstStatement(text) === text.length;
}

/** PostgreSQL's block comments nest; one that never ends reaches to the end of the text. */
function endOfBlockComment(text: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}
