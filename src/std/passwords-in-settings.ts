/** Passwords behind their name: `password=…`, `"password": "…"`, `token=…`, and `PASSWORD '…'` of SQL. */
import { finder, HIDDEN, isSpace, LEAST_LENGTH } from "./hidden.ts";

/** Looks for the names of secrets and hides the value behind each. */
export function hideSettings(text: string): string {
  const find = finder(text);
  const shown: string[] = [];
  let copied = 0;
  const keyword =
    /pass(?:word|wd|phrase)(?!\w)|(?:secret|token|(?:api|access|private|signing|encryption|secret)[_-]?key|authorization|(?<![a-z])pwd)(?!\w)/gi;
  for (let found = keyword.exec(text); found !== null; found = keyword.exec(text)) {
    const [name] = found;
    const from = keyword.lastIndex;
    const value =
      keyValues(text, from, find) ??
      (/^pass/i.test(name) ? valueBehind(text, from, find) : null) ??
      assignedBehind(text, from);
    if (value === null) continue;
    shown.push(text.slice(copied, value.start), value.instead);
    copied = value.end;
    keyword.lastIndex = value.end;
  }
  return shown.length === 0 ? text : shown.join("") + text.slice(copied);
}

interface Value {
  readonly start: number;
  readonly end: number;
  readonly instead: string;
}

function valueBehind(text: string, from: number, find: ReturnType<typeof finder>): Value | null {
  const closed = from + quoteAt(text, from).length;
  let at = skipSpaces(text, closed);
  const sign = text.charAt(at);
  if (sign === "=" || sign === ":") {
    at = skipSpaces(text, at + 1);
    // A connection string of libpq has single quotes.
    if (sign === "=" && text.charAt(at) === "'")
      return { start: at, end: quotedEnd(text, at), instead: HIDDEN };
    const quote = quoteAt(text, at);
    if (quote !== "") return { start: at + quote.length, end: contentEnd(text, at, quote), instead: HIDDEN };
    if (sign === ":") return null;
    let end = at;
    while (end < text.length && !/[\s&'"]/.test(text.charAt(end))) end++;
    return end === at ? null : { start: at, end, instead: HIDDEN };
  }
  if (closed !== from) return null;
  at = skipComments(text, from, find);
  const literal = at === from ? null : sqlLiteral(text, at);
  // A literal that is hidden already stays as it is, so a caret below it keeps its place.
  return literal !== null && HIDDEN_LITERAL.test(text.slice(literal.start, literal.end)) ? null : literal;
}

const HIDDEN_LITERAL = /^(?:(?:[en]|u&)?'{1,2}|"|\$[^$*]*\$)\*\*\*(?:'{1,2}|"|\$[^$*]*\$)$/i;

/** `Key (email, password)=(…) already exists`: the server names the row that is in the way, in any language. */
function keyValues(text: string, from: number, find: ReturnType<typeof finder>): Value | null {
  const between = /^[^=\r\n]{0,120}?\)=\(/.exec(text.slice(from, from + 130));
  if (between === null) return null;
  const start = from + between[0].length;
  let end = text.lastIndexOf(")", find.lineEnd(start));
  if (end < start) end = text.indexOf(")", start);
  return { start, end: end === -1 ? text.length : end, instead: HIDDEN };
}

/**
 * `token=…`, `secret: "…"`: one word that is not prose. Between bare words a colon or "is" belongs to a sentence, unless
 * the word has a digit.
 */
function assignedBehind(text: string, from: number): Value | null {
  const [sign = "", quote = ""] =
    /^\\?["'`]?(?:=|[ \t]{0,8}[:=][ \t]{0,8}(?=\\?["'`])|:[ \t]{0,8}|[ \t]{1,8}is[ \t]{1,8})(\\?["'`])?/.exec(
      text.slice(from, from + 24),
    ) ?? [];
  if (sign === "") return null;
  const start = from + sign.length;
  let end = start;
  while (end < text.length && !/[\s&'"`\\,;<>(){}[\]]/.test(text.charAt(end))) end++;
  // `Bearer …` is a scheme, and the secret is the word behind it.
  const isQuoted = quote !== "" && text.startsWith(quote, end);
  if (
    end - start < LEAST_LENGTH ||
    /^(?:bearer|basic|token)$/i.test(text.slice(start, Math.min(end, start + 7)))
  )
    return null;
  if (!isQuoted && /:|is/.test(sign) && !/\d/.test(text.slice(start, end))) return null;
  return { start, end, instead: HIDDEN };
}

/** The quote at this offset. It may be escaped, as in JSON inside of JSON. */
function quoteAt(text: string, at: number): string {
  return /^\\?["'`]/.exec(text.slice(at, at + 2))?.[0] ?? "";
}

function contentEnd(text: string, open: number, quote: string): number {
  if (quote.length === 2) {
    const close = text.indexOf(quote, open + 2);
    return close === -1 ? text.length : close;
  }
  const end = closing(text, open);
  return end - 1 > open && text.charAt(end - 1) === quote ? end - 1 : end;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

/** Skips white space and up to eight comments. Without that limit a text of comments would be read again and again. */
function skipComments(text: string, from: number, find: ReturnType<typeof finder>): number {
  let at = skipSpaces(text, from);
  for (let count = 0; count < 8; count++) {
    if (text.startsWith("/*", at)) at = Math.min(text.length, find.commentEnd(at + 2) + 2);
    else if (text.startsWith("--", at)) at = find.lineEnd(at);
    else break;
    at = skipSpaces(text, at);
  }
  return at;
}

/** `'…'`, `E'…'`, `U&'…'`, `$tag$…$tag$`. The end of the text may cut it off. */
function sqlLiteral(text: string, at: number): Value | null {
  const head = text.slice(at, at + 80);
  const quoted = /^(?:[en]|u&)?'/i.exec(head);
  if (quoted !== null) {
    const open = at + quoted[0].length - 1;
    // It is inside of another literal.
    if (isDoubled(text, open)) return { start: at, end: quotedEnd(text, open), instead: "'***'" };
    return {
      start: at,
      end: closing(text, open, { doubles: true, escapes: /^e/i.test(head) }),
      instead: "'***'",
    };
  }
  // The author meant a literal, and the server reads a name.
  if (head.startsWith('"')) {
    const end = closing(text, at, { doubles: true, escapes: false });
    return end - at > LEAST_LENGTH ? { start: at, end, instead: '"***"' } : null;
  }
  const tag = /^\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/i.exec(head)?.[0];
  if (tag === undefined) return null;
  const close = text.indexOf(tag, at + tag.length);
  return { start: at, end: close === -1 ? text.length : close + tag.length, instead: "'***'" };
}

/** The end of `'…'` of libpq, which is `''…''` inside of an SQL literal. */
function quotedEnd(text: string, open: number): number {
  if (!isDoubled(text, open)) return closing(text, open);
  const close = text.indexOf("''", open + 2);
  return close === -1 ? text.length : close + 2;
}

function isDoubled(text: string, open: number): boolean {
  return text.charAt(open + 1) === "'" && !/^[\s,;)&']?$/.test(text.charAt(open + 2));
}

/** The offset behind the closing quote, or the end of the text. */
function closing(
  text: string,
  open: number,
  { doubles = false, escapes = true }: { doubles?: boolean; escapes?: boolean } = {},
): number {
  const quote = text.charAt(open);
  for (let at = open + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\" && escapes) at++;
    else if (character === quote) {
      if (!doubles || text.charAt(at + 1) !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}
