/** Passwords in URLs and in `user:password@host`. */
import { finder, HIDDEN, isSpace } from "./hidden.ts";

/**
 * `scheme://user:…@` is hidden up to the last @ of the word. A PostgreSQL URL may hold spaces, so it is hidden up to the
 * last @ before the next URL.
 */
export function hideInUrls(text: string): string {
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
    if (isPostgres(text, at)) end = Math.max(end, Math.min(find.lineEnd(open), urlStart(text, next)));
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

/** `user:password@host` and `:password@host` without a scheme. */
export function hideCredentials(text: string): string {
  const shown: string[] = [];
  let copied = 0;
  for (let at = text.indexOf("@"), behind = 0; at !== -1; behind = at + 1, at = text.indexOf("@", at + 1)) {
    if (!/[\w[]/.test(text.charAt(at + 1))) continue;
    let start = at;
    while (start > behind && !/[\s/]/.test(text.charAt(start - 1))) start--;
    for (let colon = nextColon(text, start, at); colon !== -1; colon = nextColon(text, colon + 1, at)) {
      // `::` is a cast. A user is a name in front of the colon.
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

/** The URL in our own hints. It holds no secret. */
const EXAMPLE = "://user:password@host";

/** The offset behind the colon that follows the user, or -1. */
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

/** Of the next URL. A `://` without a scheme in front of it may be a part of the password. */
function urlStart(text: string, from: number): number {
  for (let at = from; at !== -1 && at < text.length; at = text.indexOf("://", at + 3)) {
    const start = schemeStart(text, at);
    if (start < at) return start;
  }
  return text.length;
}

function schemeStart(text: string, colon: number): number {
  if (colon === text.length) return colon;
  let at = colon;
  while (at > 0 && colon - at < LONGEST_SCHEME && /[a-z0-9+.-]/i.test(text.charAt(at - 1))) at--;
  return at;
}

/** The next colon with something between it and the end, or -1. */
function nextColon(text: string, from: number, end: number): number {
  for (let at = from; at < end - 1; at++) if (text.charAt(at) === ":") return at;
  return -1;
}
