/** The value of a literal or an identifier. */
import { continuedAt, fold, nextToken, type Token } from "./tokens.ts";

/** A token as written, and the escape character that a following `UESCAPE` sets. */
export interface Written {
  readonly text: string;
  readonly marker: string;
  /** The offset after the token and its `UESCAPE`. */
  readonly end: number;
}

/** Looks for the `UESCAPE '…'` that may follow `U&"…"` and `U&'…'`. */
export function uescaped(text: string, token: Token): Written {
  const written = { text: text.slice(token.start, token.end), marker: "\\", end: token.end };
  if (!isUnicode(written.text)) return written;
  const word = nextToken(text, token.end);
  if (word?.kind !== "word" || fold(text.slice(word.start, word.end)) !== "uescape") return written;
  const character = nextToken(text, word.end);
  if (character?.kind !== "string") return written;
  return { ...written, marker: text.slice(character.start + 1, character.end - 1), end: character.end };
}

/** The name as PostgreSQL stores it: unquoted, folded if it had no quotes, and cut to 63 bytes. */
export function identifierValue(written: Written): string {
  return truncate(identifierText(written));
}

/** The same name at full length. */
export function identifierText({ text, marker }: Written): string {
  if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"');
  if (isUnicode(text)) return unescapeUnicode(text.slice(3, -1).replaceAll('""', '"'), marker);
  return fold(text);
}

/** The value of a string literal. Escapes for bytes beyond ASCII are read as characters. */
export function literalValue(written: Written): string {
  const { text, marker } = written;
  if (text.startsWith("$")) {
    const delimiter = text.indexOf("$", 1) + 1;
    return text.slice(delimiter, -delimiter);
  }
  const open = text.indexOf("'");
  const prefix = text.slice(0, open).toLowerCase();
  const value = joinParts(text, open, prefix === "e");
  if (prefix === "e") return unescapeBackslashes(value);
  return prefix === "u&" ? unescapeUnicode(value, marker) : value;
}

function isUnicode(text: string): boolean {
  return text.charAt(1) === "&" && (text.charAt(0) === "U" || text.charAt(0) === "u");
}

/** Undoes doubled quotes and joins the parts of a continued literal. Backslashes are handled later. */
function joinParts(text: string, open: number, backslashes: boolean): string {
  let value = "";
  for (let at = open + 1; at < text.length; ) {
    const character = text.charAt(at);
    if (character === "\\" && backslashes) {
      value += text.slice(at, at + 2);
      at += 2;
    } else if (character !== "'") {
      value += character;
      at++;
    } else if (text.charAt(at + 1) === "'") {
      value += "'";
      at += 2;
    } else {
      const again = continuedAt(text, at + 1);
      if (again === -1) break;
      at = again + 1;
    }
  }
  return value;
}

const CONTROLS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function unescapeBackslashes(value: string): string {
  return value.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g,
    (_, hex?: string, octal?: string, short?: string, long?: string, character = "") => {
      const digits = hex ?? short ?? long;
      if (digits !== undefined) return codePoint(Number.parseInt(digits, 16));
      if (octal !== undefined) return codePoint(Number.parseInt(octal, 8));
      return CONTROLS[character] ?? character;
    },
  );
}

function unescapeUnicode(value: string, marker: string): string {
  const mark = marker.replace(/[^\w]/g, "\\$&");
  return value.replace(
    new RegExp(`${mark}(?:${mark}|([0-9a-fA-F]{4})|\\+([0-9a-fA-F]{6}))`, "g"),
    (_, short?: string, long?: string) => {
      const digits = short ?? long;
      return digits === undefined ? marker : codePoint(Number.parseInt(digits, 16));
    },
  );
}

/** Half of a surrogate pair stays half here. The two halves combine when the characters are joined. */
function codePoint(code: number): string {
  return code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
}

const MAXIMUM_IDENTIFIER_BYTES = 63;

function truncate(identifier: string): string {
  if (identifier.length * 3 <= MAXIMUM_IDENTIFIER_BYTES) return identifier;
  let bytes = 0;
  let kept = "";
  for (const character of identifier) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > MAXIMUM_IDENTIFIER_BYTES) break;
    kept += character;
  }
  return kept;
}
