/**
 * Liquibase: `databasechangelog`, a row for every changeset, known by path, id and author in any capitals. Its lock is a
 * row of `databasechangeloglock`, which stays when a run dies. A failed changeset leaves no row.
 */
import type { Migration } from "../core/migration.ts";
import { matchByKey } from "./match.ts";
import { hasColumns, history, nameOf, selectText, type Tool } from "./tool.ts";

export const liquibase: Tool = {
  name: "liquibase",
  title: "Liquibase",
  table: "databasechangelog",
  layouts: ["liquibase"],
  recognise: (table) =>
    hasColumns(table, { id: null, author: null, filename: null, md5sum: null, orderexecuted: null }),
  select: (table) =>
    selectText(
      table,
      ["id", "author", "filename", "md5sum", "dateexecuted", "exectype"],
      "order by t.orderexecuted, t.dateexecuted",
    ),
  read: (rows) =>
    history(
      rows
        .filter(({ exectype }) => ["EXECUTED", "RERAN", "MARK_RAN"].includes(exectype ?? "EXECUTED"))
        .map(({ id, author, filename, md5sum, dateexecuted }) => {
          const name = `${filename}::${id}::${author}`;
          const aliases = [`${id}::${author}`.toLowerCase()];
          return { keys: [name], name, checksum: md5sum ?? null, at: dateexecuted ?? null, aliases };
        }),
    ),
  match(found, migrations) {
    // A checksum of another generation than ours says nothing.
    const known = new Set(migrations.flatMap(({ tool }) => (tool?.checksums ?? []).map(generation)));
    const rows = found.rows.map((row) =>
      row.checksum !== null && known.has(generation(row.checksum)) ? row : { ...row, checksum: null },
    );
    return matchByKey({ ...found, rows }, migrations.map(named), normal);
  },
  lockedBy(table, all) {
    const lock = all.find(
      ({ schema, name }) =>
        schema === table.schema && name.toLowerCase() === `${table.name.toLowerCase()}lock`,
    );
    if (lock === undefined) return null;
    return `select lockedby as who, 'liquibase release-locks' as release from ${nameOf(lock)} where locked`;
  },
};

/** An id is one only together with its author and its file. */
function named(migration: Migration): Migration {
  const { tool } = migration;
  if (tool?.columns === undefined) return migration;
  const { filename, id, author } = tool.columns;
  return { ...migration, tool: { ...tool, version: `${filename}::${id}::${author}` } };
}

const generation = (checksum: string) => checksum.slice(0, checksum.indexOf(":"));

function normal(key: string): string {
  return key
    .replace(/^classpath:/i, "")
    .replaceAll("\\", "/")
    .replace(/^[a-z]:/i, "")
    .replace(/^\/+/, "")
    .toLowerCase();
}
