/**
 * The tables about images, in the ledger's schema. `import_files` has one row per path, `import_contents` one per
 * distinct content, and `import_hashes` one per distinct look: a million copies of one picture share one hash.
 *
 *   import_files.sha256 ─► import_contents.visual_id, white_id ─► import_hashes
 *
 * People see files and decide about files, so a file keeps its id when it moves. Searches run over hashes.
 */
import { createSchema, identifier, literal, quotedName, textArray } from "../core/sql/quote.ts";
import { keepToOwner } from "../core/sql/row-security.ts";

/**
 * `pending`: to be read. `stored`: its row is in the team's table. `unsupported`, `quarantined`: the reason is stored,
 * and the file is not read again until it changes. `failed`: it could not be read; the next run tries again. `changing`:
 * it is still being written. `missing`, `excluded`: it was there, and is now gone or no longer wanted.
 */
export type FileState =
  | "pending"
  | "stored"
  | "unsupported"
  | "quarantined"
  | "failed"
  | "changing"
  | "missing"
  | "excluded";

/** Names of the tables, quoted. */
export interface ImageTables {
  readonly files: string;
  readonly contents: string;
  readonly hashes: string;
  readonly colours: string;
  readonly scans: string;
  readonly folders: string;
  readonly runs: string;
  readonly batches: string;
  readonly hosts: string;
  readonly origins: string;
  readonly edges: string;
  readonly decisions: string;
}

export function imageTables(schema: string): ImageTables {
  const inSchema = (name: string) => `${identifier(schema)}.${name}`;
  return {
    files: inSchema("import_files"),
    contents: inSchema("import_contents"),
    hashes: inSchema("import_hashes"),
    colours: inSchema("import_colours"),
    scans: inSchema("import_scans"),
    folders: inSchema("import_folders"),
    runs: inSchema("import_runs"),
    batches: inSchema("import_batches"),
    hosts: inSchema("import_hosts"),
    origins: inSchema("import_origins"),
    edges: inSchema("duplicate_edges"),
    decisions: inSchema("duplicate_decisions"),
  };
}

/**
 * Whether any of the tables and indexes is missing. Ask this first: `create index if not exists` locks the table even if
 * there is nothing to create. A run that begins would then wait for every write of another run.
 */
export function imageTablesMissing(schema: string): string {
  const names = [
    ...createImageTables(schema).matchAll(/if not exists (?:(?:U&)?"(?:[^"]|"")+"\.)?(\w+)/g),
  ].map(([, name = ""]) => name);
  return `select count(*) < ${names.length} as missing from pg_class
where relnamespace = to_regnamespace(${literal(quotedName(schema))}) and relname = any (${textArray(names)})`;
}

/** Creates everything that is missing. Run it in a transaction of its own. */
export function createImageTables(schema: string): string {
  const t = imageTables(schema);
  // Not partial: the planner does not use the statistics of a partial index, and then expects a thousand times too many
  // rows.
  const band = (shift: number) =>
    `create index if not exists import_hashes_band_${shift} on ${t.hashes} (${bandOf("hash", shift)}) include (hash, id)`;
  return [
    createSchema(schema, null),
    // The 64-bit hash as a signed number, because PostgreSQL has no unsigned type.
    `create table if not exists ${t.hashes} (
  id bigint generated always as identity primary key,
  hash bigint not null,
  hash_256 bit(256) not null,
  low_information boolean not null,
  compared boolean not null default false,
  unique (hash, hash_256, low_information))`,
    ...BAND_SHIFTS.map(band),
    `create index if not exists import_hashes_new on ${t.hashes} (id) where not compared`,
    `create table if not exists ${t.contents} (
  sha256 bytea primary key,
  format text not null,
  width integer not null,
  height integer not null,
  has_alpha boolean not null,
  orientation smallint not null,
  hash_source text not null,
  hash_version smallint not null,
  hash_size smallint not null,
  phash text not null,
  phash_256 text not null,
  visual_id bigint not null references ${t.hashes},
  white_id bigint references ${t.hashes})`,
    `create index if not exists import_contents_visual on ${t.contents} (visual_id)`,
    `create index if not exists import_contents_white on ${t.contents} (white_id) where white_id is not null`,
    // Contents of earlier releases have no colours until their files are read again.
    `create table if not exists ${t.colours} (
  sha256 bytea primary key references ${t.contents} on delete cascade,
  grid bytea not null)`,
    `create table if not exists ${t.scans} (
  id bigint generated always as identity primary key,
  import text not null,
  origin text not null,
  started_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz)`,
    `create table if not exists ${t.folders} (
  import text not null,
  path text not null,
  scan bigint not null,
  state text not null)`,
    `create unique index if not exists import_folders_path on ${t.folders} (import, md5(path))`,
    `create table if not exists ${t.files} (
  id bigint generated always as identity primary key,
  import text not null,
  path text not null,
  size bigint not null,
  mtime bigint not null,
  state text not null,
  sha256 bytea references ${t.contents},
  code text,
  reason text,
  attempts smallint not null default 0,
  scan bigint not null,
  first_seen_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp())`,
    // A path may be longer than a b-tree entry can be.
    `create unique index if not exists import_files_path on ${t.files} (import, md5(path))`,
    `create index if not exists import_files_sha256 on ${t.files} (sha256)`,
    `create index if not exists import_files_state on ${t.files} (import, state)`,
    `create table if not exists ${t.runs} (
  run_id uuid not null,
  import text not null,
  state text not null,
  host text not null,
  pid integer not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  figures jsonb not null default '{}',
  primary key (import, run_id))`,
    `create table if not exists ${t.batches} (
  import text not null,
  run_id uuid not null,
  number integer not null,
  files integer not null,
  bytes bigint not null,
  state text not null,
  done integer not null default 0,
  failed integer not null default 0,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (import, run_id, number))`,
    `create table if not exists ${t.hosts} (
  host text not null,
  port integer not null,
  pin text not null,
  trusted_at timestamptz not null default clock_timestamp(),
  primary key (host, port))`,
    // A folder of a machine has no host: containers change theirs with every start.
    `create table if not exists ${t.origins} (
  import text primary key,
  kind text not null,
  host text,
  port integer,
  host_key text,
  base text not null,
  bound_at timestamptz not null default clock_timestamp())`,
    `create table if not exists ${t.edges} (
  left_id bigint not null references ${t.hashes} on delete cascade,
  right_id bigint not null references ${t.hashes} on delete cascade,
  distance smallint not null,
  distance_256 smallint not null,
  primary key (left_id, right_id),
  check (left_id < right_id))`,
    `create index if not exists duplicate_edges_right on ${t.edges} (right_id)`,
    `create table if not exists ${t.decisions} (
  left_file bigint not null references ${t.files} on delete cascade,
  right_file bigint not null references ${t.files} on delete cascade,
  verdict text not null,
  kept_file bigint,
  decided_by text not null default session_user,
  decided_at timestamptz not null default clock_timestamp(),
  primary key (left_file, right_file),
  check (left_file < right_file))`,
    keepToOwner(
      schema,
      Object.values(t).map((name) => name.slice(name.lastIndexOf(".") + 1)),
    ).replace(/;$/, ""),
  ].join(";\n");
}

/** A search for a 64-bit hash uses four bands of 16 bits. */
export const BAND_SHIFTS = [48, 32, 16, 0] as const;

/** The expression that the band's index is built on. A query must spell it in the same way. */
export function bandOf(column: string, shift: number): string {
  return `(((${column} >> ${shift}) & 65535)::integer)`;
}
