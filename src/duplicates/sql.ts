/** Every statement of the duplicate search, as text. */
import { literal, quotedName } from "../core/sql/quote.ts";
import { BAND_SHIFTS, bandOf, imageTables } from "../images/sql.ts";
import { MAX_NEIGHBOURS, STORED_256, STORED_RADIUS } from "./limits.ts";

export type DuplicateSql = ReturnType<typeof duplicateSql>;

/** The statements for the tables in `schema` on a server of `version` (180004). */
export function duplicateSql(schema: string, version: number) {
  const t = imageTables(schema);
  const { distance, distance256, nearby } = nearness(schema, version);

  return {
    /**
     * Begins a transaction and takes the lock that lets only one session compare. A generic plan does not know the
     * probes. And with statistics from before a bulk load, the planner might read the whole table for each probe.
     */
    begin: () => `begin;
set local plan_cache_mode = force_custom_plan;
set local enable_seqscan = off;
set local max_parallel_workers_per_gather = 0;
set local jit = off;
select pg_advisory_xact_lock(hashtextextended(${literal(`godwit duplicates ${quotedName(schema)}`)}, 0))`,

    counts: () => `select count(*)::float8 as all,
  (select count(*) from ${t.hashes} where not compared)::float8 as new from ${t.hashes}`,

    /** Marks classes that say nothing as compared. */
    skipLowInformation: () => `update ${t.hashes} set compared = true where id in (
  select id from ${t.hashes} where not compared and low_information order by id limit $1)`,

    nextNew: () => `select array_agg(id) as ids from (
  select id from ${t.hashes} where not compared and not low_information order by id limit $1) as batch`,

    /** The pairs of some classes with all others. */
    compare: () => `with own as materialized (
  select id, hash, hash_256 from ${t.hashes} h where id = any ($1::bigint[]) and not ${blank("h")}),
near as materialized (
  select distinct own.id as own, other.id as other from own cross join lateral (
    ${nearby("own.hash", STORED_RADIUS)}) as other
  where other.id <> own.id),
pairs as (
  select distinct least(near.own, near.other) as left_id, greatest(near.own, near.other) as right_id,
    ${distance("own.hash", "other.hash")} as distance, ${distance256("own.hash_256", "other.hash_256")} as distance_256
  from near join own on own.id = near.own join ${t.hashes} other on other.id = near.other
  where not ${blank("other")}),
ranked as (
  select *, row_number() over (partition by right_id order by distance_256, distance, left_id) as rank
  from pairs where distance_256 <= ${STORED_256}),
stored as (
  insert into ${t.edges} (left_id, right_id, distance, distance_256)
  select left_id, right_id, distance, distance_256 from ranked where rank <= ${MAX_NEIGHBOURS}
  order by left_id, right_id on conflict do nothing returning right_id)
select array_agg(distinct right_id) as ids, count(*)::float8 as edges from stored`,

    /** Stores pairs that were found in memory. A class that is gone meanwhile gets none. */
    store: () => `with stored as (
  insert into ${t.edges} (left_id, right_id, distance, distance_256)
  select found.* from unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::smallint[])
    as found (left_id, right_id, distance, distance_256)
  where exists (select from ${t.hashes} where id = left_id) and exists (select from ${t.hashes} where id = right_id)
  order by 1, 2 on conflict do nothing returning right_id)
select array_agg(distinct right_id) as ids, count(*)::float8 as edges from stored`,

    /** Removes the furthest older neighbours of classes that have too many. */
    trim: () => `delete from ${t.edges} e using (
  select left_id, right_id, row_number() over (partition by right_id order by distance_256, distance, left_id) as rank
  from ${t.edges} where right_id = any ($1::bigint[])) as ranked
where ranked.rank > ${MAX_NEIGHBOURS} and e.left_id = ranked.left_id and e.right_id = ranked.right_id`,

    mark: () => `update ${t.hashes} set compared = true where id = any ($1::bigint[]) and not compared`,

    /** Index-only searches need a vacuumed table. This must not run in a transaction. */
    tidy: () => `vacuum (analyze, skip_locked) ${t.hashes}`,

    /** A page of classes as records of 49 bytes: id, hash, hash_256 (without its length prefix), compared. */
    page: () => `select string_agg(
    int8send(id) || int8send(hash) || substring(bit_send(hash_256) from 5) || boolsend(compared), ''::bytea order by id
  ) as records, max(id)::text as last
from (select id, hash, hash_256, compared from ${t.hashes} h
  where id > $1 and not ${blank("h")} order by id limit $2) as page`,

    /** Files that share their content or look with another file, or look similar to one. No other file matters. */
    candidates: () => `with stored as materialized (
  select c.sha256, c.visual_id, c.white_id, count(*) as files, min(f.id) as content
  from ${t.files} f join ${t.contents} c on c.sha256 = f.sha256
  where f.state = 'stored' group by c.sha256),
looks as (
  select visual_id as class from stored union all
  select white_id from stored where white_id <> visual_id),
close as materialized (
  select class from looks join ${t.hashes} h on h.id = class and not ${blank("h")} group by class having count(*) > 1
  union select left_id from ${t.edges} where distance <= $1 and distance_256 <= $2
  union select right_id from ${t.edges} where distance <= $1 and distance_256 <= $2),
wanted as (
  select * from stored where files > 1 or visual_id in (select class from close) or white_id in (select class from close))
select f.id::float8 as id, wanted.content::float8 as content,
  case when ${blank("v")} then null else v.id::float8 end as visual,
  case when ${blank("w")} then null else w.id::float8 end as white
from wanted join ${t.files} f on f.sha256 = wanted.sha256 and f.state = 'stored'
join ${t.hashes} v on v.id = wanted.visual_id left join ${t.hashes} w on w.id = wanted.white_id
order by f.id`,

    /** Whether the table of colours exists. Earlier releases did not create it. */
    hasColours: () => `select to_regclass(${literal(t.colours)}) is not null as there`,

    /** The grids of contents. Each content is represented by one of its files. */
    colours: () => `select f.id::float8 as content, encode(k.grid, 'hex') as grid,
  greatest(c.width, c.height) as side
from ${t.files} f join ${t.colours} k on k.sha256 = f.sha256 join ${t.contents} c on c.sha256 = f.sha256 where f.id = any ($1::bigint[])`,

    links:
      () => `select left_id::float8 as "left", right_id::float8 as "right", distance, distance_256 as "distance256"
from ${t.edges} where distance <= $1 and distance_256 <= $2`,

    /** How many classes have a full list of older neighbours, so that there may be more. */
    crowded: () => `select count(*)::float8 as classes from (
  select right_id from ${t.edges} group by right_id having count(*) >= ${MAX_NEIGHBOURS}) as crowded`,

    decisions:
      () => `select left_file::float8 as "left", right_file::float8 as "right", verdict, kept_file::float8 as kept
from ${t.decisions}`,

    pending: () => `select count(*)::float8 as pending from ${t.hashes} where not compared`,

    stored: () => `select count(*)::float8 as files from ${t.files} where state = 'stored'`,

    details:
      () => `select f.id::float8 as id, f.import, f.path, f.size::float8 as "sizeBytes", c.width, c.height, c.format,
  c.has_alpha as "hasAlpha", encode(c.sha256, 'hex') as sha256
from ${t.files} f join ${t.contents} c on c.sha256 = f.sha256 where f.id = any ($1::bigint[])`,

    fileById: () => `select id::float8 as id, import, path, state from ${t.files} where id = $1`,

    filesByPath: () => `select id::float8 as id, import, path, state from ${t.files} where path = $1
  order by (state = 'stored') desc, id`,

    pathsLike: () => `select path from ${t.files} where state = 'stored'
  and lower(right(path, length($1) + 1)) = lower('/' || $1) order by path limit 5`,

    decide: () => `insert into ${t.decisions} (left_file, right_file, verdict, kept_file)
  select least(a, b), greatest(a, b), $3, $4 from unnest($1::bigint[], $2::bigint[]) as pair (a, b) order by 1, 2
  on conflict (left_file, right_file) do update set verdict = excluded.verdict, kept_file = excluded.kept_file,
    decided_by = session_user, decided_at = clock_timestamp()
  where (${t.decisions}.verdict, ${t.decisions}.kept_file) is distinct from (excluded.verdict, excluded.kept_file)`,

    /** Withdraws the verdicts about the former kept file, because another one is kept now. */
    withdrawDuplicates: () => `delete from ${t.decisions} where verdict = 'duplicate'
  and left_file = any ($1::bigint[]) and right_file = any ($1::bigint[]) and kept_file is distinct from $2::bigint`,

    forgetAmong: () => `delete from ${t.decisions}
  where left_file = any ($1::bigint[]) and right_file = any ($1::bigint[])`,

    forgetAbout: () => `delete from ${t.decisions} where left_file = $1 or right_file = $1`,
  };
}

