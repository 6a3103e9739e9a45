/** libpq's other notation: `host=localhost dbname='my app' password=it\'s`. */
import { invalid } from "./url.ts";

export function parseConninfo(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  const pair = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?=\s|$)/sy;
  const end = text.trimEnd().length;
  while (pair.lastIndex < end) {
    const start = pair.lastIndex;
    const found = pair.exec(text);
    if (!found) {
      throw invalid(
        `The connection string cannot be read from character ${start + 1} on: it is neither a URL nor a list of key=value.`,
        "Quote a value that holds spaces: password='two words'; inside quotes write \\' and \\\\.",
      );
    }
    const [, keyword = "", quoted, bare = ""] = found;
    settings.set(keyword, (quoted ?? bare).replace(/\\(.)/gs, "$1"));
  }
  return settings;
}
