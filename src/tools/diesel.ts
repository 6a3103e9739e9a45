/** diesel: `__diesel_schema_migrations (version, run_on)`. */
import { rowWriter } from "./row-writer.ts";
import { history, selectText, TEXT, type Tool } from "./tool.ts";

export const diesel: Tool = {
  name: "diesel",
  title: "diesel",
  table: "__diesel_schema_migrations",
  layouts: ["diesel"],
  shape: { columns: { version: TEXT, run_on: /^timestamp/ }, brand: /diesel/i },
  select: (table) => selectText(table, ["version", "run_on"], "order by t.version"),
  read: (rows) =>
    history(
      rows.map(({ version, run_on }) => ({
        keys: [version ?? ""],
        name: version ?? "",
        checksum: null,
        at: run_on ?? null,
      })),
    ),
  writer: rowWriter({
    at: { schema: "public", name: "__diesel_schema_migrations" },
    columns: { version: "character varying", run_on: "timestamp" },
    definition:
      "(version varchar(50) primary key not null, run_on timestamp not null default current_timestamp)",
    key: "version",
  }),
};
