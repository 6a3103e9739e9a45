/**
 * node-pg-migrate: `pgmigrations (id, name, run_on)`, ordered by `run_on` and `id`. The tool checks this order against
 * its files.
 */
import { rowWriter } from "./row-writer.ts";
import { history, INTEGER, selectText, TEXT, type Tool } from "./tool.ts";

export const nodePgMigrate: Tool = {
  name: "node-pg-migrate",
  title: "node-pg-migrate",
  table: "pgmigrations",
  layouts: ["node-pg-migrate"],
  shape: {
    columns: { id: INTEGER, name: TEXT, run_on: /^timestamp/ },
    brand: /^pgmigrations/i,
    loose: /migrat/i,
    schema: "public",
  },
  select: (table) => selectText(table, ["name", "run_on"], "order by t.run_on, t.id"),
  read: (rows) =>
    history(
      rows.map(({ name, run_on }) => ({
        keys: [name ?? ""],
        name: name ?? "",
        checksum: null,
        at: run_on ?? null,
      })),
    ),
  advisoryKeys: () => [7_241_865_325_823_964n],
  writer: rowWriter({
    at: { schema: "public", name: "pgmigrations" },
    columns: { id: "integer", name: "character varying", run_on: "timestamp" },
    definition: "(id serial primary key, name varchar(255) not null, run_on timestamp not null)",
    key: "name",
    named: (revision) => revision,
    // Rows of one transaction of the tool share a time. The id then decides.
    row: () => ({ run_on: "clock_timestamp()" }),
  }),
};
