/** sqlx: `_sqlx_migrations`, with the SHA-384 of each file, which it compares on every run. */
import { literal } from "../core/sql/quote.ts";
import { keyOfDatabase } from "./keys.ts";
import { rowWriter } from "./row-writer.ts";
import { BOOLEAN, failed, INTEGER, nameOf, selectText, type Tool } from "./tool.ts";

export const sqlx: Tool = {
  name: "sqlx",
  title: "sqlx",
  table: "_sqlx_migrations",
  layouts: ["sqlx"],
  shape: {
    columns: { version: INTEGER, checksum: /^bytea$/, success: BOOLEAN },
    more: ["description", "installed_on", "execution_time"],
    not: ["installed_rank"],
    telling: true,
  },
  select: (table) =>
    selectText(
      table,
      ["version", "description", "installed_on", "success", "checksum"],
      "order by t.version",
    ),
  read: (rows, table) => ({
    rows: rows
      .filter(({ success }) => success === "true")
      .map(({ version, description, installed_on, checksum }) => ({
        keys: [version ?? ""],
        name: [version, description?.replaceAll(" ", "_")].filter(Boolean).join("_"),
        checksum: checksum?.replace(/^\\x/, "") ?? null,
        at: installed_on ?? null,
      })),
    problems: rows
      .filter(({ success }) => success !== "true")
      .map(({ version }) =>
        failed(
          `sqlx began ${version} outside a transaction and it failed; its history says so (success = false).`,
          `Look at what of it is in the database. Complete it and say: update ${nameOf(table)} set success = true where version = ${version}; or undo it and say: delete from ${nameOf(table)} where version = ${version};`,
        ),
      ),
    warnings: [],
  }),
  advisoryKeys: (_table, database) => [keyOfDatabase(0x3d32ad9en, database)],
  mayNotLock: true,
  writer: rowWriter({
    needsFiles: "always",
    ownFiles: true,
    at: { schema: "public", name: "_sqlx_migrations" },
    columns: { version: "bigint", description: "text", success: "boolean", checksum: "bytea" },
    definition: `(version bigint primary key, description text not null, installed_on timestamptz not null default now(),
  success boolean not null, checksum bytea not null, execution_time bigint not null)`,
    key: "version",
    compared: "checksum",
    row: ({ key, revision }) => ({
      description: literal(String(key?.columns?.description ?? revision)),
      success: "true",
      checksum: `decode(${literal(key?.checksums[0] ?? "")}, 'hex')`,
      execution_time: "0",
    }),
  }),
};
