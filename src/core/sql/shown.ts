/** How a short statement is named in a sentence. */
import { nextToken } from "./tokens.ts";

/** On one line, with words in upper case. A literal or a quoted name stays as it is, because it means something else in upper case. */
export function shownStatement(statement: string, most = 80): string {
  let shown = "";
  let end = 0;
  for (let token = nextToken(statement, 0); token !== null && shown.length <= most; ) {
    const written = statement.slice(token.start, token.end);
    if (shown !== "" && token.start > end) shown += " ";
    shown += token.kind === "word" ? written.toUpperCase() : written;
    end = token.end;
    token = nextToken(statement, end);
  }
  return shown.slice(0, most);
}
