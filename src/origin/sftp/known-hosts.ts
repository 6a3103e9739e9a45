/**
 * What a `known_hosts` file says about one host. The file has one line per key: `[marker] patterns type key [comment]`.
 *
 * Patterns are separated by commas. They are names and addresses (`nas.local`, `10.0.0.7`), written `[nas.local]:2222`
 * for a port other than 22. They may contain `*` and `?`, and `!` excludes what follows. A single hashed name
 * (`|1|salt|HMAC-SHA1`) hides the name from those who read the file. `@revoked` marks a key that must never be accepted
 * again. `@cert-authority` concerns certificates; these are not supported here, and such lines are skipped.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export interface KnownKeys {
  /** Public keys that the host may show, in base64. */
  readonly accepted: readonly KnownKey[];
  readonly revoked: readonly KnownKey[];
}

export interface KnownKey {
  /** `ssh-ed25519`, `ssh-rsa`, … */
  readonly type: string;
  readonly key: string;
}

/** Whether any key of the host is known, matching or not. */
export function isKnownHost(text: string, { host, port }: { host: string; port: number }): boolean {
  const { accepted, revoked } = findKnownKeys(text, host, port);
  return accepted.length + revoked.length > 0;
}

export function findKnownKeys(text: string, host: string, port: number): KnownKeys {
  const names = namesOf(host, port);
  const accepted: KnownKey[] = [];
  const revoked: KnownKey[] = [];
  for (const line of text.split(/\r?\n/)) {
    const fields = line.trim().split(/[ \t]+/);
    if (fields[0] === "" || fields[0]?.startsWith("#")) continue;
    const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
    const [patterns, type, key] = fields;
    if (patterns === undefined || type === undefined || key === undefined) continue;
    if (!names.some((name) => isMeant(patterns, name))) continue;
    if (marker === undefined) accepted.push({ type, key });
    else if (marker === "@revoked") revoked.push({ type, key });
  }
  return { accepted, revoked };
}

/** The host as `ssh` writes it down: with its port, unless it is the default port. */
function namesOf(host: string, port: number): readonly string[] {
  const name = host.toLowerCase();
  return port === 22 ? [name, `[${name}]:22`] : [`[${name}]:${port}`];
}

function isMeant(patterns: string, name: string): boolean {
  if (patterns.startsWith("|")) return isHashOf(patterns, name);
  let found = false;
  for (const pattern of patterns.toLowerCase().split(",")) {
    const negated = pattern.startsWith("!");
    if (!matches(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function isHashOf(field: string, name: string): boolean {
  const [, version, salt, hash] = field.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, "base64");
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** `*` matches any text, `?` any character, and all others match themselves. It does not backtrack over the text. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return startsAt(first, name, 0) && first.length === name.length;
  if (!startsAt(first, name, 0)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const part of rest) {
    while (at + part.length <= name.length && !startsAt(part, name, at)) at++;
    if (at + part.length > name.length) return false;
    at += part.length;
  }
  return name.length - last.length >= at && startsAt(last, name, name.length - last.length);
}

function startsAt(part: string, name: string, at: number): boolean {
  if (at + part.length > name.length) return false;
  for (let i = 0; i < part.length; i++) {
    if (part[i] !== "?" && part[i] !== name[at + i]) return false;
  }
  return true;
}
