/** `schema_migrations`: the one name under which four tools keep different tables; columns and neighbours tell them apart. */
import { keepRows } from "./keep.ts";
import { keyOfDatabase } from "./keys.ts";
import {
  hasColumns,
  hasOnly,
  history,
  INTEGER,
  type Relation,
  selectText,
  TEXT,
  type TextRow,
  type Tool,
} from "./tool.ts";

/** A set of versions and nothing else. */
function isPlainSet(table: Relation): boolean {
  return (
    hasColumns(table, { version: TEXT }) &&
    hasOnly(table, "version") &&
    /migrat/i.test(table.name) &&
    table.schema !== "supabase_migrations"
  );
}

function isRails(table: Relation, all: readonly Relation[]): boolean {
  return all.some(({ schema, name }) => schema === table.schema && name === "ar_internal_metadata");
}

const byVersion = (rows: readonly TextRow[]) =>
  history(
    rows.map(({ version, inserted_at }) => ({
      keys: [version ?? ""],
      name: version ?? "",
      checksum: null,
      at: inserted_at ?? null,
    })),
  );

export const rails: Tool = {
  name: "rails",
  title: "Rails",
  table: "schema_migrations",
  layouts: [],
  recognise: (table, all) => isPlainSet(table) && isRails(table, all),
  select: (table) => selectText(table, ["version"], "order by length(t.version), t.version"),
  read: byVersion,
  advisoryKeys: (_table, database) => [keyOfDatabase(2_053_462_845n, database)],
};

export const dbmate: Tool = {
  name: "dbmate",
  title: "dbmate",
  table: "schema_migrations",
  layouts: ["dbmate"],
  recognise: (table, all) => isPlainSet(table) && !isRails(table, all),
  select: (table) => selectText(table, ["version"], "order by t.version"),
  read: byVersion,
  keep: keepRows({
    at: { schema: "public", name: "schema_migrations" },
    columns: { version: "character varying" },
    definition: "(version varchar primary key)",
    key: "version",
  }),
};

/** It locks its table, which is what adopting does too. */
export const ecto: Tool = {
  name: "ecto",
  title: "Ecto",
  table: "schema_migrations",
  layouts: [],
  recognise: (table) =>
    hasColumns(table, { version: INTEGER, inserted_at: /^timestamp/ }) &&
    hasOnly(table, "version", "inserted_at"),
  select: (table) => selectText(table, ["version", "inserted_at"], "order by t.version"),
  read: byVersion,
};
