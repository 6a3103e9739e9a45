/**
 * Liquibase: `databasechangelog`, with a row for every changeset, identified by path, id and author regardless of case.
 * Its lock is a row of `databasechangeloglock`, which stays when a run crashes. A failed changeset leaves no row.
 */
import { posix } from "node:path";
import type { Migration } from "../core/migration.ts";
import { literal } from "../core/sql/quote.ts";
import { matchByKey } from "./match.ts";
import { history, nameOf, selectText, type Tool } from "./tool.ts";

export const liquibase: Tool = {
  name: "liquibase",
  title: "Liquibase",
  table: "databasechangelog",
  layouts: ["liquibase"],
  shape: {
    columns: { id: null, author: null, filename: null, md5sum: null, orderexecuted: null },
    telling: true,
  },
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
    // A checksum of another generation cannot be compared with ours.
    const known = new Set(migrations.flatMap(({ tool }) => (tool?.checksums ?? []).map(generation)));
    const rows = found.rows.map((row) =>
      row.checksum !== null && known.has(generation(row.checksum)) ? row : { ...row, checksum: null },
    );
    return matchByKey({ ...found, rows }, migrations.map(named), normal);
  },
  has(table, { key }) {
    if (key?.columns === undefined) return null;
    const { id, author, filename } = key.columns;
    const path = String.raw`regexp_replace(replace(filename, '\', '/'), '^(classpath:)?([a-z]:)?([.]?/)*', '', 'i')`;
    const same = (column: string, value: unknown) =>
      `lower(${column}) = ${literal(String(value).toLowerCase())}`;
    return `select from ${nameOf(table)} where ${same("id", id)} and ${same("author", author)} and ${same(path, normal(`${filename}`))}`;
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

/** An id is unique only together with its author and its file. */
function named(migration: Migration): Migration {
  const { tool } = migration;
  if (tool?.columns === undefined) return migration;
  const { filename, id, author } = tool.columns;
  return { ...migration, tool: { ...tool, version: `${filename}::${id}::${author}` } };
}

const generation = (checksum: string) => checksum.slice(0, checksum.indexOf(":"));

/** Of a changeset's whole name, the path as Liquibase compares it, in its own capitals. */
export function pathOf(name: string): string {
  return spelled(name.split("::", 1)[0] ?? "");
}

function normal(key: string): string {
  return spelled(key).toLowerCase();
}

function spelled(key: string): string {
  const path = key
    .replace(/^classpath:/i, "")
    .replaceAll("\\", "/")
    .replace(/^[a-z]:/i, "")
    .replace(/^(?:\.?\/)+/, "");
  // Releases differ in whether they leave the `..` of an include in it.
  return path.includes("../") ? posix.normalize(path) : path;
}
