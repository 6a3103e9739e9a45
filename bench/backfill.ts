/**
 * A backfill beside one big `UPDATE` of the same rows, on a server that waits for its disk, and beside the loop of
 * SYSTEMS 2 with its paging mended. Prints Markdown for RESULTS.md; the ratios within a row are what counts.
 *
 * `BENCH_ROWS=10000,100000` sets the sizes, and `--big` adds ten million. `BENCH_RUNS` sets the rounds of each.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";
import { loopInPython } from "./backfill/python.ts";
import { measureWriter, type WriterFigures } from "./backfill/writer.ts";
import { median, once } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 3);
const SIZES = (process.env.BENCH_ROWS ?? "10000,100000,300000,1000000,3000000").split(",").map(Number);
if (process.argv.includes("--big")) SIZES.push(10_000_000);
/** The loop writes row by row, and a million of them say no more than a hundred thousand. */
const MOST_FOR_THE_LOOP = 100_000;
const MOST_TO_UNDO = 1_000_000;
const GODWIT = resolve("dist/godwit.cjs");
const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
// Later settings win: this server is as durable as one in production.
const server = await startServer({
  within: tmpdir(),
  settings: [
    ...["fsync=on", "full_page_writes=on", "synchronous_commit=on", "wal_level=replica", "jit=off"],
    ...["shared_buffers=512MB", "max_wal_size=8GB", "autovacuum_naptime=5s"],
  ],
});
const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
const client = new pg.Client(url);
await client.connect();

/** The statement of both, and what pgroll's benchmark does: one column of every row. */
const SET = "slug = lower(name) || '-' || id";

