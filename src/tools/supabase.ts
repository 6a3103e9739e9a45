/**
 * Supabase CLI: `supabase_migrations.schema_migrations (version, statements, name)`. A version is text. The CLI keeps no
 * checksums and takes no lock, and it refuses a version for which it has no file. Hosted projects have columns that its
 * sources do not contain, so every write names its columns.
 */
import { createSchema, literal, textArray } from "../core/sql/quote.ts";
import { supabaseStatements } from "../source/layouts/supabase-statements.ts";
import { versionOf } from "./row-writer.ts";
import { history, type MirroredStep, nameOf, type Relation, selectText, TEXT, type Tool } from "./tool.ts";

export const supabase: Tool = {
  name: "supabase",
  title: "Supabase CLI",
  table: "schema_migrations",
  layouts: ["supabase"],
  shape: {
    ...{ columns: { version: TEXT }, schema: "supabase_migrations", fixed: true },
    moved: { version: TEXT, statements: /^text\[\]$/, name: TEXT },
  },
  select: (table) => selectText(table, ["version", "name"], "order by t.version"),
  read: (rows) =>
    history(
      rows.map(({ version, name }) => ({
        keys: [version ?? ""],
        name: name == null || name === "" ? (version ?? "") : `${version}_${name}`,
        checksum: null,
        at: null,
      })),
    ),
  texts: (table, keys) =>
    table.columns.statements === undefined
      ? null
      : `select t.version as key, array_to_string(t.statements, E'\n;\n') as text from ${nameOf(table)} t where t.statements is not null and t.version = any (${textArray(keys)})`,
  writer: {
    needsFiles: "squashed",
    create(_keys, at) {
      const table: Relation = {
        schema: at?.schema ?? "supabase_migrations",
        name: at?.name ?? "schema_migrations",
        columns: { version: "text", statements: "text[]", name: "text" },
        readable: true,
      };
      return {
        table,
        sql: `${createSchema(table.schema, table.name)}; create table if not exists ${nameOf(table)} (version text not null primary key, statements text[], name text)`,
      };
    },
    present: (table, step) => `select from ${nameOf(table)} where version = ${versionOf(step)}`,
    up(table, step) {
      const row = Object.entries(rowOf(step)).filter(([column]) => table.columns[column] !== undefined);
      return `insert into ${nameOf(table)} (${row.map(([column]) => column).join(", ")}) values (${row.map(([, value]) => value).join(", ")})`;
    },
    down: (table, step) => `delete from ${nameOf(table)} where version = ${versionOf(step)}`,
  },
};

function rowOf(step: MirroredStep): Readonly<Record<string, string>> {
  const name = step.key?.columns?.name ?? step.revision.replace(/^\d+_/, "");
  return {
    version: versionOf(step),
    name: literal(String(name)),
    statements: step.text === null ? "null" : textArray(supabaseStatements(step.text)),
  };
}
