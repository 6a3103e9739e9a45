/**
 * What a scan has seen. Each scan has a number, and every file that it sees gets that number. A file with an older
 * number was not there when the scan completed.
 *
 *   begun ─ folders found, read one by one ─► every folder read or unreadable ─► completed
 *
 * A folder is marked as read in the transaction that records its files. A scan that was interrupted goes on with the
 * remaining folders. Only a completed scan may say that a file is missing, and never below a folder that it could not
 * read.
 */
import type { Connection, Row } from "../database/connection.ts";
import { type FileState, imageTables } from "./sql.ts";

export interface ListedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** A file that will not be read, and why. This is known from the listing alone. */
  readonly verdict: { readonly state: FileState; readonly code: string; readonly reason: string } | null;
}

export interface FolderFound {
  readonly path: string;
  /** `unfollowed`: a link, to a folder or to a file, that leads out of the base. */
  readonly state: "found" | "read" | "unreadable" | "unfollowed";
}

export interface Scan {
  readonly id: string;
  /** If an interrupted scan goes on: the remaining folders. */
  readonly folders: readonly string[];
  /** The folders that it could not read. */
  readonly unreadable: readonly string[];
}

/** How many images an import has, and what a completed scan no longer found of them. */
export interface Gone {
  readonly known: number;
  readonly gone: number;
  /** How many an earlier scan has marked as missing. */
  readonly missing: number;
  /** A few of those that are gone. */
  readonly examples: readonly string[];
}

/** A scan that was interrupted longer ago than this starts from the beginning, because what it saw may no longer be true. */
const RESUME_WITHIN = "1 hour";