try {
  const [first, second] = loadavg();
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version} with fsync on, Godwit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()}; load at the start ${first?.toFixed(1)} (a minute), ${second?.toFixed(1)} (five).`,
  );
  const peak = await curve();
  print(`\nMemory of the whole process, the highest of all: ${peak.toFixed(0)} MB.`);
  await undo();
  await loop();
  await writer();
} finally {
  await client.end();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

/**
 * Rows a second by the number of rows, beside an UPDATE in a session that has done it before, and in a new one as that of a
 * backfill is. Without autovacuum of the table. Of large tables with it, too: a backfill makes way
 * for it, and one UPDATE is over before it may begin. Returns the highest memory of the command.
 */
async function curve(): Promise<number> {
  const sizes = SIZES.flatMap((rows) => [
    { rows, vacuum: false },
    ...(rows > 1_000_000 ? [{ rows, vacuum: true }] : []),
  ]);
  print(
    "\n| rows | one UPDATE, rows/s | in a new session | backfill, rows/s | ratio, median of pairs | to the new session | windows | peak MB |",
  );
  print("| --- | --- | --- | --- | --- | --- | --- | --- |");
  let peak = 0;
  for (const { rows, vacuum } of sizes) {
    await template(rows);
    const runs = rows > 1_000_000 ? Math.min(RUNS, 2) : RUNS;
    const pairs: { update: number; anew: number; backfill: number; windows: number; peakMb: number }[] = [];
    for (let run = 0; run < runs; run++) {
      await fresh(vacuum);
      const update = await seconds(`update products set ${SET}`);
      await fresh(vacuum);
      const anew = await secondsAnew(`update products set ${SET}`);
      await fresh(vacuum);
      const { peakMb } = await backfill();
      const state = await told();
      const [of, ofNew] = [rows / update, rows / anew];
      pairs.push({ update: of, anew: ofNew, backfill: rows / state.seconds, ...state, peakMb });
    }
    const of = (name: keyof (typeof pairs)[number]) => median(pairs.map((pair) => pair[name]));
    const ratio = median(pairs.map(({ update, backfill }) => backfill / update));
    const toNew = median(pairs.map(({ anew, backfill }) => backfill / anew));
    peak = Math.max(peak, ...pairs.map(({ peakMb }) => peakMb));
    print(
      `| ${rows}${vacuum ? ", autovacuum beside it" : ""} | ${of("update").toFixed(0)} | ${of("anew").toFixed(0)} | ${of("backfill").toFixed(0)} | ${ratio.toFixed(2)} | ${toNew.toFixed(2)} | ${of("windows")} | ${of("peakMb").toFixed(0)} |`,
    );
  }
  return peak;
}

/** What keeping old values costs, and how fast they come back. The way back is timed as a whole command. */
async function undo(): Promise<void> {
  print("\n| rows | backfill, rows/s | with undo, rows/s | ratio, median of pairs | its way back, rows/s |");
  print("| --- | --- | --- | --- | --- |");
  for (const rows of SIZES.filter((size) => size <= MOST_TO_UNDO)) {
    await template(rows);
    const pairs: { plain: number; kept: number; back: number }[] = [];
    for (let run = 0; run < RUNS; run++) {
      await fresh();
      await backfill();
      const plain = rows / (await told()).seconds;
      await fresh();
      await backfill(" undo=yes");
      const kept = rows / (await told()).seconds;
      const { wall } = await godwit("backfill undo 0001");
      const [left] = (await client.query("select count(*)::int as n from products where slug is not null"))
        .rows;
      if (left.n !== 0) throw new Error(`${left.n} rows did not come back.`);
      pairs.push({ plain, kept, back: rows / (wall / 1000) });
    }
    const of = (name: keyof (typeof pairs)[number]) => median(pairs.map((pair) => pair[name])).toFixed(0);
    const ratio = median(pairs.map(({ plain, kept }) => kept / plain));
    print(`| ${rows} | ${of("plain")} | ${of("kept")} | ${ratio.toFixed(2)} | ${of("back")} |`);
  }
}

/** Beside the loop of the guide of SYSTEMS 2, which reads a thousand rows and writes them one by one. */
async function loop(): Promise<void> {
  const rows = Math.min(MOST_FOR_THE_LOOP, Math.max(...SIZES));
  await template(rows);
  await fresh();
  const python = loopInPython(url, scratch);
  if (python === null) return print("\npsycopg2 is missing: no loop in Python.");
  const looped = (await once({ name: "loop", argv: python })).wall / 1000;
  await fresh();
  await backfill();
  const state = await told();
  print(
    `\n${rows} rows: the loop in Python ${(rows / looped).toFixed(0)} rows/s, a backfill ${(rows / state.seconds).toFixed(0)} rows/s (${(looped / state.seconds).toFixed(1)} × as fast).`,
  );
}

/** A writer of single rows, without a backfill and beside one. */
async function writer(): Promise<void> {
  const rows = Math.min(1_000_000, Math.max(...SIZES));
  await template(rows);
  print("\n| a writer of single rows | updates/s | p50 ms | p99 ms | longest ms |");
  print("| --- | --- | --- | --- | --- |");
  const line = (name: string, { perSecond, p50, p99, longest }: WriterFigures) =>
    print(
      `| ${name} | ${perSecond.toFixed(0)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${longest.toFixed(0)} |`,
    );
  const alone = async () => {
    await fresh();
    return measureWriter(url, rows, (stop) => setTimeout(stop, 10_000));
  };
  // The first one of a process is slower than those after it.
  await alone();
  const before = await alone();
  line("alone", before);
  await fresh();
  const beside = await measureWriter(url, rows, (stop) => void backfill().finally(stop));
  line(`beside a backfill of ${rows} rows`, beside);
  const after = await alone();
  line("alone again", after);
  await fresh();
  const update = (stop: () => void) => void seconds(`update products set ${SET}`).finally(stop);
  line("beside one UPDATE of the same rows", await measureWriter(url, rows, update));
  const p99 = (before.p99 + after.p99) / 2;
  print(`\np99 beside / alone: ${(beside.p99 / p99).toFixed(2)}.`);
}

/** The rows from which each run starts. */
async function template(rows: number): Promise<void> {
  await client.query(`drop table if exists original;
create table original as select n::bigint as id, 'Product ' || n as name, n % 5000 as price, md5(n::text) as digest, null::text as slug
  from generate_series(1, ${rows}) n`);
}

async function fresh(vacuum = true): Promise<void> {
  await client.query(`drop table if exists products; drop schema if exists godwit cascade;
create table products (id bigint primary key, name text not null, price int not null, digest text not null, slug text)
  with (autovacuum_enabled = ${vacuum});
insert into products select * from original order by id`);
  await client.query("vacuum analyze products");
  await client.query("checkpoint");
}

async function seconds(sql: string, session = client): Promise<number> {
  const at = performance.now();
  await session.query(sql);
  return (performance.now() - at) / 1000;
}

async function secondsAnew(sql: string): Promise<number> {
  const session = new pg.Client(url);
  await session.connect();
  try {
    return await seconds(sql, session);
  } finally {
    await session.end();
  }
}

/** The whole command, on a database that knows no migration yet. */
async function backfill(options = ""): Promise<{ readonly peakMb: number }> {
  const folder = join(scratch, "project");
  mkdirSync(join(folder, "migrations"), { recursive: true });
  writeFileSync(
    join(folder, "migrations", "0001_slug.sql"),
    `-- godwit: backfill table=products${options}\nupdate products set ${SET} where :window;\n`,
  );
  const { peak } = await godwit("up");
  return { peakMb: peak };
}

/** In the folder of the project, which `backfill` makes. */
function godwit(line: string) {
  return once({
    name: `godwit ${line}`,
    argv: [
      "/bin/sh",
      "-c",
      `cd ${join(scratch, "project")} && exec ${process.execPath} ${GODWIT} ${line} --json > told.json`,
    ],
    env: { DATABASE_URL: url },
  });
}

/** What the ledger says of it: the time from its first row to its last. */
async function told(): Promise<{ readonly seconds: number; readonly windows: number }> {
  const { rows } = await client.query(
    "select extract(epoch from finished_at - started_at)::float8 as seconds, windows from godwit.migration_backfills",
  );
  return rows[0];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
