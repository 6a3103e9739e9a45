/**
 * How our tables store text that people wrote (file names, messages, scripts), whatever the encoding of the database. If
 * the encoding holds all of Unicode, text is stored unchanged. Otherwise it is stored in ASCII: `\u:` in front, then
 * each UTF-16 unit beyond ASCII as `\uXXXX` and a backslash as `\\`. The same applies to text that no database can hold
 * (NUL, half of a surrogate pair). Text that happens to begin with `\u:` is escaped as well, so that nothing is
 * ambiguous. Equal texts are stored equally, so the database can compare them.
 */

const MARK = "\\u:";

/** Whether the text is stored unchanged in every encoding. */
export function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII but NUL
  return /^[\x01-\x7f]*$/.test(text) && !text.startsWith(MARK);
}

/** Whether the text is stored unchanged if the encoding holds all of Unicode. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && !text.startsWith(MARK) && !LONE_SURROGATE.test(text);
}

const LONE_SURROGATE = /\p{Surrogate}/u;

export function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not escaped
  const escaped = text.replace(/\\|[^\x01-\x7f]/g, (unit) =>
    unit === "\\" ? "\\\\" : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${MARK}${escaped}`;
}

/** Escapes every text of a JSON value, except those for which `kept` is true. */
export function escapeValue(value: unknown, kept: (text: string) => boolean = isPlain): unknown {
  return mapTexts(value, (text) => (kept(text) ? text : escapeText(text)));
}

/** Reads back what was stored, in a value, a row or a list of rows. */
export function restored<T>(value: T): T {
  return mapTexts(value, restoreText) as T;
}

function restoreText(text: string): string {
  if (!text.startsWith(MARK)) return text;
  return text
    .slice(MARK.length)
    .replace(/\\(?:\\|u([0-9a-f]{4}))/g, (_, digits?: string) =>
      digits === undefined ? "\\" : String.fromCharCode(Number.parseInt(digits, 16)),
    );
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [change(name), mapTexts(each, change)]),
  );
}
