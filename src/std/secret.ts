/**
 * Things that must never reach a log, an error or a ledger. A value that is known to be secret is a `Secret`, which
 * cannot become text; its value is remembered, and hidden wherever it turns up in someone else's words. What is not
 * known is looked for by its form (`passwords.ts`).
 *
 * What is remembered belongs to the process and not to a run: a secret is one in every output, whoever prints it.
 */
import { inspect } from "node:util";
import { passwordsIn } from "./credentials.ts";
import { hidePasswords } from "./passwords.ts";

/** A value that can be used but not printed: `String()`, JSON and `console.log` all give `***`. */
export class Secret {
  readonly #value: string;

  /** `parts`: what of it is secret by itself; default: all. */
  constructor(value: string, { parts = [value] }: { parts?: readonly string[] } = {}) {
    this.#value = value;
    remember(...parts);
  }

  /** The value itself, to be handed to whoever asks for it and to nobody else. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}

/** An address that may hold a password: user, host and path of it are no secrets by themselves. */
export function secretUrl(url: string): Secret {
  return new Secret(url, { parts: passwordsIn(url) });
}

/** From now on these are hidden by `redact`. */
export function remember(...secrets: readonly string[]): void {
  for (const secret of secrets)
    for (const form of formsOf(secret)) {
      const start = form.slice(0, SHORTEST);
      const alike = remembered.get(start) ?? [];
      if (alike.includes(form)) continue;
      // The longest first: of two that begin alike the longer one must go.
      remembered.set(
        start,
        [...alike, form].sort((one, other) => other.length - one.length),
      );
      firstCharacters.add(form.charCodeAt(0));
      longest = Math.max(longest, form.length);
    }
}

/** The text with every remembered secret, and with everything that looks like a password, replaced by `***`. */
export function redact(text: string): string {
  return hidePasswords(hideRemembered(text));
}

/** The text with every remembered secret replaced: for what we made ourselves, and nobody's words. */
export function hideRemembered(text: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    if (!firstCharacters.has(text.charCodeAt(at))) continue;
    const found = remembered.get(text.slice(at, at + SHORTEST))?.find((form) => standsAt(text, at, form));
    if (found === undefined) continue;
    parts.push(text.slice(copied, at), "***");
    copied = at + found.length;
    at = copied - 1;
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(copied);
}

/**
 * Someone else's text as it may be shown: without secrets, and not longer than a screen or two. Of a longer text only the
 * start is looked at, because to look through a gigabyte would outlast any deadline.
 */
export function presentable(text: string): string {
  const margin = Math.max(EDGE, 2 * longest);
  const looked = 2 * MOST_CHARACTERS + 2 * margin;
  if (text.length <= looked) return shortened(redact(text));
  const hidden = redact(text.slice(0, looked));
  // A secret that the edge cuts in two is not found, so what is near the edge is not shown.
  const kept = cutAt(hidden, Math.min(MOST_CHARACTERS - 40, Math.max(0, hidden.length - margin)));
  const seen = hidden.length - kept.length;
  return `${kept}${moreCharacters(seen + text.length - looked + leftBefore(text))}`;
}

/** What crosses from one process to another of a text that is only shown: more than is looked at for secrets. */
export const MOST_CARRIED = 200_000;

/** No longer secret is expected in a text of which nothing is known. */
const EDGE = 8_000;

/** All texts of plain data, as they may be shown. */
export function presentableData<T>(value: T, depth = 0): T {
  if (typeof value === "string") return presentable(value) as T;
  if (typeof value !== "object" || value === null || depth > DEEPEST) return value;
  if (Array.isArray(value)) return value.map((each) => presentableData(each, depth + 1)) as T;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, presentableData(each, depth + 1)]),
  ) as T;
}

const DEEPEST = 8;
/** A server's message can be a gigabyte, and nobody reads more than this of it. */
export const MOST_CHARACTERS = 8_000;

/** At most so many characters, and how many there are more. Doing it twice changes nothing but the number. */
export function shortened(text: string, most = MOST_CHARACTERS): string {
  if (text.length <= most) return text;
  const kept = cutAt(text, most - 40);
  return `${kept}${moreCharacters(text.length - kept.length + leftBefore(text))}`;
}

/** Never in the middle of a pair. */
function cutAt(text: string, end: number): string {
  return text.slice(0, end).replace(/[\ud800-\udbff]$/, "");
}

function moreCharacters(count: number): string {
  return `… (${count} more characters)`;
}

/** How many it stands for, where it was shortened before, beside those of the remark itself. */
function leftBefore(text: string): number {
  const before = MORE.exec(text.slice(-40));
  return before === null ? 0 : Number(before[1]) - before[0].length;
}

const MORE = /… \((\d+) more characters\)$/;

