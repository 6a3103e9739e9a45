/** PostgreSQL's text of an array, read and written. */

/** What stands in front of an array whose subscripts do not begin at 1, such as `[0:2]`; goes along unseen. */
const BOUNDS: unique symbol = Symbol.for("godwit.bounds") as never;

type Bounded = unknown[] & { [BOUNDS]?: string };

/** `{1,NULL,"a b"}` as an array, of any depth; `read` is asked for every element that is not NULL. */
export function parseArray(text: string, read: (text: string) => unknown): unknown[] {
  const open = text.indexOf("{");
  const header = text.slice(0, Math.max(0, open - 1));
  let at = open;
  const parse = (): unknown[] => {
    const values: unknown[] = [];
    at++;
    while (text[at] !== "}") {
      if (at >= text.length)
        throw new Error(`The server's text of an array has no end: ${text.slice(0, 80)}`);
      if (text[at] === ",") at++;
      else if (text[at] === "{") values.push(parse());
      else if (text[at] === '"') values.push(read(quoted()));
      else {
        const start = at;
        while (text[at] !== "," && text[at] !== "}") at++;
        const bare = text.slice(start, at);
        values.push(bare === "NULL" ? null : read(bare));
      }
    }
    at++;
    return values;
  };
  const quoted = (): string => {
    let value = "";
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
      value += text[at];
    }
    at++;
    return value;
  };
  const array = parse();
  if (header !== "") Object.defineProperty(array, BOUNDS, { value: header });
  return array;
}

/** The same way back; `write` gives the text of an element, which is quoted here. */
export function writeArray(
  values: readonly unknown[],
  write: (value: unknown, path: readonly number[]) => string | null,
): string {
  const levels = (list: readonly unknown[], path: readonly number[]): string => {
    const parts = Array.from(list, (value, index) => {
      const here = [...path, index];
      if (Array.isArray(value)) return levels(value, here);
      const text = write(value, here);
      return text === null ? "NULL" : `"${text.replace(/["\\]/g, "\\$&")}"`;
    });
    return `{${parts.join(",")}}`;
  };
  const header = (values as Bounded)[BOUNDS];
  return `${header !== undefined && fits(header, values) ? `${header}=` : ""}${levels(values, [])}`;
}

/** The array may have been changed since it was read. */
function fits(header: string, values: readonly unknown[]): boolean {
  let level: unknown = values;
  for (const [, from, to] of header.matchAll(/\[(-?\d+):(-?\d+)\]/g)) {
    if (!Array.isArray(level) || level.length !== Number(to) - Number(from) + 1) return false;
    level = level[0];
  }
  return !Array.isArray(level);
}
