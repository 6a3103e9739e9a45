/**
 * How the Supabase CLI (version 3) cuts a file for the `statements` column of its history. It follows the CLI even where
 * PostgreSQL parses differently: the first `)` closes every `(`, and a backslash escapes the character after it.
 */

/** The value of `statements`. Pure. A byte order mark is ignored. */
export function supabaseStatements(text: string): readonly string[] {
  const source = text.replace(/^\ufeff/, "");
  const found: string[] = [];
  let start = 0;
  let at = 0;
  let within: "ready" | "parentheses" | "atomic" = "ready";
  /** Inside an atomic body: only white space and comments have followed the last `;`. */
  let fresh = false;

  while (at < source.length) {
    const opaque = skipOpaque(source, at);
    if (opaque !== null) {
      if (!opaque.comment) fresh = false;
      at = opaque.end;
      continue;
    }
    const character = source.charAt(at);
    if (within === "atomic") {
      const end = fresh ? wordAt(source, at, END) : null;
      if (end !== null) {
        within = "ready";
        at += end.length;
        continue;
      }
      if (character === ";") fresh = true;
      else if (!/\s/.test(character)) fresh = false;
    } else if (within === "parentheses") {
      if (character === ")") within = "ready";
    } else if (character === "(") within = "parentheses";
    else if (character === "\\") at++;
    else if (character === ";") {
      found.push(source.slice(start, at + 1));
      start = at + 1;
    } else {
      const begin = wordAt(source, at, BEGIN_ATOMIC);
      if (begin !== null) {
        within = "atomic";
        fresh = true;
        at += begin.length;
        continue;
      }
    }
    at++;
  }
  found.push(source.slice(start));
  return found.map((piece) => withoutEnd(piece).trim()).filter((piece) => piece !== "");
}

function withoutEnd(piece: string): string {
  let end = piece.length;
  while (piece.charAt(end - 1) === ";") end--;
  return piece.slice(0, end);
}

const BEGIN_ATOMIC = /begin\s+atomic(?![\w$])/iy;
const END = /end(?![\w$])/iy;
const TAG = /\$(?:[A-Za-z0-9_]*)\$/y;
const IDENTIFIER = /[\w$\u0080-\uffff]/;

/** A comment, a string, a quoted name or a dollar-quoted body that starts here. */
function skipOpaque(text: string, at: number): { end: number; comment: boolean } | null {
  if (text.startsWith("--", at)) {
    const length = text.slice(at).search(/[\n\r]/);
    return { end: length === -1 ? text.length : at + length, comment: true };
  }
  if (text.startsWith("/*", at)) return { end: endOfBlock(text, at), comment: true };
  const character = text.charAt(at);
  if (character === "'" || character === '"') {
    const escapes = character === "'" && /[eE]/.test(text.charAt(at - 1));
    return { end: endOfQuote(text, at, escapes), comment: false };
  }
  if (character !== "$" || (at > 0 && IDENTIFIER.test(text.charAt(at - 1)))) return null;
  TAG.lastIndex = at;
  const tag = TAG.exec(text)?.[0];
  if (tag === undefined) return null;
  const close = text.indexOf(tag, at + tag.length);
  return { end: close === -1 ? text.length : close + tag.length, comment: false };
}

function endOfQuote(text: string, start: number, escapes: boolean): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    if (escapes && text[at] === "\\") at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

function endOfBlock(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith("/*", at)) depth++;
    else if (text.startsWith("*/", at)) depth--;
    else continue;
    at++;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** A word that does not continue an identifier. */
function wordAt(text: string, at: number, pattern: RegExp): string | null {
  if (at > 0 && IDENTIFIER.test(text.charAt(at - 1))) return null;
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
