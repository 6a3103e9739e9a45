/** What may be a password in the address of a database or of files, well formed or not: to know it when it is met again. */

/** Every reading of the text counts, because nobody knows where the password of a malformed one begins or ends. */
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

/** `//u:p:w` may hold `p:w` and `w`; a scheme and the // behind it are no password. */
function behindColons(text: string): readonly string[] {
  const parts: string[] = [];
  for (let at = text.indexOf(":"); at !== -1 && parts.length < MOST_COLONS; at = text.indexOf(":", at + 1))
    if (!text.startsWith("//", at + 1)) parts.push(text.slice(at + 1));
  return parts;
}

/** User, host and database: whoever uses one of them as a password has no secret, and hiding it would hide them all. */
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
