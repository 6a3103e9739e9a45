/**
 * The texts that stand in the quotes of TypeScript or JavaScript. Enough of its lexer to tell them from comments and
 * regular expressions. It is linear, and never throws. Pure.
 */
export interface QuotedText {
  /** An expression in a template is a parameter, `$1`. */
  readonly text: string;
  /** The offset in the file of each character of `text`. */
  readonly offsets: readonly number[];
}

export function quotedTexts(code: string): readonly QuotedText[] {
  const found: QuotedText[] = [];
  /** Where `}` goes on with the template that its `${` interrupted; `null` for the braces of code. */
  const braces: ({ text: string; offsets: number[] } | null)[] = [];
  let at = 0;
  /** Behind a value a slash divides. Elsewhere it begins a regular expression. */
  let afterValue = false;

  const template = (open: { text: string; offsets: number[] }): void => {
    while (at < code.length) {
      const char = code[at] as string;
      if (char === "`") {
        at++;
        found.push(open);
        return;
      }
      if (char === "$" && code[at + 1] === "{") {
        open.text += "$1";
        open.offsets.push(at, at);
        at += 2;
        braces.push(open);
        return;
      }
      if (char === "\\") at++;
      open.text += code[at] ?? "";
      open.offsets.push(at++);
    }
  };

  while (at < code.length) {
    const char = code[at] as string;
    const next = code[at + 1];
    if (char === "/" && next === "/") {
      at = endOf(code, "\n", at);
    } else if (char === "/" && next === "*") {
      at = endOf(code, "*/", at + 2) + 2;
    } else if (char === "`") {
      at++;
      template({ text: "", offsets: [] });
      afterValue = true;
    } else if (char === '"' || char === "'") {
      const one: { text: string; offsets: number[] } = { text: "", offsets: [] };
      for (at++; at < code.length && code[at] !== char && code[at] !== "\n"; at++) {
        if (code[at] === "\\") at++;
        one.text += code[at] ?? "";
        one.offsets.push(at);
      }
      at++;
      found.push(one);
      afterValue = true;
    } else if (char === "/" && !afterValue) {
      let inClass = false;
      for (at++; at < code.length && code[at] !== "\n" && (inClass || code[at] !== "/"); at++) {
        if (code[at] === "\\") at++;
        else if (code[at] === "[") inClass = true;
        else if (code[at] === "]") inClass = false;
      }
      at++;
      afterValue = true;
    } else if (char === "{") {
      braces.push(null);
      at++;
      afterValue = false;
    } else if (char === "}") {
      at++;
      const open = braces.pop();
      if (open != null) template(open);
      afterValue = open != null;
    } else if (WORD.test(char)) {
      const start = at;
      while (at < code.length && WORD.test(code[at] as string)) at++;
      afterValue = !BEFORE_VALUE.has(code.slice(start, at));
    } else {
      if (!/\s/.test(char)) afterValue = char === ")" || char === "]";
      at++;
    }
  }
  return found;
}

const WORD = /[\w$\u0080-\uffff]/;
const BEFORE_VALUE = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "await",
  "yield",
]);

function endOf(code: string, end: string, from: number): number {
  const found = code.indexOf(end, from);
  return found === -1 ? code.length : found;
}
