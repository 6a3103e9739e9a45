/**
 * Values and names as SQL text, for messages that must not wait for a prepared statement. All of it is ASCII: it
 * means the same whatever `client_encoding` a migration has set, and whatever the database's own encoding is.
 */
import { escapeText, escapeValue, isPlain, isStorable } from "./stored.ts";

/** A name in a statement. For text that the server takes apart itself, such as `to_regclass('...')`: `quotedName`. */
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

/** A name in double quotes, its characters as they are. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * An expression for a value. Safe whatever `standard_conforming_strings` says: a backslash makes it an `E''` string.
 * Characters beyond ASCII are bytes that the server decodes: in a database of encoding SQL_ASCII it has no other way.
 */
export function literal(value: string | number | boolean | null): string {
  if (typeof value !== "string" || isAscii(value)) return quoted(value);
  return `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(value, "utf8").toString("hex")}', 'hex'), 'UTF8')`;
}

/** A literal whose characters stay as they are, for text that is the author's. */
export function quoted(value: string | number | boolean | null): string {
  if (value === null) return "null";
  if (typeof value !== "string") return String(value);
  if (!/['\\]/.test(value)) return `'${value}'`;
  const doubled = `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return value.includes("\\") ? ` E${doubled}` : doubled;
}

/**
 * An expression for text in a table of ours; `restored` reads it back. It never fails for a character that the
 * database cannot hold: such text is stored escaped.
 */
export function stored(value: string | number | boolean | null): string {
  if (typeof value !== "string" || isPlain(value)) return literal(value);
  return whereItFits(isStorable(value) ? value : null, escapeText(value));
}

/** The same for JSON. */
export function storedJson(value: unknown): string {
  const [text, escaped] = [JSON.stringify(value), JSON.stringify(escapeValue(value))];
  if (isAscii(text) && text === escaped) return `${literal(text)}::jsonb`;
  // Escapes of JSON itself, such as that of a lone surrogate, are no text of a database.
  const fits = JSON.stringify(escapeValue(value, isStorable)) === text;
  return `(${whereItFits(fits ? text : null, escaped)})::jsonb`;
}

/**
 * The text itself where the database holds all of Unicode, else the escaped one. `concat` is not immutable, which
 * keeps the planner from decoding ahead of time what the encoding cannot hold.
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
 * Comes before whatever creates tables in a schema of ours. `if not exists` is no protection against two who create at
 * once (both look, then both create), and they may hold locks of different names: those of an import and of migrations.
 * So one transaction at a time creates. Where `table`, which is created last, is there, nobody waits for anybody; `null`
 * says that it is known to be missing.
 *
 * `create schema if not exists` asks for the privilege to create even where the schema exists.
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