/** By their first characters, so that it takes no longer to look for a thousand than for one. */
const remembered = new Map<string, readonly string[]>();
const firstCharacters = new Set<number>();
/** The length of the longest form that is remembered. */
let longest = 0;

function standsAt(text: string, at: number, form: string): boolean {
  if (!text.startsWith(form, at)) return false;
  if (!isWordlike(form)) return true;
  const end = at + form.length;
  if (isWord(text.charAt(at - 1)) || isWord(text.charAt(end))) return false;
  // A year is a part of a date.
  return (
    !/^\d+$/.test(form) ||
    !(/^[-.:]\d/.test(text.slice(end, end + 2)) || /\d[-.:]$/.test(text.slice(Math.max(0, at - 2), at)))
  );
}

function isWord(character: string): boolean {
  return /^\w$/.test(character);
}

/** Short and made of letters: inside of a longer word it is most likely not meant. */
function isWordlike(form: string): boolean {
  return form.length < 8 && /^\w+$/.test(form);
}

/** As they stand in URLs, JSON, SQL and the output of `console.log`. */
function formsOf(secret: string): readonly string[] {
  if (/\n|-----BEGIN/.test(secret)) return secret.split(/\r?\n|\\n/).filter(isLineOfKey);
  if (secret.trim().length < SHORTEST || EVERYDAY.has(secret.toLowerCase())) return [];
  // What is no Unicode has no form in a URL.
  const wellFormed = Buffer.from(secret).toString();
  const escaped = encodeURIComponent(wellFormed);
  const forms = [
    secret,
    secret.trim(),
    escaped,
    escaped.replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
    escaped.replaceAll("%20", "+"),
    encodeURI(wellFormed),
    JSON.stringify(secret).slice(1, -1),
    inspect(secret).slice(1, -1),
    secret.replaceAll("'", "''"),
    secret.replaceAll('"', '""'),
    secret.replace(/['\\]/g, "\\$&"),
    ...encodedForms(wellFormed),
    ...htmlForms(secret),
  ];
  const lower = forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  // JSON in JSON, and what `inspect` makes of it.
  const nested = [...forms, ...lower]
    .filter((form) => /["\\]/.test(form))
    .flatMap((form) => [JSON.stringify(form).slice(1, -1), form.replaceAll("\\", "\\\\")]);
  return [...new Set([...forms, ...lower, ...nested])].filter((form) => form.length >= SHORTEST);
}

/** As pages and mails show it: the quotes have more than one spelling. */
function htmlForms(secret: string): readonly string[] {
  const written = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const apostrophes = ["'", "&#39;", "&#x27;", "&apos;", "&#039;"];
  const quotes = ['"', "&quot;", "&#34;", "&#x22;"];
  return apostrophes.flatMap((apostrophe) =>
    quotes.map((quote) => written.replaceAll("'", apostrophe).replaceAll('"', quote)),
  );
}

/** As clients of HTTP and drivers send it, and quote it when they fail. */
function encodedForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const form = new URLSearchParams({ a: secret }).toString().slice(2);
  const hex = bytes.toString("hex");
  const plain = JSON.stringify(secret).slice(1, -1);
  const ascii = plain.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const forms = [form, ascii];
  // Four bytes are the start of many a number.
  if (bytes.length > SHORTEST) forms.push(hex, hex.toUpperCase());
  for (const text of [bytes.toString("base64"), ...insideBase64(bytes)])
    forms.push(text, text.replaceAll("+", "-").replaceAll("/", "_"));
  return forms.flatMap((text) => [text, text.replace(/=+$/, "")]);
}

/**
 * What stands in the Base64 of any text around it, such as `user:password`: its bytes begin at one of three places of a
 * group, and the characters that hold bits of its neighbours are left out.
 */
function insideBase64(bytes: Buffer): readonly string[] {
  return [0, 1, 2]
    .map((before) => {
      const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
      const bits = (before + bytes.length) * 8;
      return text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6));
    })
    .filter((text) => text.length >= LEAST_OF_BASE64);
}

/** Fewer letters stand in other words by accident. */
const LEAST_OF_BASE64 = 8;

/** Hiding every "abc" would help nobody. */
const SHORTEST = 4;

/** The lines of a private key that are its own, and neither its name nor its kind. */
function isLineOfKey(line: string): boolean {
  return line.length >= 16 && !line.startsWith("-----") && !line.includes(": ");
}

/** Words that are a password in many a test, and mean something else everywhere else. */
const EVERYDAY: ReadonlySet<string> = new Set(
  "postgres postgresql password passwd secret admin root user test tests testing guest godwit docker example database localhost public default true false null none undefined migration migrations changeme applied partial reverting pending changed held done failed interrupted skipped info warn error".split(
    " ",
  ),
);
