/**
 * Values that must never reach a log, an error or a ledger. A value known to be secret is a `Secret`, which cannot
 * become text. Its value is remembered and hidden wherever it appears in other programs' output. Unknown secrets are
 * recognised by their form (`passwords.ts`).
 *
 * What is remembered belongs to the process, not to a run: a secret is hidden in every output, whatever prints it.
 */
import { inspect } from "node:util";
import { passwordsIn } from "./credentials.ts";
import { hidePasswords } from "./passwords.ts";

// The symbol is taken by its name: `inspect.custom` itself would put `node:util` into the published types.
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** A value that can be used but not printed: `String()`, JSON and `console.log` all give `***`. */
export class Secret {
  readonly #value: string;

  /** `parts`: the parts of the value that are secret by themselves. The default is the whole value. */
  constructor(value: string, { parts = [value] }: { parts?: readonly string[] } = {}) {
    this.#value = value;
    remember(...parts);
  }

  /** The value itself. Pass it only to the component that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [INSPECT](): string {
    return "***";
  }
}

/** An address that may hold a password. Its user, host and path are not secret by themselves. */
export function secretUrl(url: string): Secret {
  return new Secret(url, { parts: passwordsIn(url) });
}

/** Makes `redact` hide these from now on. */
export function remember(...secrets: readonly string[]): void {
  for (const secret of secrets)
    for (const form of formsOf(secret)) {
      const start = form.slice(0, SHORTEST);
      const alike = remembered.get(start) ?? [];
      if (alike.includes(form)) continue;
      // The longest first: if two begin alike, the longer one must be replaced.
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

/** The text with every remembered secret replaced. Use it for text that we made ourselves. */
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
 * Makes another program's text safe to show: without secrets, and at most a screen or two. Of a longer text only the
 * start is searched, because searching a gigabyte would take longer than any deadline allows.
 */
export function presentable(text: string): string {
  const margin = Math.max(EDGE, 2 * longest);
  const looked = 2 * MOST_CHARACTERS + 2 * margin;
  if (text.length <= looked) return shortened(redact(text));
  const hidden = redact(text.slice(0, looked));
  // A secret that the cut splits is not found, so the text near the cut is not shown.
  const kept = cutAt(hidden, Math.min(MOST_CHARACTERS - 40, Math.max(0, hidden.length - margin)));
  const seen = hidden.length - kept.length;
  return `${kept}${moreCharacters(seen + text.length - looked + leftBefore(text))}`;
}

/** How much of a text crosses from one process to another if it is only shown. It is more than is searched for secrets. */
export const MOST_CARRIED = 200_000;

/** Unknown text is expected to hold no secret longer than this. */
const EDGE = 8_000;

/** Plain data with all its texts made presentable. */
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
/** A server's message can be a gigabyte. Nobody reads more than this much of it. */
export const MOST_CHARACTERS = 8_000;

/** At most this many characters, and the number of those left out. Applying it twice changes nothing but the number. */
export function shortened(text: string, most = MOST_CHARACTERS): string {
  if (text.length <= most) return text;
  const kept = cutAt(text, most - 40);
  return `${kept}${moreCharacters(text.length - kept.length + leftBefore(text))}`;
}

/** Never cuts a surrogate pair. */
function cutAt(text: string, end: number): string {
  return text.slice(0, end).replace(/[\ud800-\udbff]$/, "");
}

function moreCharacters(count: number): string {
  return `… (${count} more characters)`;
}

/** How many characters an earlier shortening left out, in addition to those of its own note. */
function leftBefore(text: string): number {
  const before = MORE.exec(text.slice(-40));
  return before === null ? 0 : Number(before[1]) - before[0].length;
}

const MORE = /… \((\d+) more characters\)$/;

/** The secrets by their first characters, so that looking for a thousand takes no longer than looking for one. */
const remembered = new Map<string, readonly string[]>();
const firstCharacters = new Set<number>();
/** The length of the longest remembered form. */
let longest = 0;

function standsAt(text: string, at: number, form: string): boolean {
  if (!text.startsWith(form, at)) return false;
  if (!isWordlike(form)) return true;
  const end = at + form.length;
  if (isWord(text.charAt(at - 1)) || isWord(text.charAt(end))) return false;
  // Digits alone, such as a year, may be part of a date.
  return (
    !/^\d+$/.test(form) ||
    !(/^[-.:]\d/.test(text.slice(end, end + 2)) || /\d[-.:]$/.test(text.slice(Math.max(0, at - 2), at)))
  );
}

function isWord(character: string): boolean {
  return /^\w$/.test(character);
}

/** Short and made of letters. Inside a longer word it is most likely not the secret. */
function isWordlike(form: string): boolean {
  return form.length < 8 && /^\w+$/.test(form);
}

/** The forms that it has in URLs, JSON, SQL and the output of `console.log`. */
function formsOf(secret: string): readonly string[] {
  if (/\n|-----BEGIN/.test(secret)) return secret.split(/\r?\n|\\n/).filter(isLineOfKey);
  if (secret.trim().length < SHORTEST || EVERYDAY.has(secret.toLowerCase())) return [];
  // Text that is not valid Unicode has no form in a URL.
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
  // The forms inside JSON within JSON, and those that `inspect` prints.
  const nested = [...forms, ...lower]
    .filter((form) => /["\\]/.test(form))
    .flatMap((form) => [JSON.stringify(form).slice(1, -1), form.replaceAll("\\", "\\\\")]);
  return [...new Set([...forms, ...lower, ...nested])].filter((form) => form.length >= SHORTEST);
}

/** The forms in HTML pages and mails, which spell quotes in more than one way. */
function htmlForms(secret: string): readonly string[] {
  const written = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const apostrophes = ["'", "&#39;", "&#x27;", "&apos;", "&#039;"];
  const quotes = ['"', "&quot;", "&#34;", "&#x22;"];
  return apostrophes.flatMap((apostrophe) =>
    quotes.map((quote) => written.replaceAll("'", apostrophe).replaceAll('"', quote)),
  );
}

/** The forms in which HTTP clients and drivers send it and quote it in errors. */
function encodedForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const form = new URLSearchParams({ a: secret }).toString().slice(2);
  const hex = bytes.toString("hex");
  const plain = JSON.stringify(secret).slice(1, -1);
  const ascii = plain.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const forms = [form, ascii];
  // Four bytes are the start of many numbers.
  if (bytes.length > SHORTEST) forms.push(hex, hex.toUpperCase());
  for (const text of [bytes.toString("base64"), ...insideBase64(bytes)])
    forms.push(text, text.replaceAll("+", "-").replaceAll("/", "_"));
  return forms.flatMap((text) => [text, text.replace(/=+$/, "")]);
}

/**
 * What the Base64 of a longer text, such as `user:password`, contains. The secret's bytes begin at one of three places
 * of a group. Characters that also hold bits of its neighbours are left out.
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

/** Fewer letters would appear in other words by accident. */
const LEAST_OF_BASE64 = 8;

/** Hiding every "abc" would help nobody. */
const SHORTEST = 4;

/** The lines of a private key that hold its own data, and not its name or kind. */
function isLineOfKey(line: string): boolean {
  return line.length >= 16 && !line.startsWith("-----") && !line.includes(": ");
}

/** Words that are a password in many tests, and mean something else everywhere else. */
const EVERYDAY: ReadonlySet<string> = new Set(
  "postgres postgresql password passwd secret admin root user test tests testing guest godwit docker example database localhost public default true false null none undefined migration migrations changeme applied partial reverting pending changed held done failed interrupted skipped info warn error".split(
    " ",
  ),
);
