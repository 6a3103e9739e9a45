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
  const last = table === null ? null : `${schema}.${identifier(table)}`;
  return `do $schema$ begin
  if to_regclass(${literal(last)}) is null then
    perform pg_advisory_xact_lock(hashtextextended(${literal(`godwit creates ${name}`)}, 0));
    if to_regnamespace(${literal(schema)}) is null then create schema ${schema}; end if;
  end if;
end $schema$`;
}

export function textArray(values: readonly string[]): string {
  return values.length === 0 ? "'{}'::text[]" : `array[${values.map(literal).join(", ")}]::text[]`;
}
