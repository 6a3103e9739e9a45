/**
 * The duplicate search on 100,000 and 1,000,000 images, on one throw-away server. 0.5 % of the images share one blank
 * look, 3 % are near another one. Prints Markdown for RESULTS.md.
 */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import pg from "pg";
import { parseAddress } from "../src/database/address/address.ts";
import type { Connection } from "../src/database/connection.ts";
import { openPostgres } from "../src/database/wire/postgres.ts";
import { joinNear } from "../src/duplicates/bands.ts";
import { compareNew } from "../src/duplicates/compare.ts";
import { findDuplicates } from "../src/duplicates/find.ts";
import { loadHashes } from "../src/duplicates/load.ts";
import { duplicateSql } from "../src/duplicates/sql.ts";
import { createImageTables, imageTables } from "../src/images/sql.ts";
import { searchSimilar } from "../test/support/search-similar.ts";
import { startServer } from "../test/support/server.ts";

const SCHEMA = "godwit";
const t = imageTables(SCHEMA);
const QUERIES = 1000;
const SIZES = (process.env.BENCH_SIZES ?? "100000,1000000").split(",").map(Number);
const server = await startServer({ settings: ["jit=off", "shared_buffers=1GB", "work_mem=64MB"] });
const url = (name: string) => `postgres://postgres@127.0.0.1:${server.port}/${name}?sslmode=disable`;
const admin = new pg.Client(url("postgres"));
await admin.connect();

try {
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version} (fsync off, shared_buffers 1 GB), Godwit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()}.\n`,
  );
  const columns: ReadonlyMap<string, string>[] = [];
  for (const size of SIZES) columns.push(await measure(size));
  print(`| | ${SIZES.map((size) => `${size.toLocaleString("en")} images`).join(" | ")} |`);
  print(`|---|${SIZES.map(() => "---").join("|")}|`);
  for (const name of columns[0]?.keys() ?? [])
    print(`| ${name} | ${columns.map((column) => column.get(name)).join(" | ")} |`);
} finally {
  await admin.end();
  await server.stop();
}

async function measure(size: number): Promise<ReadonlyMap<string, string>> {
  const figures = new Map<string, string>();
  const name = `images_${size}`;
  await admin.query(`create database ${name}`);
  const client = new pg.Client(url(name));
  await client.connect();
  const connection = await openPostgres(parseAddress({ url: url(name), environment: {} }), {
    applicationName: "bench",
  });
  try {
    await fill(client, size);
    note(`${size} images are there`);
    await search(connection, client, figures);
    note("searched");
    await regroup(connection, client, figures);
    note("regrouped");
    await increment(connection, client, figures);
    await sizes(client, figures);
    return figures;
  } finally {
    await connection.close();
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
  }
}

/** In the server, which is faster than sending it. */
async function fill(client: pg.Client, size: number): Promise<void> {
  const word = "(random() * 4294967295)::bigint";
  await client.query(createImageTables(SCHEMA));
  await client.query(`select setseed(0.42);
create temporary table looks as
select number, number % 200 = 7 as low, (${word} << 32) | ${word} as hash,
  ${Array.from({ length: 8 }, () => `${word}::bit(32)`).join(" || ")} as hash_256
from generate_series(1, ${size}) number;
update looks set hash = 0, hash_256 = repeat('0', 256)::bit(256) where low;
create index on looks (number);
update looks later set hash = earlier.hash # (1::bigint << (later.number % 61)::int) # (1::bigint << (later.number % 53)::int),
  hash_256 = earlier.hash_256 # (repeat('0', 200) || '101001000100001' || repeat('0', 41))::bit(256)
