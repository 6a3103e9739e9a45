/**
 * The result for each file. Everything about one file is written in one transaction: its content, its hashes, its state,
 * and (by `table.ts`) its row. Writing the same again changes nothing, so it is safe to repeat after a lost connection.
 */
import type { Connection, Row } from "../database/connection.ts";
import type { FileState } from "./sql.ts";
import { imageTables } from "./sql.ts";

/** One file as it was read and hashed. */
export interface Stored {
  readonly id: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly content: Content;
}

/** What is stored about an image. `pixels/` defines the names. */
export interface Content {
  readonly sha256: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly hasAlpha: boolean;
  readonly orientation: number;
  readonly hashSource: string;
  readonly hashVersion: number;
  readonly hashSize: number;
  readonly phash: string;
  readonly phash256: string;
  readonly visual: string;
  readonly visual256: string;
  readonly white: string | null;
  readonly white256: string | null;
  readonly lowInformation: boolean;
  readonly whiteLowInformation: boolean;
  readonly colours: string;
}

/** A file that gets no row, and why. */
export interface Refused {
  readonly id: string;
  readonly state: Exclude<FileState, "stored">;
  readonly code: string;
  readonly reason: string;
}

export interface Move {
  /** The id that stays. Its row and the decisions about it stay with it. */
  readonly id: string;
  /** The id under which the new path was first seen. It no longer exists. */
  readonly replaced: string;
  readonly from: string;
  readonly to: string;
}

