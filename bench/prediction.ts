/**
 * Predictions beside what the steps then took: kinds of statements on tables of each size, by one `up --max-risk` with all of them.
 * Prints Markdown for RESULTS.md; `BENCH_SIZES` are megabytes.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";

const SIZES = (process.env.BENCH_SIZES ?? "10,50,200").split(",").map(Number);
const GODWIT = resolve("dist/godwit.cjs");
/** What a row of the table takes. */
const ROW_BYTES = 160;

/** In this order, each a migration of one run, so that a later one meets what an earlier one has made. */
const KINDS: readonly (readonly [name: string, sql: string])[] = [
  ["set not null", "alter table orders alter column customer set not null"],
  ["add check", "alter table orders add constraint positive check (total >= 0)"],
  ["add foreign key", "alter table orders add foreign key (customer) references customers"],
  ["add check not valid", "alter table orders add constraint named check (note <> '') not valid"],
  ["validate check", "alter table orders validate constraint named"],
  ["check of a partitioned table", "alter table events add check (amount >= 0)"],
  ["index of a partitioned table", "create index on events (amount)"],
  ["index on integers", "create index on orders (customer)"],
  ["index on text", "create index on orders (note)"],
  ["index concurrently", "create index concurrently on orders (total)"],
  ["unique constraint", "alter table orders add unique (code)"],
  ["reindex", "reindex table orders"],
  ["type to bigint", "alter table orders alter column total type bigint"],
  ["volatile default", "alter table orders add column mark float8 default random()"],
  ["type to text", "alter table orders alter column code type text"],
  ["cluster", "cluster orders using orders_pkey"],
  ["vacuum full", "vacuum full orders"],
  ["update all", "update orders set total = total + 1"],
  ["delete all", "delete from events"],
];

const BASE = `create table customers (id int primary key, name text);
create table orders (id int primary key, customer int, total int, code int, note text, at timestamptz);
create table events (id int, amount int, note text) partition by range (id);
create table events_1 partition of events for values from (minvalue) to (1000000000);
create table events_2 partition of events for values from (1000000000) to (maxvalue)`;

const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
const server = await startServer({
  // As PostgreSQL has them by itself, where tests have others.
  settings: ["jit=off", "autovacuum=off", "shared_buffers=128MB", "wal_level=replica", "full_page_writes=on"],
});
const rows: { kind: string; size: number; predicted: number; measured: number }[] = [];
try {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const load = loadavg().map((one) => one.toFixed(1));
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version} (fsync off), Godwit ${commit}, load ${load.join(", ")}.\n`,
  );
  for (const size of SIZES) await measure(size);
  report();
} finally {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function measure(size: number): Promise<void> {
  const name = `prediction_${size}`;
  const admin = new pg.Client(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  const folder = join(scratch, name);
  mkdirSync(join(folder, "migrations"), { recursive: true });
  const write = (file: string, text: string) => writeFileSync(join(folder, "migrations", file), `${text};\n`);
  const godwit = (...args: readonly string[]) =>
    execFileSync(process.execPath, [GODWIT, ...args, "--json"], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, DATABASE_URL: url },
      encoding: "utf8",
      stdio: ["ignore", "pipe", process.env.BENCH_VERBOSE === undefined ? "ignore" : "inherit"],
      maxBuffer: 2 ** 28,
    });
  write("0001_base.sql", BASE);
  godwit("up");
  const client = new pg.Client(url);
  await client.connect();
  const count = Math.round((size * 2 ** 20) / ROW_BYTES);
  await client.query("insert into customers select n, 'customer ' || n from generate_series(1, 10000) n");
  await client.query(
    `insert into orders select n, 1 + (n * 7919::bigint) % 10000, n % 1000, n, repeat(md5(n::text), 3), timestamptz '2026-01-01' + n * interval '1 s' from generate_series(1, ${count}) n`,
  );
  // A tenth of the size in each of the two partitions.
  await client.query(
    `insert into events select n % 2 * 1000000000 + n, n % 1000, repeat(md5(n::text), 3) from generate_series(1, ${Math.round(count / 5)}) n`,
  );
  await client.query("vacuum analyze");
  // What has just been loaded is slow to read for the first time, which says nothing of a table in use.
  for (const sql of ["checkpoint", "select count(*) from orders", "select count(*) from events"])
    await client.query(sql);
  for (const [index, [, sql]] of KINDS.entries())
    write(`${String(index + 2).padStart(4, "0")}_step.sql`, sql);
  godwit("up", "--max-risk", "rewrites");
  await client.end();
  const { steps } = JSON.parse(godwit("plan", "--calibration")) as {
    steps: readonly { revision: string; predictedMs: number; measuredMs: number }[];
  };
  for (const { revision, predictedMs, measuredMs } of steps) {
    const kind = KINDS[Number(revision.slice(0, 4)) - 2]?.[0] ?? revision;
    rows.push({ kind, size, predicted: predictedMs, measured: measuredMs });
  }
}

function report(): void {
  print(`| statement | ${SIZES.map((size) => `${size} MB: predicted → took, ms`).join(" | ")} |`);
  print(`| --- |${SIZES.map(() => " --- |").join("")}`);
  for (const [kind] of KINDS) {
    const found = SIZES.map((size) => rows.find((row) => row.kind === kind && row.size === size));
    const cells = found.map((row) =>
      row === undefined
        ? "no prediction"
        : `${Math.round(row.predicted)} → ${Math.round(row.measured)} (× ${ratioOf(row).toFixed(2)})`,
    );
    print(`| ${kind} | ${cells.join(" | ")} |`);
  }
  print("\nMeasured by predicted; 1 is right, 2 is twice as long as was said:\n");
  print("| predictions | number | least | 10 % | median | 90 % | most | within ± 30 % |");
  print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const size of SIZES)
    distribution(
      `${size} MB`,
      rows.filter((row) => row.size === size),
    );
  for (const [kind] of KINDS)
    distribution(
      kind,
      rows.filter((row) => row.kind === kind),
    );
  distribution("**all**", rows);
}

function ratioOf({ measured, predicted }: { readonly measured: number; readonly predicted: number }): number {
  return measured / Math.max(1, predicted);
}

function distribution(name: string, some: typeof rows): void {
  if (some.length === 0) return;
  const ratios = some.map(ratioOf).sort((a, b) => a - b);
  const at = (part: number) => (ratios[Math.round((ratios.length - 1) * part)] ?? 0).toFixed(2);
  const good = ratios.filter((ratio) => ratio >= 1 / 1.3 && ratio <= 1.3).length;
  print(
    `| ${name} | ${ratios.length} | ${[0, 0.1, 0.5, 0.9, 1].map(at).join(" | ")} | ${Math.round((100 * good) / ratios.length)} % |`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