from looks earlier where later.number % 33 = 5 and not later.low and earlier.number = later.number - 1 and not earlier.low;
insert into ${t.hashes} (hash, hash_256, low_information)
select hash, hash_256, low from looks group by hash, hash_256, low order by min(number);
insert into ${t.contents}
select decode(lpad(to_hex(number), 64, '0'), 'hex'), 'png', 3000, 3000, true, 1, 'full', 1, 8, '', '', h.id, null
from looks join ${t.hashes} h using (hash, hash_256);
insert into ${t.colours} select sha256, decode(repeat('804020ff', 64) || repeat('00', 384), 'hex') from ${t.contents};
insert into ${t.files} (import, path, size, mtime, state, sha256, scan)
select 'nas', 'shop/template/' || number || '.png', 500000 + number, 0, 'stored', decode(lpad(to_hex(number), 64, '0'), 'hex'), 1
from looks order by number;
drop table looks`);
  for (const table of [t.hashes, t.contents, t.colours, t.files]) await settle(client, table);
}

/** Vacuumed until its pages are known to be visible to all, which a snapshot held elsewhere can put off. */
async function settle(client: pg.Client, table: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    await client.query(`vacuum (analyze) ${table}`);
    const { rows } = await client.query(
      "select relallvisible > relpages * 0.9 as visible from pg_class where oid = $1::regclass",
      [table],
    );
    if (rows[0].visible) return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  note(`${table} is not all visible`);
}

async function search(
  connection: Connection,
  client: pg.Client,
  figures: Map<string, string>,
): Promise<void> {
  const { rows } = await client.query(
    `select lpad(to_hex(hash # 5), 16, '0') as hash, hash_256::text as bits, hash # 5 as number from ${t.hashes}
  where not low_information and id % greatest(1, (select max(id) from ${t.hashes}) / ${QUERIES}) = 1 limit ${QUERIES}`,
  );
  const looks = rows.map(({ hash, bits, number }) => ({
    hash,
    number,
    hash256: BigInt(`0b${bits}`).toString(16).padStart(64, "0"),
  }));
  await connection.execute("set plan_cache_mode = force_custom_plan");
  let found = 0;
  for (const radius of [3, 7]) {
    const times: number[] = [];
    for (const round of [0, 1])
      for (const { hash, hash256 } of looks) {
        const started = performance.now();
        found += (await searchSimilar(connection, SCHEMA, hash, hash256, { radius })).length;
        if (round === 1) times.push(performance.now() - started);
      }
    figures.set(`one search by bands, radius ${radius}, p50 / p99`, `${spread(times)} ms`);
  }
  if (found < looks.length) throw new Error("The search does not find what is there.");
  const scans: number[] = [];
  for (const { number } of looks.slice(0, 20)) {
    const started = performance.now();
    await connection.query(
      `select id from ${t.hashes} where bit_count((hash # $1::bigint)::bit(64)) <= 7 and not low_information`,
      [number],
    );
    scans.push(performance.now() - started);
  }
  figures.set("the same by sequential scan `bit_count((h # q)::bit(64)) <= 7`", `${spread(scans)} ms`);
}

async function regroup(
  connection: Connection,
  client: pg.Client,
  figures: Map<string, string>,
): Promise<void> {
  const before = process.memoryUsage().rss;
  const sql = duplicateSql(SCHEMA, connection.server.version);
  let started = performance.now();
  const lap = () => {
    const ms = performance.now() - started;
    started = performance.now();
    return ms / 1000;
  };
  let hashes: Awaited<ReturnType<typeof loadHashes>> | undefined = await loadHashes(connection, sql);
  const load = lap();
  const pairs = await joinNear(hashes);
  const join = lap();
  hashes = undefined;
  const compared = await compareNew(connection, SCHEMA, { method: "memory" });
  const all = lap();
  const peak = process.resourceUsage().maxRSS / 1024;
  await settle(client, t.hashes);
  await client.query(`vacuum (analyze) ${t.edges}`);
  started = performance.now();
  const { counts } = await findDuplicates(connection, SCHEMA, { limit: 50 });
  const group = lap();
  if (pairs.count !== compared.edges) throw new Error("The join does not find what it found before.");
  figures.set("whole library: load", `${load.toFixed(1)} s`);
  figures.set("whole library: join", `${join.toFixed(1)} s`);
  figures.set(
    "whole library: group, count, and details of a page (`findDuplicates`)",
    `${group.toFixed(1)} s`,
  );
  figures.set("**load + join + group**", `**${(load + join + group).toFixed(1)} s**`);
  figures.set(
    "store the pairs and mark all as compared, first time only",
    `${(all - load - join).toFixed(1)} s`,
  );
  figures.set("pairs; open groups", `${compared.edges}; ${counts.exact + counts.same}`);
  figures.set("memory of the process: before; peak", `${mb(before)}; ${peak.toFixed(0)} MB`);
}

async function increment(
  connection: Connection,
  client: pg.Client,
  figures: Map<string, string>,
): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < 4; round++) {
    await client.query(
      `update ${t.hashes} set compared = false where id in (select id from ${t.hashes} where not low_information
  and id % (select max(id) / 1000 from ${t.hashes}) = ${round} limit 1000)`,
    );
    const started = performance.now();
    await compareNew(connection, SCHEMA, { method: "database", batch: 1000 });
    if (round > 0) times.push(performance.now() - started);
  }
  figures.set("compare a batch of 1,000 new ones by bands", `${spread(times).split(" / ")[0]} ms`);
}

async function sizes(client: pg.Client, figures: Map<string, string>): Promise<void> {
  await client.query(`reindex table ${t.hashes}`);
  const { rows } = await client.query(
    `select pg_table_size('${t.hashes}')::float8 as heap, pg_indexes_size('${t.hashes}')::float8 as indexes,
  (select sum(pg_relation_size(indexrelid)) from pg_index where indrelid = '${t.hashes}'::regclass
    and pg_get_indexdef(indexrelid) like '%import_hashes_band%')::float8 as bands`,
  );
  const [row] = rows;
  figures.set("hashes: table; its four band indexes", `${mb(row.heap)}; ${mb(row.bands)}`);
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return [at(0.5), at(0.99)].map((ms) => ms.toFixed(ms < 10 ? 2 : 0)).join(" / ");
}

function mb(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MB`;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
