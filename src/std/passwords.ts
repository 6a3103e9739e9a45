/**
 * Finds passwords in a text of unknown origin: in URLs, in `user:password@host`, in `password=…` and in `PASSWORD '…'`.
 * It also finds tokens in `token=…` and in `Authorization: Bearer …`.
 * The text may be of any length and may be hostile. Every loop therefore moves forward, and the work is linear in the
 * length. A password may hold any character, so nobody can parse such a text exactly. When in doubt, more is hidden than
 * needed.
 */

/** The text with `***` in place of everything that looks like a password. Applying it twice changes nothing. */
export function hidePasswords(text: string): string {
  return hideSchemes(hideSettings(hideRows(hideCredentials(hideInUrls(text)))));
}

/**
 * `scheme://user:…@`, up to the last @ of the word. A PostgreSQL URL may hold spaces, so there up to the last @ before
 * the next URL.
 */
function hideInUrls(text: string): string {
  const find = finder(text);
  const shown: string[] = [];
  let copied = 0;
  for (let at = text.indexOf("://"); at !== -1; ) {
    const open = passwordStart(text, at + 3);
    if (open === -1) {
      at = text.indexOf("://", at + 3);
      continue;
    }
    const next = find.scheme(open);
    let end = find.space(open);
    if (isPostgres(text, at)) end = Math.max(end, Math.min(find.lineEnd(open), schemeStart(text, next)));
    if (find.at(open) >= end || text.startsWith(EXAMPLE, at)) {
      at = next === text.length ? -1 : next;
      continue;
    }
    const last = text.lastIndexOf("@", end - 1);
    shown.push(text.slice(copied, open), HIDDEN);
    copied = last;
    // There is no @ between the last one and the end, so there is nothing to hide.
    at = text.indexOf("://", end);
  }
  return shown.length === 0 ? text : shown.join("") + text.slice(copied);
}

const HIDDEN = "***";
/** The URL that our own hints use as an example. */
const EXAMPLE = "://user:password@host";

/**
 * Finds the next occurrence of something, or the end of the text. If the offsets only grow, each search reads the text
 * once.
 */
function finder(text: string) {
  const forward = (search: (from: number) => number) => {
    let found = -1;
    return (from: number) => {
      if (found < from) found = search(from);
      if (found === -1) found = text.length;
      return found;
    };
  };
  const matching = (pattern: RegExp) =>
    forward((from) => {
      pattern.lastIndex = from;
      return pattern.exec(text)?.index ?? -1;
    });
  return {
    space: matching(/\s/g),
    lineEnd: matching(/[\r\n]/g),
    at: forward((from) => text.indexOf("@", from)),
    scheme: forward((from) => text.indexOf("://", from)),
    commentEnd: forward((from) => text.indexOf("*/", from)),
  };
}

/** The offset after the colon that follows the user. -1 if there is none. */
function passwordStart(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === ":") return at + 1;
    if (character === "/" || character === "@" || isSpace(character)) return -1;
  }
  return -1;
}

function isPostgres(text: string, colon: number): boolean {
  return /postgres(?:ql)?(?:\+\w{1,20})?$/i.test(text.slice(Math.max(0, colon - LONGEST_SCHEME), colon));
}

const LONGEST_SCHEME = 40;

function schemeStart(text: string, colon: number): number {
  if (colon === text.length) return colon;
  let at = colon;
  while (at > 0 && colon - at < LONGEST_SCHEME && /[a-z0-9+.-]/i.test(text.charAt(at - 1))) at--;
  return at;
}