export function createResults(schema: string, importName: string) {
  const t = imageTables(schema);
  return {
    async saveContents(connection: Connection, contents: readonly Content[]): Promise<void> {
      const distinct = [...new Map(contents.map((each) => [each.sha256, each])).values()];
      if (distinct.length === 0) return;
      const looks = distinct.flatMap((each) => [
        { hash: each.visual, hash256: each.visual256, low: each.lowInformation },
        ...(each.white === null || each.white256 === null
          ? []
          : [{ hash: each.white, hash256: each.white256, low: each.whiteLowInformation }]),
      ]);
      // In a fixed order, because two imports may store the same pictures at the same time.
      await connection.query(
        `insert into ${t.hashes} (hash, hash_256, low_information)
select distinct ('x' || h)::bit(64)::bigint as hash, ('x' || h256)::bit(256) as hash_256, low
from unnest($1::text[], $2::text[], $3::boolean[]) as n (h, h256, low) order by 1, 2, 3
on conflict do nothing`,
        [
          looks.map((each) => each.hash),
          looks.map((each) => each.hash256),
          looks.map((each) => each.low),
        ] as never,
      );
      await connection.query(
        `insert into ${t.contents} as k (sha256, format, width, height, has_alpha, orientation, hash_source, hash_version,
  hash_size, phash, phash_256, visual_id, white_id)
select decode(n.sha256, 'hex'), n.format, n.width, n.height, n.has_alpha, n.orientation, n.hash_source, n.hash_version,
  n.hash_size, n.phash, n.phash_256, v.id, w.id
from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::boolean[], $6::smallint[], $7::text[], $8::smallint[], $9::smallint[],
  $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[], $17::boolean[])
  as n (sha256, format, width, height, has_alpha, orientation, hash_source, hash_version, hash_size, phash, phash_256,
    visual, visual_256, white, white_256, low, white_low)
join ${t.hashes} v on v.hash = ('x' || n.visual)::bit(64)::bigint and v.hash_256 = ('x' || n.visual_256)::bit(256)
  and v.low_information = n.low
left join ${t.hashes} w on w.hash = ('x' || n.white)::bit(64)::bigint and w.hash_256 = ('x' || n.white_256)::bit(256)
  and w.low_information = n.white_low
order by 1
on conflict (sha256) do update set hash_version = excluded.hash_version, hash_size = excluded.hash_size,
  phash = excluded.phash, phash_256 = excluded.phash_256, visual_id = excluded.visual_id, white_id = excluded.white_id,
  width = excluded.width, height = excluded.height, format = excluded.format, has_alpha = excluded.has_alpha,
  orientation = excluded.orientation, hash_source = excluded.hash_source
where k.hash_version <> excluded.hash_version or k.hash_size <> excluded.hash_size`,
        [
          distinct.map((each) => each.sha256),
          distinct.map((each) => each.format),
          distinct.map((each) => each.width),
          distinct.map((each) => each.height),
          distinct.map((each) => each.hasAlpha),
          distinct.map((each) => each.orientation),
          distinct.map((each) => each.hashSource),
          distinct.map((each) => each.hashVersion),
          distinct.map((each) => each.hashSize),
          distinct.map((each) => each.phash),
          distinct.map((each) => each.phash256),
          distinct.map((each) => each.visual),
          distinct.map((each) => each.visual256),
          distinct.map((each) => each.white),
          distinct.map((each) => each.white256),
          distinct.map((each) => each.lowInformation),
          distinct.map((each) => each.whiteLowInformation),
        ] as never,
      );
      await connection.query(
        `insert into ${t.colours} (sha256, grid)
select decode(n.sha256, 'hex'), decode(n.grid, 'hex') from unnest($1::text[], $2::text[]) as n (sha256, grid) order by 1
on conflict (sha256) do nothing`,
        [distinct.map((each) => each.sha256), distinct.map((each) => each.colours)],
      );
    },

    /**
     * Finds files that went missing under another path and have the same content. They are matched one to one, the
     * oldest first. Only a path that was never stored can be the new path of a moved file.
     */
    async moves(connection: Connection, stored: readonly Stored[]): Promise<readonly Move[]> {
      if (stored.length === 0) return [];
      const { rows } = await connection.query<Row & Move>(
        `with arrived as (
  select f.id, f.path, f.size, decode(n.sha256, 'hex') as sha256,
    row_number() over (partition by n.sha256 order by f.id) as turn
  from unnest($2::bigint[], $3::text[]) as n (id, sha256) join ${t.files} f on f.id = n.id
  where f.sha256 is null and f.state <> 'stored'),
gone as (
  select f.id, f.path, f.sha256, row_number() over (partition by f.sha256 order by f.id) as turn
  from ${t.files} f where f.import = $1 and f.state = 'missing' and f.sha256 in (select sha256 from arrived))
select gone.id::text as id, arrived.id::text as replaced, gone.path as "from", arrived.path as "to"
from arrived join gone using (sha256, turn)`,
        [importName, stored.map((each) => each.id), stored.map((each) => each.content.sha256)],
      );
      return rows;
    },

    async applyMoves(connection: Connection, moves: readonly Move[]): Promise<void> {
      if (moves.length === 0) return;
      const ids = moves.map((each) => each.id);
      const replaced = moves.map((each) => each.replaced);
      // The new row goes first, because a path is unique.
      await connection.query(
        `with n as (select * from unnest($1::bigint[], $2::bigint[]) as n (id, replaced)),
taken as (delete from ${t.files} f using n where f.id = n.replaced returning f.id, f.size, f.mtime, f.scan)
update ${t.files} f set path = '/' || f.id, size = taken.size, mtime = taken.mtime, scan = taken.scan
from n join taken on taken.id = n.replaced where f.id = n.id`,
        [ids, replaced],
      );
      await connection.query(
        `update ${t.files} f set path = n.path from unnest($1::bigint[], $2::text[]) as n (id, path) where f.id = n.id`,
        [ids, moves.map((each) => each.to)],
      );
    },

    async saveStored(connection: Connection, stored: readonly Stored[]): Promise<void> {
      if (stored.length === 0) return;
      await connection.query(
        `update ${t.files} f set state = 'stored', sha256 = decode(n.sha256, 'hex'), size = n.size, mtime = n.mtime,
  code = null, reason = null, attempts = 0, changed_at = clock_timestamp()
from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) as n (id, sha256, size, mtime) where f.id = n.id`,
        [
          stored.map((each) => each.id),
          stored.map((each) => each.content.sha256),
          stored.map((each) => String(each.sizeBytes)),
          stored.map((each) => String(each.mtimeMs)),
        ],
      );
    },

    async saveRefused(connection: Connection, refused: readonly Refused[]): Promise<void> {
      if (refused.length === 0) return;
      await connection.query(
        `update ${t.files} f set state = n.state, code = n.code, reason = n.reason, attempts = f.attempts + 1,
  changed_at = clock_timestamp()
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as n (id, state, code, reason) where f.id = n.id`,
        [
          refused.map((each) => each.id),
          refused.map((each) => each.state),
          refused.map((each) => each.code),
          refused.map((each) => each.reason),
        ],
      );
    },

    /**
     * All files to read, in the order of paths. It returns only ids and sizes, so that a million files need little
     * memory.
     */
    async pending(
      connection: Connection,
    ): Promise<{ readonly ids: Float64Array; readonly sizes: Float64Array }> {
      const { rows } = await connection.query<Row & { ids: string | null; sizes: string | null }>(
        `select string_agg(id::text, ',' order by path collate "C") as ids,
  string_agg(size::text, ',' order by path collate "C") as sizes
from ${t.files} where import = $1 and state = 'pending'`,
        [importName],
      );
      return { ids: numbersOf(rows[0]?.ids), sizes: numbersOf(rows[0]?.sizes) };
    },

    async filesOf(connection: Connection, ids: readonly string[]) {
      const { rows } = await connection.query<
        Row & { id: string; path: string; sizeBytes: number; mtimeMs: number }
      >(
        `select id::text as id, path, size::float8 as "sizeBytes", mtime::float8 as "mtimeMs" from ${t.files}
where id = any($1::bigint[]) order by path collate "C"`,
        [ids],
      );
      return rows;
    },

    /** The number of files in each state. */
    async count(connection: Connection): Promise<Readonly<Record<FileState, number>>> {
      const { rows } = await connection.query<Row & { state: FileState; n: number }>(
        `select state, count(*)::int as n from ${t.files} where import = $1 group by state`,
        [importName],
      );
      const none = {
        pending: 0,
        stored: 0,
        unsupported: 0,
        quarantined: 0,
        failed: 0,
        changing: 0,
        missing: 0,
        excluded: 0,
      };
      return { ...none, ...Object.fromEntries(rows.map((row) => [row.state, row.n])) };
    },

    /** Files that a person must look at, with the reason, the newest first. */
    async troubles(connection: Connection, limit: number) {
      const { rows } = await connection.query<
        Row & { path: string; state: FileState; code: string; reason: string }
      >(
        `select path, state, code, reason from ${t.files} where import = $1 and state in ('quarantined', 'failed', 'changing')
order by state, path collate "C" limit $2`,
        [importName, limit],
      );
      return rows;
    },
  };
}

export type Results = ReturnType<typeof createResults>;

function numbersOf(text: string | null | undefined): Float64Array {
  if (text === null || text === undefined) return new Float64Array();
  let count = 1;
  for (let at = text.indexOf(","); at !== -1; at = text.indexOf(",", at + 1)) count++;
  const numbers = new Float64Array(count);
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = text.indexOf(",", start);
    numbers[index] = Number(text.slice(start, end === -1 ? undefined : end));
    start = end + 1;
  }
  return numbers;
}
