/** JSON from files that people write. Error messages never quote the file, because it may contain a password. */

export interface JsonFault {
  /** From 1, in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** What would be accepted at this place. */
  readonly expected: string;
}

export type ParsedJson = { readonly value: unknown } | { readonly fault: JsonFault };

/** Never throws. */
export function parseJson(text: string): ParsedJson {
  const plain = text.replace(/^\uFEFF/, "");
  try {
    return { value: JSON.parse(plain) };
  } catch {
    const { offset, expected } = findFault(plain);
    const before = plain.slice(0, offset);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    return { fault: { line, column: offset - lineStart + 1, expected } };
  }
}

interface Fault {
  readonly offset: number;
  readonly expected: string;
}

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
const SPACE = /[ \t\r\n]*/y;

/** `no JSON (a comma or } is expected in line 3, column 5)` */
export function describeFault({ line, column, expected }: JsonFault): string {
  return `no JSON (${expected} is expected in line ${line}, column ${column})`;
}

/** The engine's own message quotes the text around the fault and does not always give the position. */
function findFault(text: string): Fault {
  const open: ("{" | "[")[] = [];
  let at = 0;
  let expects: "value" | "first name" | "name" | "first item" | "after" = "value";
  const matches = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const skipString = (): boolean => {
    const end = text.charAt(at) === '"' ? endOfString(text, at) : -1;
    if (end !== -1) at = end;
    return end !== -1;
  };
  for (;;) {
    matches(SPACE);
    const next = text.charAt(at);
    const inside = open.at(-1);
    if (expects === "after") {
      if (inside === undefined) return { offset: at, expected: "the end of the file" };
      if (next === ",") expects = inside === "{" ? "name" : "value";
      else if (next === CLOSING[inside]) open.pop();
      else return { offset: at, expected: `a comma or ${CLOSING[inside]}` };
      at++;
    } else if (expects === "first name" || expects === "name") {
      if (expects === "first name" && next === "}") {
        open.pop();
        expects = "after";
        at++;
        continue;
      }
      if (!skipString()) return { offset: at, expected: "a name in double quotes" };
      matches(SPACE);
      if (text.charAt(at) !== ":") return { offset: at, expected: "a colon" };
      at++;
      expects = "value";
    } else if (expects === "first item" && next === "]") {
      open.pop();
      expects = "after";
      at++;
    } else if (next === "{" || next === "[") {
      open.push(next);
      expects = next === "{" ? "first name" : "first item";
      at++;
    } else if (skipString() || matches(SCALAR)) expects = "after";
    else return { offset: at, expected: next === '"' ? "a text that ends on its line" : "a value" };
  }
}

/** -1 if the string is not closed, or holds a character that must be escaped. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return at + 1;
    if (character < " ") return -1;
    if (character !== "\\") continue;
    const sequence = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6));
    if (sequence === null) return -1;
    at += sequence[0].length;
  }
  return -1;
}

const CLOSING = { "{": "}", "[": "]" } as const;
