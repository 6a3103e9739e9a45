/**
 * Values and names as SQL text, for messages that cannot use a prepared statement. All of the SQL is ASCII. It means the
 * same whatever `client_encoding` a migration has set, and whatever the database's encoding is.
 */
import { escapeText, escapeValue, isPlain, isStorable } from "./stored.ts";

/** A name in a statement. For text that the server parses itself, such as `to_regclass('...')`, use `quotedName`. */
export function identifier(name: string): string {
  if (isAscii(name)) return quotedName(name);
  const escaped = Array.from(name, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === "\\") return "\\\\";
    if (code < 0x80) return character;
    return code > 0xffff
      ? `\\+${code.toString(16).padStart(6, "0")}`
      : `\\${code.toString(16).padStart(4, "0")}`;
  });
  return `U&${quotedName(escaped.join(""))}`;
}

/** A name in double quotes, with its characters unchanged. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * An expression for a value. A backslash makes it an `E''` string, so `standard_conforming_strings` does not matter.
 * Non-ASCII characters become bytes that the server decodes. A database with encoding SQL_ASCII accepts no other form.
 */
export function literal(value: string | number | boolean | null): string {
  if (typeof value !== "string" || isAscii(value)) return quoted(value);
  return `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(value, "utf8").toString("hex")}', 'hex'), 'UTF8')`;
}

/** A literal with its characters unchanged, for text that the author wrote. */
export function quoted(value: string | number | boolean | null): string {
  if (value === null) return "null";
  if (typeof value !== "string") return String(value);
  if (!/['\\]/.test(value)) return `'${value}'`;
  const doubled = `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return value.includes("\\") ? ` E${doubled}` : doubled;
}

/**
 * An expression for text in one of our tables; `restored` reads it back. It never fails because the database cannot hold
 * a character: such text is stored escaped.
 */
export function stored(value: string | number | boolean | null): string {
  if (typeof value !== "string" || isPlain(value)) return literal(value);
  return whereItFits(isStorable(value) ? value : null, escapeText(value));
}

/** The same for JSON. */
export function storedJson(value: unknown): string {
  const [text, escaped] = [JSON.stringify(value), JSON.stringify(escapeValue(value))];
  if (isAscii(text) && text === escaped) return `${literal(text)}::jsonb`;
  // Escapes of JSON itself, such as that of a lone surrogate, produce text that no database can store.
  const fits = JSON.stringify(escapeValue(value, isStorable)) === text;
  return `(${whereItFits(fits ? text : null, escaped)})::jsonb`;
}

/**
 * The text itself if the database holds all of Unicode, and the escaped text otherwise. `concat` is not immutable. This
 * keeps the planner from decoding text early that the encoding cannot hold.
 */
function whereItFits(text: string | null, escaped: string): string {
  if (text === null) return literal(escaped);
  const bytes = Buffer.from(text, "utf8").toString("hex");
  return `case when getdatabaseencoding() in ('UTF8', 'SQL_ASCII') then convert_from(decode(concat('${bytes}'), 'hex'), 'UTF8') else ${literal(escaped)} end`;
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  return /^[\x00-\x7f]*$/.test(text);
}

/**
 * Run this before creating tables in one of our schemas. `if not exists` does not protect two sessions that create at
 * the same time: both check, then both create. The two may hold different locks, one for an import and one for
 * migrations. This statement therefore lets one transaction at a time create. If `table`, which is created last, exists,
 * nobody waits. `null` says that it is known to be missing.
 *
 * `create schema if not exists` needs the privilege to create schemas even if the schema exists.
 */
export function createSchema(name: string, table: string | null): string {
  const schema = identifier(name);
  const text = quotedName(name);
  const last = table === null ? null : `${text}.${quotedName(table)}`;
  return `do $schema$ begin
  if pg_catalog.to_regclass(${literal(last)}) is null then
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${literal(`godwit creates ${name}`)}, 0));
    if pg_catalog.to_regnamespace(${literal(text)}) is null then create schema ${schema}; end if;
  end if;
end $schema$`;
}

export function textArray(values: readonly string[]): string {
  return values.length === 0 ? "'{}'::text[]" : `array[${values.map(literal).join(", ")}]::text[]`;
}

export function storedArray(values: readonly string[]): string {
  return values.length === 0 ? "'{}'::text[]" : `array[${values.map(stored).join(", ")}]::text[]`;
}
