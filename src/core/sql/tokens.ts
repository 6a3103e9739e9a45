/**
 * PostgreSQL's lexer, following scan.l with standard_conforming_strings on. It does enough to tell code from text. It
 * never throws: a token that the end of the text cuts off is marked as unterminated. A backslash escapes only in `E'…'`.
 */

export type TokenKind =
  /** A keyword or an identifier without quotes. */
  | "word"
  /** `"…"` and `U&"…"`. */
  | "quoted"
  /** `'…'` with its prefix and its continuations on later lines. The N of `N'…'` is a word of its own. */
  | "string"
  | "dollar"
  | "number"
  | "parameter"
  | "operator"
  | "punctuation"
  /** A block comment without an end. All other comments are skipped like white space. */
  | "comment";

/** Offsets count UTF-16 units of the text that was read. */
export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** `false` if the text ended inside it. */
  readonly terminated: boolean;
}

/** All tokens of a text, in order. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) tokens.push(token);
  return tokens;
}

/** The first token at or after an offset that lies between two tokens. `null` at the end. */
export function nextToken(text: string, from: number): Token | null {
  const start = skipBlank(text, from);
  if (start >= text.length) return null;
  const first = text.charCodeAt(start);
  const second = text.charCodeAt(start + 1);

  if (isWordStart(first)) {
    if (second === QUOTE && isOneOf(first, "eEbBxX")) return enclosed("string", text, start, start + 1);
    if (second === AMPERSAND && isOneOf(first, "uU")) {
      const third = text.charCodeAt(start + 2);
      if (third === QUOTE) return enclosed("string", text, start, start + 2);
      if (third === DOUBLE_QUOTE) return enclosed("quoted", text, start, start + 2);
    }
    let end = start + 1;
    while (isWordPart(text.charCodeAt(end))) end++;
    return complete("word", start, end);
  }
  if (first === QUOTE) return enclosed("string", text, start, start);
  if (first === DOUBLE_QUOTE) return enclosed("quoted", text, start, start);
  if (isDigit(first) || (first === DOT && isDigit(second))) {
    return complete("number", start, endOfNumber(text, start));
  }
  if (first === DOLLAR) return dollar(text, start);
  if (first === SLASH && second === STAR) {
    return { kind: "comment", start, end: text.length, terminated: false };
  }
  if (isOperator(first)) return complete("operator", start, endOfOperator(text, start));
  const pair =
    (first === COLON && (second === COLON || second === EQUALS)) || (first === DOT && second === DOT);
  return complete("punctuation", start, start + (pair ? 2 : 1));
}

/** Folds an unquoted word as the server does: only A to Z change, other letters stay. */
export function fold(word: string): string {
  return word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * Where a string literal continues. `'a'` and `'b'` are one literal if only white space with a line break (and line
 * comments) separates them. Takes the offset after a closing quote and returns that of the next opening quote, or -1.
 */
export function continuedAt(text: string, from: number): number {
  let brokeLine = false;
  for (let at = from; ; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return brokeLine ? at : -1;
    if (isSpace(code)) {
      brokeLine ||= code === LINE_FEED || code === CARRIAGE_RETURN;
      at++;
    } else if (code === DASH && text.charCodeAt(at + 1) === DASH) at = endOfLine(text, at);
    else return -1;
  }
}

/** The offset of the line break that ends the line, or of the end of the text. */
export function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== LINE_FEED && text.charCodeAt(at) !== CARRIAGE_RETURN)
    at++;
  return at;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const AMPERSAND = 0x26;
const QUOTE = 0x27;
const STAR = 0x2a;
const PLUS = 0x2b;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const BYTE_ORDER_MARK = 0xfeff;

function complete(kind: TokenKind, start: number, end: number): Token {
  return { kind, start, end, terminated: true };
}

/** Returns the offset of a block comment that never ends, so that it becomes a token. */
function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (isSpace(code) || (code === BYTE_ORDER_MARK && at === 0)) at++;
    else if (code === DASH && text.charCodeAt(at + 1) === DASH) at = endOfLine(text, at);
    else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
      const end = endOfBlockComment(text, at);
      if (end === -1) return at;
      at = end;
    } else return at;
  }
}

function endOfBlockComment(text: string, start: number): number {
  let depth = 1;
  for (let at = start + 2; at < text.length; ) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (code === SLASH && next === STAR) {
      depth++;
      at += 2;
    } else if (code === STAR && next === SLASH) {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else at++;
  }
  return -1;
}

