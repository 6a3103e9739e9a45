/**
 * `godwit drift` on 50, 500 and 5,000 tables, beside `pg_dump -s` of the same database, on one throw-away server. Each table
 * has ten columns, a key, an index, a check and, but the first, a foreign key. Prints Markdown for RESULTS.md.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";
import { compare } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const SIZES = (process.env.BENCH_SIZES ?? "50,500,5000").split(",").map(Number);
const GODWIT = resolve("dist/godwit.cjs");
const folder = mkdtempSync(join(tmpdir(), "godwit-bench-"));
// The dump program of the machine knows no newer one.
const server = await startServer({ major: 15, settings: ["jit=off", "max_locks_per_transaction=20000"] });
const url = (name: string) => `postgres://postgres@127.0.0.1:${server.port}/${name}?sslmode=disable`;
const git = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();

try {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  print(
    `Machine: ${machine}, Node ${process.version}, PostgreSQL ${server.version} (fsync off), Godwit ${git},`,
  );
  print(`median of ${RUNS} runs each, in turn; in parentheses the fastest and the slowest.\n`);
  print("| tables | `godwit drift` | memory | `pg_dump -s` |\n| ---: | ---: | ---: | ---: |");
  for (const size of SIZES) print(await measure(size));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(size: number): Promise<string> {
  const name = `of_${size}`;
  const admin = new pg.Client(url("postgres"));
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const migrations = join(folder, name);
  mkdirSync(migrations);
  writeFileSync(
    join(migrations, "0001_tables.sql"),
    Array.from({ length: size }, (_, at) => table(at)).join(""),
  );
  const env = { DATABASE_URL: url(name) };
  const godwit = [process.execPath, GODWIT] as const;
  execFileSync(godwit[0], [godwit[1], "up", "--quiet", "--dir", migrations], {
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  const [drift, dump] = await compare(
    [
      { name: "drift", argv: [...godwit, "drift", "--quiet", "--dir", migrations], env },
      { name: "pg_dump", argv: ["pg_dump", "--schema-only", "--file=/dev/null", url(name)] },
    ],
    RUNS,
  );
  const shown = (one: typeof drift) =>
    one === undefined ? "" : `${seconds(one.wallMs)} s (${seconds(one.fromMs)} to ${seconds(one.toMs)})`;
  const memory = `${Math.round(drift?.peakMb ?? 0)} MB`;
  return `| ${size.toLocaleString("en")} | ${shown(drift)} | ${memory} | ${shown(dump)} |`;
}

function table(at: number): string {
  const columns = Array.from({ length: 8 }, (_, column) => `c${column} text default 'a'`).join(", ");
  const reference = at === 0 ? "other bigint" : `other bigint references t${at - 1}`;
  return `create table t${at} (id bigint primary key, ${reference}, ${columns}, check (c0 <> c1));\ncreate index on t${at} (c0);\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
