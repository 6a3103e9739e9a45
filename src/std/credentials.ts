/**
 * Finds what may be a password in the address of a database or of files, well formed or not. It can then be recognised
 * elsewhere.
 */

/** Every possible reading of the text counts. In a malformed address nobody knows where the password begins or ends. */
export function passwordsIn(address: string): readonly string[] {
  const text = address.trim();
  const found = new Set<string>();
  const ends = new Set([text.indexOf("@"), text.lastIndexOf("@")]);
  ends.delete(-1);
  if (ends.size === 0) {
    const rest = text.replace(/^[a-z][a-z0-9+.-]{0,40}:\/\//i, "");
    const [, word = ""] = /^[^:/?]*:([^/?,]+)/.exec(rest) ?? [];
    if (!/^\d{1,5}$/.test(word)) found.add(word);
  }
  for (const end of ends) for (const part of behindColons(text.slice(0, end))) found.add(part);
  for (const [, quoted, bare] of text.matchAll(SETTING)) found.add(quoted ?? bare ?? "");
  const others = new Set(withoutPasswords(text, found));
  return [...found].flatMap((one) => [one, decoded(one)]).filter((one) => one !== "" && !others.has(one));
}

const SETTING = /password\s{0,9}=\s{0,9}(?:'((?:[^'\\]|\\.){1,999})'|([^\s&'"]+))/gi;
const MOST_COLONS = 8;

/** `//u:p:w` may hold the passwords `p:w` and `w`. A scheme and the `//` after it are not a password. */
function behindColons(text: string): readonly string[] {
  const parts: string[] = [];
  for (let at = text.indexOf(":"); at !== -1 && parts.length < MOST_COLONS; at = text.indexOf(":", at + 1))
    if (!text.startsWith("//", at + 1)) parts.push(text.slice(at + 1));
  return parts;
}

/** User, host and database. A password equal to one of them is no secret, and hiding it would hide them everywhere. */
function withoutPasswords(text: string, passwords: ReadonlySet<string>): readonly string[] {
  const rest = [...passwords]
    .sort((one, other) => one.length - other.length)
    .reduce((left, one) => left.replace(`:${one}@`, "@"), text.replace(SETTING, "password="));
  return rest.split(/[:/@?&=,]+/).map(decoded);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
