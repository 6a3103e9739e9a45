/**
 * The team's own table, and which column holds what. Rows are written from the ledger's tables. One statement serves new
 * files, changed files and rows that somebody deleted, so that all rows are made in the same way.
 */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection, Row } from "../database/connection.ts";
import { ImportFailed } from "../errors.ts";
import { nearest } from "../std/nearest.ts";
import { imageTables } from "./sql.ts";

/**
 * Everything that a row can hold, and where it comes from (`f` file, `c` content, `v` visual hash, `w` on white, `n`
 * names).
 */
export const FIELDS = {
  import_name: "f.import",
  shop_name: "n.shop",
  template_name: "n.template",
  file_name: "n.file",
  file_path: "f.path",
  file_size: "f.size",
  file_modified_at: "to_timestamp(f.mtime / 1000.0)",
  sha256: "encode(c.sha256, 'hex')",
  width: "c.width",
  height: "c.height",
  format: "c.format",
  has_alpha: "c.has_alpha",
  orientation: "c.orientation",
  phash: "c.phash",
  phash_256: "c.phash_256",
  phash_visual: hex64("v.hash"),
  phash_visual_256: hex256("v.hash_256"),
  phash_white: hex64("w.hash"),
  phash_white_256: hex256("w.hash_256"),
  low_information: "v.low_information",
  hash_algorithm: "'phash'",
  hash_size: "c.hash_size",
  hash_version: "c.hash_version",
  hash_source: "c.hash_source",
  state: "'present'",
} as const;

export type Field = keyof typeof FIELDS;

export interface TableSettings {
  /** `design_images`, optionally with a schema. */
  readonly name: string;
  /** Field → column. A field without a column is not written. */
  readonly columns: Readonly<Partial<Record<Field, string>>>;
}

/** The columns of the table that `godwit init --import` creates. */
export const DEFAULT_COLUMNS: Readonly<Record<Field, string>> = Object.fromEntries(
  Object.keys(FIELDS).map((field) => [field, field]),
) as Record<Field, string>;

export interface FileNames {
  readonly id: string;
  readonly shop: string | null;
  readonly template: string | null;
  readonly file: string;
}

/** The statements for the table, after it was checked. */
export interface Table {
  /** Writes the rows of these files from the ledger's tables. Rows that are already right are not touched. */
  write(connection: Connection, files: readonly FileNames[]): Promise<void>;
  /** The row of a moved file keeps its identity. */
  move(
    connection: Connection,
    moves: readonly { readonly from: string; readonly to: string }[],
  ): Promise<void>;
  /** Ids of stored files without a row, at most `limit`. Somebody deleted the rows, or a backup was restored. */
  absent(connection: Connection, limit: number): Promise<readonly string[]>;
  /** Updates the state of rows whose file is gone, not wanted or no longer a good image, and of those that came back. */
  settle(connection: Connection): Promise<void>;
}

interface Column {
  readonly name: string;
  readonly type: string;
}

export interface TableUse {
  readonly schema: string;
  readonly importName: string;
  /** The side of `phash`. */
  readonly hashSize: number;
}

/** Checks the table against the catalog. Throws `ImportFailed` `IMPORT_TABLE_MISSING` or `IMPORT_TABLE_UNFIT`. */
export async function openTable(
  connection: Connection,
  settings: TableSettings,
  { schema, importName, hashSize }: TableUse,
): Promise<Table> {
  const name = quotedName(settings.name);
  const { rows } = await connection.query<Row & Column>(
    `select a.attname as name, format_type(a.atttypid, null) as type from pg_attribute a
     where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`,
    [name],
  );
  if (rows.length === 0)
    throw new ImportFailed({
      code: "IMPORT_TABLE_MISSING",
      message: `Table ${settings.name}, which import ${importName} writes to, does not exist.`,
      hint: `\`godwit init --import\` writes a migration that creates it, and \`godwit up\` applies it. For a table of your own: imports.${importName}.table in the configuration.`,
    });
  const types = new Map(rows.map((row) => [row.name, row.type]));
  const fields = Object.entries(settings.columns) as [Field, string][];
  for (const [field, column] of fields)
    if (!types.has(column)) throw withoutColumn(settings.name, field, column, [...types.keys()]);
  for (const [field, column] of fields)
    if (types.get(column) === "bigint" && bitsOf(field, hashSize) > 64)
      throw tooNarrow(settings.name, field, column);
  const columnOf = (field: Field) => settings.columns[field];
  const path = columnOf("file_path");
  if (path === undefined)
    throw new ImportFailed({
      code: "IMPORT_TABLE_UNFIT",
      message: `No column of ${settings.name} is configured for file_path, which is needed to find a row again.`,
      hint: "Name one in imports.<name>.table.columns.",
    });
  const named = columnOf("import_name");
  const key = [...(named === undefined ? [] : [named]), path];
  await requireUnique(connection, name, { table: settings.name, key });

  const t = imageTables(schema);
  const columns = fields.map(([, column]) => identifier(column));
  const values = fields.map(([field, column]) => cast(FIELDS[field], types.get(column) ?? "text"));
  const changing = fields.map(([, column]) => column).filter((column) => !key.includes(column));
  const ownRows = named === undefined ? "true" : `t.${identifier(named)} = ${literal(importName)}`;
  const state = columnOf("state");
  const update =
    changing.length === 0
      ? "nothing"
      : `update set ${changing.map((column) => `${identifier(column)} = excluded.${identifier(column)}`).join(", ")}
  where (${changing.map((column) => `t.${identifier(column)}`).join(", ")})
    is distinct from (${changing.map((column) => `excluded.${identifier(column)}`).join(", ")})`;

  return {
    async write(to, files) {
      if (files.length === 0) return;
      await to.query(
        `insert into ${name} as t (${columns.join(", ")})
select ${values.join(",\n  ")}
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as n (id, shop, template, file)
join ${t.files} f on f.id = n.id
join ${t.contents} c on c.sha256 = f.sha256
join ${t.hashes} v on v.id = c.visual_id
left join ${t.hashes} w on w.id = c.white_id
order by f.path collate "C"
on conflict (${key.map(identifier).join(", ")}) do ${update}`,
        [
          files.map((file) => file.id),
          files.map((file) => file.shop),
          files.map((file) => file.template),
          files.map((file) => file.file),
        ] as never,
      );
    },

    async move(to, moves) {
      if (moves.length === 0) return;
      // If the new path already has a row, that row stays. The old one is handled at the end.
      await to.query(
        `update ${name} as t set ${identifier(path)} = m.new_path
from unnest($1::text[], $2::text[]) as m (old_path, new_path)
where ${ownRows} and t.${identifier(path)} = m.old_path
  and not exists (select from ${name} o where ${ownRows.replace("t.", "o.")} and o.${identifier(path)} = m.new_path)`,
        [moves.map((each) => each.from), moves.map((each) => each.to)],
      );
    },

    async absent(to, limit) {
      const found = await to.query<Row & { id: string }>(
        `select f.id::text as id from ${t.files} f
where f.import = $1 and f.state = 'stored'
  and not exists (select from ${name} t where ${ownRows} and t.${identifier(path)} = f.path)
order by f.id limit $2`,
        [importName, limit],
      );
      return found.rows.map((row) => row.id);
    },

    async settle(to) {
      if (state === undefined) return;
      // If the database refused to change a row, the row stays as it is.
      await to.query(
        `update ${name} as t set ${identifier(state)} = case f.state when 'stored' then 'present' else f.state end
from ${t.files} f
where f.import = $1 and ${ownRows} and t.${identifier(path)} = f.path
  and f.state in ('stored', 'missing', 'excluded', 'quarantined', 'unsupported') and f.code is distinct from 'FILE_REFUSED'
  and t.${identifier(state)} is distinct from case f.state when 'stored' then 'present' else f.state end`,
        [importName],
      );
    },
  };
}

