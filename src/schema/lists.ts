/**
 * PostgreSQL writes a list of texts in two ways. `a in ('x', 'y')` of a varchar column is first a cast of the whole array. Read again,
 * as every dump and every diff does, it is an array of casts, and stays that. Pure.
 */

const START = "(ARRAY[";
/** One value with its type, and the comma behind it. */
const ITEM = /(E?'(?:[^']|'')*'::[a-z ]+(?:\(\d+\))?)(, )?/y;
const END = /\]\)::([a-z ]+(?:\(\d+\))?)\[\]/y;

/** The second way for the first: `(ARRAY['x'::a, …])::b[]` becomes `ARRAY[('x'::a)::b, …]`. */
export function asReadAgain(text: string): string {
  let result = "";
  let done = 0;
  for (let at = text.indexOf(START); at !== -1; at = text.indexOf(START, at + 1)) {
    const items: string[] = [];
    let place = at + START.length;
    for (let item = matched(ITEM, text, place); item !== null; item = matched(ITEM, text, place)) {
      items.push(item[1] ?? "");
      place += item[0].length;
    }
    const end = matched(END, text, place);
    if (end === null || items.length === 0 || at < done) continue;
    result += `${text.slice(done, at)}ARRAY[${items.map((item) => `(${item})::${end[1]}`).join(", ")}]`;
    done = place + end[0].length;
  }
  return result + text.slice(done);
}

function matched(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
