/** Values and names as SQL text, for messages that must not wait for a prepared statement. */

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Safe whatever `standard_conforming_strings` says: a backslash makes it an `E''` string. */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return "null";
  if (typeof value !== "string") return String(value);
  if (!/['\\]/.test(value)) return `'${value}'`;
  const quoted = `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return value.includes("\\") ? ` E${quoted}` : quoted;
}

/** `create schema if not exists` asks for the privilege to create even where the schema exists. */
export function createSchema(name: string): string {
  return `do $schema$ begin if to_regnamespace(${literal(identifier(name))}) is null then create schema ${identifier(name)}; end if; end $schema$`;
}

export function textArray(values: readonly string[]): string {
  return values.length === 0 ? "'{}'::text[]" : `array[${values.map(literal).join(", ")}]::text[]`;
}