function hex64(hash: string): string {
  return `lpad(to_hex(${hash}), 16, '0')`;
}

function hex256(bits: string): string {
  const part = (from: number) =>
    `lpad(to_hex(substring(${bits} from ${from} for 64)::bit(64)::bigint), 16, '0')`;
  return [1, 65, 129, 193].map(part).join(" || ");
}

/** Hashes are stored as hex unless the column's type says otherwise. */
function cast(value: string, type: string): string {
  const hex = /phash|to_hex|encode/.test(value) && value !== "'phash'";
  if (!hex) return `(${value})::${type}`;
  switch (type) {
    case "bigint":
      return `(('x' || lpad(${value}, 16, '0'))::bit(64)::bigint)`;
    case "bytea":
      return `decode(${value}, 'hex')`;
    default:
      return `(${value})::${type}`;
  }
}

function bitsOf(field: Field, hashSize: number): number {
  if (field === "phash") return hashSize ** 2;
  return field.endsWith("_256") || field === "sha256" ? 256 : 0;
}

/** A truncated hash looks like a hash and finds the wrong pictures. */
function tooNarrow(table: string, field: Field, column: string): ImportFailed {
  return new ImportFailed({
    code: "IMPORT_TABLE_UNFIT",
    message: `Column ${column} of ${table} is a bigint, which holds 64 bits, but ${field} has more.`,
    hint: "Make it text, which takes the hash as Python prints it; or name another field for it.",
  });
}

/** `public.design_images` → `"public"."design_images"`. Names are used as written, in lower case unless quoted. */
function quotedName(name: string): string {
  return name
    .split(".")
    .map((part) => (part.startsWith('"') ? part : identifier(part)))
    .join(".");
}

function withoutColumn(
  table: string,
  field: string,
  column: string,
  present: readonly string[],
): ImportFailed {
  const meant = nearest(column, present);
  return new ImportFailed({
    code: "IMPORT_TABLE_UNFIT",
    message: `Table ${table} has no column "${column}" for ${field}.`,
    hint: `${meant === undefined ? "" : `Did you mean ${meant}? `}Its columns: ${present.join(", ")}. imports.<name>.table.columns says which column takes which field.`,
  });
}

/** Without a unique constraint nothing prevents two rows for one file. */
async function requireUnique(
  connection: Connection,
  name: string,
  { table, key }: { readonly table: string; readonly key: readonly string[] },
): Promise<void> {
  const { rows } = await connection.query<Row & { key: readonly string[] }>(
    `select array(select a.attname::text from unnest(i.indkey::smallint[]) k join pg_attribute a
       on a.attrelid = i.indrelid and a.attnum = k order by 1) as key
     from pg_index i where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null`,
    [name],
  );
  const wanted = [...key].sort().join(" ");
  if (rows.some((row) => [...row.key].sort().join(" ") === wanted)) return;
  throw new ImportFailed({
    code: "IMPORT_TABLE_UNFIT",
    message: `Table ${table} has no unique index on (${key.join(", ")}), which is needed to find a row again.`,
    hint: `In a migration: create unique index concurrently on ${table} (${key.join(", ")});`,
  });
}
