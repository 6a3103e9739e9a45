/** graphile-migrate: `graphile_migrate.migrations`, a chain of hashes. A file is identified by its number. */
import { literal } from "../core/sql/quote.ts";
import { rowWriter } from "./row-writer.ts";
import { history, selectText, TEXT, type Tool } from "./tool.ts";

export const graphileMigrate: Tool = {
  name: "graphile-migrate",
  title: "graphile-migrate",
  table: "migrations",
  layouts: ["graphile-migrate"],
  shape: {
    columns: { hash: TEXT, previous_hash: TEXT, filename: TEXT },
    telling: true,
    schema: "graphile_migrate",
  },
  select: (table) => selectText(table, ["hash", "filename", "date"], "order by t.filename"),
  read: (rows) =>
    history(
      rows.map(({ hash, filename, date }) => ({
        keys: [filename ?? "", (filename ?? "").replace(/\.sql$/, "")],
        name: (filename ?? "").replace(/\.sql$/, ""),
        checksum: hash ?? null,
        at: date ?? null,
      })),
    ),
  advisoryKeys: () => [4_727_445_306_447_283n],
  writer: rowWriter({
    ownFiles: true,
    at: { schema: "graphile_migrate", name: "migrations" },
    columns: { hash: "text", previous_hash: "text", filename: "text", date: "timestamp with time zone" },
    definition:
      "(hash text primary key, previous_hash text references graphile_migrate.migrations, filename text not null, date timestamptz not null default now())",
    key: "filename",
    named: (revision) => `${revision}.sql`,
    row: ({ key }) => ({
      hash: literal(String(key?.columns?.hash ?? "")),
      previous_hash: literal(key?.columns?.previous_hash ?? null),
    }),
  }),
};