export function createScans(schema: string, importName: string) {
  const t = imageTables(schema);
  const UNSEEN = `f.import = $1 and f.scan < $2 and f.state not in ('missing', 'excluded')
  and not exists (select from ${t.folders} u where u.import = $1 and u.scan = $2 and u.state in ('unreadable', 'unfollowed')
    and (f.path = u.path or starts_with(f.path, u.path || '/')))`;
  const away = (state: string) =>
    `state = ${state}, size = case state when 'stored' then size else -1 end, changed_at = clock_timestamp()`;
  return {
    async begin(connection: Connection, origin: string): Promise<Scan> {
      const open = await connection.query<Row & { id: string }>(
        `select id::text as id from ${t.scans} where import = $1 and origin = $2 and completed_at is null
         and started_at > clock_timestamp() - interval '${RESUME_WITHIN}'
         and id = (select max(id) from ${t.scans} where import = $1)`,
        [importName, origin],
      );
      const [earlier] = open.rows;
      if (earlier !== undefined) {
        const { rows } = await connection.query<Row & FolderFound>(
          `select path, state from ${t.folders} where import = $1 and scan = $2 and state <> 'read' order by path collate "C"`,
          [importName, earlier.id],
        );
        const pathsOf = (state: string) => rows.filter((row) => row.state === state).map((row) => row.path);
        const folders = pathsOf("found");
        if (folders.length > 0) return { id: earlier.id, folders, unreadable: pathsOf("unreadable") };
      }
      const { rows } = await connection.query<Row & { id: string }>(
        `insert into ${t.scans} (import, origin) values ($1, $2) returning id::text as id`,
        [importName, origin],
      );
      const id = rows[0]?.id ?? "";
      await this.recordFolders(connection, id, [{ path: "", state: "found" }]);
      return { id, folders: [""], unreadable: [] };
    },

    async recordFolders(
      connection: Connection,
      scan: string,
      folders: readonly FolderFound[],
    ): Promise<void> {
      if (folders.length === 0) return;
      await connection.query(
        `insert into ${t.folders} as k (import, path, scan, state)
select $1, path, $2, state from unnest($3::text[], $4::text[]) as n (path, state)
on conflict (import, md5(path)) do update set scan = excluded.scan, state = excluded.state
where not (excluded.state = 'found' and k.scan = excluded.scan)`,
        [importName, scan, folders.map((each) => each.path), folders.map((each) => each.state)],
      );
    },

    /**
     * New and changed files are to be read. Files that failed, were being written, or were refused by the database are
     * tried again, because the database may accept them now.
     */
    async recordFiles(connection: Connection, scan: string, seen: readonly ListedFile[]): Promise<void> {
      if (seen.length === 0) return;
      await connection.query(
        `insert into ${t.files} as f (import, path, size, mtime, state, code, reason, scan)
select $1, path, size, mtime, coalesce(verdict, 'pending'), code, reason, $2
from unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[]) as n (path, size, mtime, verdict, code, reason)
on conflict (import, md5(path)) do update set scan = excluded.scan, size = excluded.size, mtime = excluded.mtime,
  state = case
    when excluded.state <> 'pending' then excluded.state
    when f.size <> excluded.size or f.mtime <> excluded.mtime then 'pending'
    when f.state in ('missing', 'excluded') then case when f.sha256 is null then 'pending' else 'stored' end
    when f.state in ('failed', 'changing') or f.code = 'FILE_REFUSED' then 'pending'
    else f.state end,
  code = case when excluded.state <> 'pending' then excluded.code
    when f.size = excluded.size and f.mtime = excluded.mtime and f.state in ('unsupported', 'quarantined') then f.code end,
  reason = case when excluded.state <> 'pending' then excluded.reason
    when f.size = excluded.size and f.mtime = excluded.mtime and f.state in ('unsupported', 'quarantined') then f.reason end,
  attempts = case when f.size = excluded.size and f.mtime = excluded.mtime then f.attempts else 0 end`,
        [
          importName,
          scan,
          seen.map((each) => each.path),
          seen.map((each) => String(each.sizeBytes)),
          seen.map((each) => String(each.mtimeMs)),
          seen.map((each) => each.verdict?.state ?? null),
          seen.map((each) => each.verdict?.code ?? null),
          seen.map((each) => each.verdict?.reason ?? null),
        ] as never,
      );
    },

    /** Files that existed before, and that this scan could have seen but did not, in the order of their ids. */
    async unseen(connection: Connection, scan: string, { after, limit }: { after: string; limit: number }) {
      const { rows } = await connection.query<Row & { id: string; path: string }>(
        `select f.id::text as id, f.path from ${t.files} f where ${UNSEEN} and f.id > $3 order by f.id limit $4`,
        [importName, scan, after, limit],
      );
      return rows;
    },

    /**
     * Counts the images that are gone. One that has only moved is not gone: a new file has its size and its time. Its
     * content is known later, when it is read.
     */
    async gone(connection: Connection, scan: string): Promise<Gone> {
      const { rows } = await connection.query<Row & Gone>(
        `with lost as (
  select f.size, f.mtime, count(*) as n, min(f.path collate "C") as path from ${t.files} f where ${UNSEEN} and f.sha256 is not null group by 1, 2
), arrived as (
  select size, mtime, count(*) as n from ${t.files} where import = $1 and scan = $2 and state = 'pending' and sha256 is null group by 1, 2
), gone as (
  select l.path, l.n - coalesce(a.n, 0) as n from lost l left join arrived a using (size, mtime) where l.n > coalesce(a.n, 0)
)
select (select count(*)::float8 from ${t.files} where import = $1 and sha256 is not null and state not in ('missing', 'excluded')) as known,
  (select count(*)::float8 from ${t.files} where import = $1 and sha256 is not null and state = 'missing') as missing,
  (select coalesce(sum(n), 0)::float8 from gone) as gone,
  array(select path from gone order by path collate "C" limit 3) as examples`,
        [importName, scan],
      );
      return rows[0] ?? { known: 0, gone: 0, missing: 0, examples: [] };
    },

    /** Marks every file as missing that this scan could have seen but did not. */
    async markUnseen(connection: Connection, scan: string): Promise<void> {
      await connection.query(`update ${t.files} f set ${away("'missing'")} where ${UNSEEN}`, [
        importName,
        scan,
      ]);
    },

    /**
     * Stores a size that no file has, which means "not known". A file that was not stored as last seen is read when it
     * comes back, whatever it then looks like.
     */
    async mark(connection: Connection, ids: readonly string[], state: FileState): Promise<void> {
      if (ids.length === 0) return;
      await connection.query(`update ${t.files} set ${away("$2")} where id = any($1::bigint[])`, [
        ids,
        state,
      ]);
    },

    /**
     * Hashes files again if they were hashed in another way than now. The files that are left show how far this has
     * come.
     */
    async expire(
      connection: Connection,
      hash: { readonly version: number; readonly size: number },
    ): Promise<void> {
      await connection.query(
        `update ${t.files} f set state = 'pending' from ${t.contents} c
where f.import = $1 and f.state = 'stored' and c.sha256 = f.sha256 and (c.hash_version <> $2 or c.hash_size <> $3)`,
        [importName, hash.version, hash.size],
      );
      // Files that are missing or excluded are read when they come back: another file may have renewed the content by
      // then.
      await connection.query(
        `update ${t.files} f set size = -1 from ${t.contents} c
where f.import = $1 and f.state in ('missing', 'excluded') and c.sha256 = f.sha256
  and (c.hash_version <> $2 or c.hash_size <> $3)`,
        [importName, hash.version, hash.size],
      );
    },

    /** The value last passed to `begin`. `undefined` if nothing was ever imported. */
    async lastOrigin(connection: Connection): Promise<string | undefined> {
      const { rows } = await connection.query<Row & { origin: string }>(
        `select origin from ${t.scans} where import = $1 order by id desc limit 1`,
        [importName],
      );
      return rows[0]?.origin;
    },

    /** The number of stored files that an earlier release read without their colours. */
    async withoutColours(connection: Connection): Promise<number> {
      const { rows } = await connection.query<Row & { files: number }>(
        `select count(*)::float8 as files from ${t.files} f where f.import = $1 and f.state = 'stored'
  and not exists (select from ${t.colours} k where k.sha256 = f.sha256)`,
        [importName],
      );
      return rows[0]?.files ?? 0;
    },

    /** Marks these files to be read again. */
    async expireColours(connection: Connection): Promise<void> {
      await connection.query(
        `update ${t.files} f set state = 'pending' where f.import = $1 and f.state = 'stored'
  and not exists (select from ${t.colours} k where k.sha256 = f.sha256)`,
        [importName],
      );
    },

    async complete(connection: Connection, scan: string): Promise<void> {
      await connection.query(`update ${t.scans} set completed_at = clock_timestamp() where id = $1`, [scan]);
      await connection.query(`delete from ${t.folders} where import = $1 and scan < $2`, [importName, scan]);
    },
  };
}

export type Scans = ReturnType<typeof createScans>;
