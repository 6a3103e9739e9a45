/** How a short statement is named in a sentence or a table. */
import { nextToken } from "./tokens.ts";

const MOST = 80;

/** On one line, with words in upper case. A literal or a quoted name stays as it is, because it means something else in upper case. */
export function shownStatement(statement: string, most = MOST): string {
  return onOneLine(statement, { most, word: (written) => written.toUpperCase() });
}

/** On one line, without comments, and as its author wrote it. */
export function writtenStatement(statement: string, most = MOST): string {
  const line = onOneLine(statement, { most: most + 1, word: (written) => written });
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function onOneLine(
  statement: string,
  { most, word }: { readonly most: number; readonly word: (written: string) => string },
): string {
  let shown = "";
  let end = 0;
  for (let token = nextToken(statement, 0); token !== null && shown.length <= most; ) {
    const written = statement.slice(token.start, token.end);
    if (shown !== "" && token.start > end) shown += " ";
    shown += token.kind === "word" ? word(written) : written;
    end = token.end;
    token = nextToken(statement, end);
  }
  return shown.slice(0, most);
}