/** `user:password@host` and `:password@host` without a scheme. */
function hideCredentials(text: string): string {
  const shown: string[] = [];
  let copied = 0;
  for (let at = text.indexOf("@"), behind = 0; at !== -1; behind = at + 1, at = text.indexOf("@", at + 1)) {
    if (!/[\w[]/.test(text.charAt(at + 1))) continue;
    let start = at;
    while (start > behind && !/[\s/]/.test(text.charAt(start - 1))) start--;
    for (let colon = nextColon(text, start, at); colon !== -1; colon = nextColon(text, colon + 1, at)) {
      // `::` is a cast. A colon after something that is not a name does not follow a user.
      const isUser =
        colon === start ? !/[/@]/.test(text.charAt(start - 1)) : /[\w.%+-]/.test(text.charAt(colon - 1));
      if (isUser && !/[:"'`]/.test(text.charAt(colon + 1))) {
        if (!text.startsWith(EXAMPLE, start - 3)) {
          shown.push(text.slice(copied, colon + 1), HIDDEN);
          copied = at;
        }
        break;
      }
    }
  }
  return shown.length === 0 ? text : shown.join("") + text.slice(copied);
}

/**
 * The row of a table holds its users' data, whatever the content is. Server messages in other languages are recognised
 * by their code.
 */
function hideRows(text: string): string {
  return text.replace(ROW, (all, head: string) => {
    const end = all.lastIndexOf(")");
    return end <= head.length ? all : `${head}${HIDDEN}${all.slice(end)}`;
  });
}

const ROW = /\b([Ff]ailing row contains \()[^\r\n]*/g;

/** The next colon with at least one character between it and the end. */
function nextColon(text: string, from: number, end: number): number {
  for (let at = from; at < end - 1; at++) if (text.charAt(at) === ":") return at;
  return -1;
}

/** `password=…` of a connection string, a shell or a URL's query; `"password": "…"`; `PASSWORD '…'` of SQL. */
function hideSettings(text: string): string {
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
    // The quotes are replaced as well: libpq needs none around `***`.
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
  // If the literal is hidden already, a caret below it keeps its position.
  return literal !== null && HIDDEN_LITERAL.test(text.slice(literal.start, literal.end)) ? null : literal;
}

const HIDDEN_LITERAL = /^(?:(?:[en]|u&)?'{1,2}|"|\$[^$*]*\$)\*\*\*(?:'{1,2}|"|\$[^$*]*\$)$/i;

/** `Key (email, password)=(…) already exists`: how the server names the row in the way, in any language. */
function keyValues(text: string, from: number, find: ReturnType<typeof finder>): Value | null {
  const between = /^[^=\r\n]{0,120}?\)=\(/.exec(text.slice(from, from + 130));
  if (between === null) return null;
  const start = from + between[0].length;
  let end = text.lastIndexOf(")", find.lineEnd(start));
  if (end < start) end = text.indexOf(")", start);
  return { start, end: end === -1 ? text.length : end, instead: HIDDEN };
}

/**
 * `token=…`, `secret: "…"`: the value is one word that is not prose. Between bare words, a colon or "is" belongs to a
 * sentence, unless the value holds a digit.
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
  // `Bearer …` is a scheme followed by its token.
  const isQuoted = quote !== "" && text.startsWith(quote, end);
  if (
    end - start < LEAST_LENGTH ||
    /^(?:bearer|basic|token)$/i.test(text.slice(start, Math.min(end, start + 7)))
  )
    return null;
  if (!isQuoted && /:|is/.test(sign) && !/\d/.test(text.slice(start, end))) return null;
  return { start, end, instead: HIDDEN };
}

const LEAST_LENGTH = 6;

/**
 * `Authorization: Bearer …`. Without the header, a word must look like a key, because prose says things like "basic
 * authentication".
 */
function hideSchemes(text: string): string {
  return text.replace(
    SCHEME,
    (all, header: string | undefined, scheme: string, gap: string, word: string) => {
      const isKey =
        header !== undefined ||
        (!/^token$/i.test(scheme) && (/[\d=]|[a-z][A-Z]/.test(word) || word.length >= 20));
      return isKey && word.length >= LEAST_LENGTH ? `${header ?? ""}${scheme}${gap}${HIDDEN}` : all;
    },
  );
}

const SCHEME =
  /(authorization[\\"'`]{0,3}[ \t]{0,4}[:=][ \t]{0,4}[\\"'`]{0,3})?\b(bearer|basic|token)([ \t]{1,8})([\w.~+/-]+=*)/gi;

/** The quote at this offset, including one of JSON inside JSON. */
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

/**
 * Skips white space and comments. It skips only a few comments: a text full of them would otherwise be read again and
 * again.
 */
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

/** `'…'`, `E'…'`, `U&'…'`, `$tag$…$tag$`, terminated or cut off by the end of the text. */
function sqlLiteral(text: string, at: number): Value | null {
  const head = text.slice(at, at + 80);
  const quoted = /^(?:[en]|u&)?'/i.exec(head);
  if (quoted !== null) {
    const open = at + quoted[0].length - 1;
    // This literal is inside another literal.
    if (isDoubled(text, open)) return { start: at, end: quotedEnd(text, open), instead: "'***'" };
    return {
      start: at,
      end: closing(text, open, { doubles: true, escapes: /^e/i.test(head) }),
      instead: "'***'",
    };
  }
  // A literal was meant, but the server reads it as a name.
  if (head.startsWith('"')) {
    const end = closing(text, at, { doubles: true, escapes: false });
    return end - at > LEAST_LENGTH ? { start: at, end, instead: '"***"' } : null;
  }
  const tag = /^\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/i.exec(head)?.[0];
  if (tag === undefined) return null;
  const close = text.indexOf(tag, at + tag.length);
  return { start: at, end: close === -1 ? text.length : close + tag.length, instead: "'***'" };
}

/** The end of libpq's `'…'`, which inside an SQL literal is written `''…''`. */
function quotedEnd(text: string, open: number): number {
  if (!isDoubled(text, open)) return closing(text, open);
  const close = text.indexOf("''", open + 2);
  return close === -1 ? text.length : close + 2;
}

function isDoubled(text: string, open: number): boolean {
  return text.charAt(open + 1) === "'" && !/^[\s,;)&']?$/.test(text.charAt(open + 2));
}

/** The offset after the quote that closes the one at `open`, or the end of the text if there is none. */
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

function isSpace(character: string): boolean {
  return /\s/.test(character);
}
