/** Reads the options of a statement, as in `REINDEX (VERBOSE, CONCURRENTLY)`. Takes what stands in the parentheses. */
import { accept, acceptSymbol, type Cursor, peek } from "./cursor.ts";

export function hasOption(options: string, name: string): boolean {
  return optionValues(options, name).length > 0;
}

/** The last value counts. An option without a value is on. */
export function isSwitchedOn(options: string, name: string): boolean {
  const value = optionValues(options, name).at(-1);
  return value !== undefined && !/^'?(?:false|off|0)'?$/i.test(value);
}

function optionValues(options: string, name: string): readonly string[] {
  const values: string[] = [];
  const cursor: Cursor = { text: options, at: 0 };
  for (let token = peek(cursor); token !== null; token = peek(cursor)) {
    const named = accept(cursor, name);
    if (!named) cursor.at = token.end;
    const start = cursor.at;
    let end = start;
    for (let part = peek(cursor); part !== null && options[part.start] !== ","; part = peek(cursor)) {
      cursor.at = part.end;
      end = part.end;
    }
    if (named) values.push(options.slice(start, end).trim());
    acceptSymbol(cursor, ",");
  }
  return values;
}