/** SQL for the distance of two hashes, and for all hashes within a radius of one, found by the band indexes. */
export function nearness(schema: string, version: number) {
  const t = imageTables(schema);
  const distance = (left: string, right: string) => ones(`(${left} # ${right})::bit(64)`, version);
  const distance256 = (left: string, right: string) => ones(`(${left} # ${right})`, version);
  const nearby = (own: string, radius: number) => {
    const [first = "", ...others] = BAND_SHIFTS.map(
      (shift) => `select h.id, h.hash from ${t.hashes} h
      where ${bandOf("h.hash", shift)} = any (${probes(bandOf(own, shift), radius)})
        and ${distance("h.hash", own)} <= ${Number(radius)}`,
    );
    return [first, ...others].join("\n    union all ");
  };
  return { distance, distance256, nearby };
}

/** Whether a look has no bit set, or only the first. Earlier releases did not mark every blank look. */
export function blank(look: string): string {
  return `(${look}.low_information or ${look}.hash in (0, '-9223372036854775808'::bigint))`;
}

/** The number of set bits. PostgreSQL 13 has no function for it. */
function ones(bits: string, version: number): string {
  return version >= 140_000 ? `bit_count(${bits})` : `length(replace((${bits})::text, '0', ''))`;
}

/**
 * The values that a band may have in a hash within the radius. Of up to 3 wrong bits, one of the four bands has none.
 * Of up to 7, one band has at most 1.
 */
function probes(band: string, radius: number): string {
  if (radius <= 3) return `array[${band}]`;
  const masks = [0, ...Array.from({ length: 16 }, (_, bit) => 1 << bit)];
  return `array[${masks.map((mask) => (mask === 0 ? band : `${band} # ${mask}`)).join(", ")}]`;
}
