/**
 * `schema_migrations`: four tools keep different tables under this name. Columns and neighbouring tables tell them
 * apart.
 */

import { keyOfDatabase } from "./keys.ts";
import { rowWriter } from "./row-writer.ts";
import { history, INTEGER, type Shape, selectText, TEXT, type TextRow, type Tool } from "./tool.ts";

/** A set of versions. Further columns show that the table belongs to a tool that stores more. */
const SET: Shape = {
  columns: { version: TEXT },
  not: ["checksum", "success", "description", "script", "statements", "run_on", "dirty", "hash", "filename"],
  brand: /^schema_migrations$/i,
  loose: /migrat/i,
};

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
  shape: { ...SET, beside: "ar_internal_metadata" },
  select: (table) => selectText(table, ["version"], "order by length(t.version), t.version"),
  read: byVersion,
  advisoryKeys: (_table, database) => [keyOfDatabase(2_053_462_845n, database)],
};

export const dbmate: Tool = {
  name: "dbmate",
  title: "dbmate",
  table: "schema_migrations",
  layouts: ["dbmate"],
  shape: { ...SET, notBeside: "ar_internal_metadata" },
  select: (table) => selectText(table, ["version"], "order by t.version"),
  read: byVersion,
  writer: rowWriter({
    at: { schema: "public", name: "schema_migrations" },
    columns: { version: "character varying" },
    definition: "(version varchar primary key)",
    key: "version",
  }),
};

/** Ecto locks its table, and so does adopting. */
export const ecto: Tool = {
  name: "ecto",
  title: "Ecto",
  table: "schema_migrations",
  layouts: [],
  shape: {
    columns: { version: INTEGER, inserted_at: /^timestamp/ },
    not: ["dirty"],
    brand: /^schema_migrations$/i,
    loose: /migrat|version|schema/i,
  },
  select: (table) => selectText(table, ["version", "inserted_at"], "order by t.version"),
  read: byVersion,
};