/** A string or quoted identifier. Its opening quote is at `open`, after its prefix. */
function enclosed(kind: "string" | "quoted", text: string, start: number, open: number): Token {
  const quote = text.charCodeAt(open);
  const prefixed = kind === "string" && open === start + 1;
  const escapes = prefixed && isOneOf(text.charCodeAt(start), "eE");
  // In bit strings a doubled quote is not an escape: `b'1''2'` is two literals.
  const doubles = !prefixed || escapes;
  let at = open + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH && escapes) at += 2;
    else if (code !== quote) at++;
    else if (doubles && text.charCodeAt(at + 1) === quote) at += 2;
    else {
      const again = kind === "string" ? continuedAt(text, at + 1) : -1;
      if (again === -1) return complete(kind, start, at + 1);
      at = again + 1;
    }
  }
  return { kind, start, end: text.length, terminated: false };
}

function dollar(text: string, start: number): Token {
  let open = start + 1;
  if (isDigit(text.charCodeAt(open))) {
    while (isDigit(text.charCodeAt(open))) open++;
    return complete("parameter", start, open);
  }
  if (isWordStart(text.charCodeAt(open))) {
    while (isWordPart(text.charCodeAt(open)) && text.charCodeAt(open) !== DOLLAR) open++;
  }
  if (text.charCodeAt(open) !== DOLLAR) return complete("punctuation", start, start + 1);
  const delimiter = text.slice(start, open + 1);
  const close = text.indexOf(delimiter, open + 1);
  if (close === -1) return { kind: "dollar", start, end: text.length, terminated: false };
  return complete("dollar", start, close + delimiter.length);
}

function endOfNumber(text: string, start: number): number {
  if (text.charCodeAt(start) === ZERO) {
    const isRadixDigit = RADIX_DIGITS[text.charAt(start + 1).toLowerCase()];
    const end = isRadixDigit === undefined ? start : endOfDigits(text, start + 2, isRadixDigit);
    if (end > start + 2) return end;
  }
  let at = endOfDigits(text, start, isDigit);
  if (text.charCodeAt(at) === DOT && text.charCodeAt(at + 1) !== DOT) {
    at++;
    if (isDigit(text.charCodeAt(at))) at = endOfDigits(text, at, isDigit);
  }
  if (isOneOf(text.charCodeAt(at), "eE")) {
    const digits = at + (isOneOf(text.charCodeAt(at + 1), "+-") ? 2 : 1);
    if (isDigit(text.charCodeAt(digits))) return endOfDigits(text, digits, isDigit);
  }
  return at;
}

const RADIX_DIGITS: Readonly<Record<string, (code: number) => boolean>> = {
  x: (code) => isOneOf(code, "0123456789abcdefABCDEF"),
  o: (code) => isOneOf(code, "01234567"),
  b: (code) => isOneOf(code, "01"),
};

function endOfDigits(text: string, start: number, accepts: (code: number) => boolean): number {
  let at = start;
  for (;;) {
    const digit = text.charCodeAt(at) === UNDERSCORE ? at + 1 : at;
    if (!accepts(text.charCodeAt(digit))) return at;
    at = digit + 1;
  }
}

/**
 * An operator ends before a comment. It loses trailing signs unless it contains a character such as `@`, which no
 * standard SQL operator has.
 */
function endOfOperator(text: string, start: number): number {
  let end = start + 1;
  while (isOperator(text.charCodeAt(end)) && !isCommentStart(text, end)) end++;
  if (end - start > 1 && isSign(text.charCodeAt(end - 1))) {
    for (let at = start; at < end - 1; at++) if (isOneOf(text.charCodeAt(at), "~!@#^&|`?%")) return end;
    while (end - start > 1 && isSign(text.charCodeAt(end - 1))) end--;
  }
  return end;
}

function isCommentStart(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  return (code === DASH && next === DASH) || (code === SLASH && next === STAR);
}

function isSign(code: number): boolean {
  return code === PLUS || code === DASH;
}

function isOperator(code: number): boolean {
  return isOneOf(code, "~!@#^&|`?+-*/%<>=");
}

/** Space, tab, line feed, vertical tab, form feed, carriage return. No non-ASCII character is white space. */
function isSpace(code: number): boolean {
  return code === SPACE || (code >= 0x09 && code <= CARRIAGE_RETURN);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

/** To the server every non-ASCII character is a letter, even a no-break space. */
function isWordStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === UNDERSCORE || code >= 0x80
  );
}

function isWordPart(code: number): boolean {
  return isWordStart(code) || isDigit(code) || code === DOLLAR;
}

/** Past the end the code is `NaN`. It becomes U+0000 here, which is in none of the sets. */
function isOneOf(code: number, characters: string): boolean {
  return characters.includes(String.fromCharCode(code));
}
