/**
 * node-pg-migrate: `pgmigrations (id, name, run_on)`, ordered by `run_on` and `id`. The tool checks this order against
 * its files.
 */
import { literal, textArray } from "../core/sql/quote.ts";
import { rowWriter } from "./row-writer.ts";
import {
  history,
  INTEGER,
  type MirroredStep,
  nameOf,
  type Relation,
  selectText,
  TEXT,
  type Tool,
} from "./tool.ts";

const rows = rowWriter({
  needsFiles: "always",
  at: { schema: "public", name: "pgmigrations" },
  columns: { id: "integer", name: "character varying", run_on: "timestamp" },
  definition: "(id serial primary key, name varchar(255) not null, run_on timestamp not null)",
  key: "name",
  named: (revision) => revision,
});

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
  writer: { ...rows, up },
};

/**
 * A row that is written late goes between those of its neighbours, because the tool refuses a history whose order is
 * not that of the files. Rows of one time are told apart by their ids, and a new id is the greatest. The column has no
 * time zone, so the rows of another session may seem to be later than now.
 */
function up(table: Relation, step: MirroredStep): string {
  const { below, above } = step.around?.() ?? { below: [], above: [] };
  const name = nameOf(table);
  const insert = `insert into ${name} (name, run_on) values (${literal(step.key?.version ?? step.revision)},`;
  if (above.length === 0) return `${insert} greatest(clock_timestamp(), (select max(run_on) from ${name})))`;
  const last = `(select max(run_on) from ${name} where name = any (${textArray(below)}))`;
  const next = `(select min(run_on) from ${name} where name = any (${textArray(above)}))`;
  const tick = "interval '1 microsecond'";
  return `update ${name} set run_on = run_on + ${tick} where name = any (${textArray(above)}) and ${last} >= ${next};
${insert} coalesce(${last}, ${next} - ${tick}))`;
}
