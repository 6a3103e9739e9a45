/**
 * What a statement says in its own words: the texts of its `RAISE` and `ASSERT`, and the values that it hands to the
 * server. An error that user code raises mixes both, and only the words may be shown if the statement is about secrets.
 */
import { contentOf, DEEPEST } from "./about-secrets.ts";
import { identifierText, literalValue, uescaped } from "./literals.ts";
import { fold, nextToken } from "./tokens.ts";

/** Words of the author in order. `null` is a value between them. */
export type Template = readonly (string | null)[];

export interface Sayings {
  readonly templates: readonly Template[];
  /** The values of literals and numbers outside of the templates. At most `MOST_VALUES`. */
  readonly values: ReadonlySet<string>;
  /** All names, as the server stores them. */
  readonly names: ReadonlySet<string>;
}

/** Looking for more values in a message would take longer than anybody waits. */
export const MOST_VALUES = 10_000;

/** Reads one statement, with the bodies and the statements in it. */
export function sayingsOf(statement: string): Sayings {
  const found = { templates: [] as Template[], values: new Set<string>(), names: new Set<string>() };
  read(statement, 0, found);
  return found;
}

/** What was said, with `***` in place of each value. `null`: it does not come from this template. */
export function fillIn(template: Template, said: string): string | null {
  let shown = "";
  let at = 0;
  let hole = false;
  const end = template.length - 1;
  const capture = (to: number) => {
    if (hole && to > at) shown += HIDDEN;
  };
  for (const [index, part] of template.entries()) {
    if (part === null) {
      hole = true;
      continue;
    }
    const found = !hole ? at : index === end ? said.length - part.length : said.indexOf(part, at);
    if (found < at || !said.startsWith(part, found)) return null;
    capture(found);
    shown += part;
    at = found + part.length;
    hole = false;
  }
  if (!hole && at < said.length) return null;
  capture(said.length);
  return shown;
}

/** How many characters of a template are the author's. Of several that fit, the one with the most is meant. */
export function wordiness(template: Template): number {
  return template.reduce((sum, part) => sum + (part?.length ?? 0), 0);
}

const HIDDEN = "***";
const LEVELS: ReadonlySet<string> = new Set(["debug", "log", "info", "notice", "warning", "exception"]);

interface RaisedTexts {
  readonly templates: Template[];
  readonly values: Set<string>;
  readonly names: Set<string>;
}

function read(text: string, depth: number, found: RaisedTexts): void {
  /** Where a `RAISE` or an `ASSERT` is read. */
  let state: "outside" | "format" | "arguments" | "option" | "expression" | "condition" = "outside";
  let parts: (string | null)[] = [];
  let open = 0;
  const finish = () => {
    if (state === "expression" && parts.length > 0) found.templates.push(parts);
    parts = [];
  };
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    const word = token.kind === "word" ? fold(written) : "";
    if (token.kind === "word") found.names.add(word);
    if (token.kind === "quoted") found.names.add(identifierText(uescaped(text, token)));
    if (token.kind === "string" || token.kind === "dollar") {
      const value = literalValue(uescaped(text, token));
      const { start, end } = contentOf(token, written);
      if (state === "format") {
        found.templates.push(piecesOf(value, /%(%)?/g));
        state = "arguments";
        continue;
      }
      if (state === "expression" && isProse(value)) {
        parts.push(...piecesOf(value, /%(?:\d+\$)?-?\d*(?:[sIL]|(%))/g));
        continue;
      }
      if (depth < DEEPEST && /\s/.test(value))
        read(token.kind === "dollar" ? written.slice(start, end) : value, depth + 1, found);
      keep(value, found);
    }
    if (token.kind === "number") keep(written, found);
    if (word === "raise" || word === "assert") {
      finish();
      state = word === "raise" ? "format" : "condition";
      open = 0;
    } else if (state === "outside") continue;
    else if (written === ";") {
      finish();
      state = "outside";
    } else if (written === "(" || written === ")") {
      open += written === "(" ? 1 : -1;
      if (state === "expression") parts.push(null);
    } else if (state === "condition") {
      if (written === "," && open === 0) state = "expression";
    } else if (word === "using") {
      finish();
      state = "option";
    } else if (state === "format") state = LEVELS.has(word) ? "format" : state;
    else if (state === "option") {
      if (written === "=" || written === ":=") state = "expression";
    } else if (state === "expression") {
      if (written === "," && open === 0) {
        finish();
        state = "option";
      } else if (written !== "||") parts.push(null);
    }
  }
  finish();
}

/** A text with placeholders, cut at these. `escaped` of a match: it stands for itself. */
function piecesOf(format: string, placeholder: RegExp): (string | null)[] {
  const pieces: (string | null)[] = [];
  let words = "";
  let last = 0;
  for (const match of format.matchAll(placeholder)) {
    words += format.slice(last, match.index);
    last = match.index + match[0].length;
    if (match[1] !== undefined) words += match[1];
    else {
      pieces.push(words, null);
      words = "";
    }
  }
  return [...pieces, words + format.slice(last)];
}

/** A literal of one word may be the value itself. */
function isProse(value: string): boolean {
  return /\s/.test(value) || value.length < 4;
}

function keep(value: string, { values }: RaisedTexts): void {
  if (values.size < MOST_VALUES && value.trim() !== "" && value.length <= LONGEST_VALUE) values.add(value);
}

/** In characters. The server does not repeat longer ones whole. */
const LONGEST_VALUE = 10_000;
