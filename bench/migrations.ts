/**
 * `godwit up` beside psql and a bare Node process, on one throw-away server, in one run. Prints Markdown for
 * RESULTS.md. Ratios are what counts; absolute times are those of the machine named at the top.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startProxy } from "../test/support/proxy.ts";
import { startServer } from "../test/support/server.ts";
import { type Command, compare, type Figures } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 9);
const GODWIT = resolve("dist/godwit.cjs");
const PSQL = findPsql();
const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
const server = await startServer({ settings: ["jit=off"] });
const proxy = await startProxy({ port: server.port });
proxy.delay(2);
const admin = new pg.Client(url("postgres"));
await admin.connect();
let databases = 0;

try {
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version} (fsync off),`,
  );
  print(
    `psql ${version(PSQL, "--version")}, Godwit ${git("rev-parse", "--short", "HEAD")}, median of ${RUNS} runs each, in turn.\n`,
  );
  await nothingToDo();
  for (const count of [1, 100, 1000]) await migrations(count, "local", server.port, RUNS);
  for (const count of [1, 100, 1000])
    await migrations(count, "2 ms each way", proxy.port, count === 1000 ? 3 : 5);
} finally {
  await admin.end();
  await proxy.close();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function nothingToDo(): Promise<void> {
  const folder = write(100);
  const database = await fresh();
  const target = url(database);
  const godwit: Command = {
    name: "godwit up",
    argv: [process.execPath, GODWIT, "up", "--quiet", "--dir", folder],
    env: { DATABASE_URL: target },
  };
  await compare([godwit], 1);
  const bare = join(scratch, "bare.cjs");
  writeFileSync(
    bare,
    `const { Client } = require(${JSON.stringify(resolve("node_modules/pg"))});
const client = new Client(process.env.DATABASE_URL);
client.connect().then(() => client.query("select 1")).then(() => client.end());\n`,
  );
  const peers: Command[] = [
    godwit,
    { name: "node: pg, connect, select 1", argv: [process.execPath, bare], env: { DATABASE_URL: target } },
    { name: "psql select 1", argv: [PSQL, "--no-psqlrc", "-qAtc", "select 1", target] },
  ];
  report("Nothing to do (100 migrations applied)", await compare(peers, RUNS * 2), 1);
}

async function migrations(count: number, where: string, port: number, runs: number): Promise<void> {
  const folder = write(count);
  const script = join(folder, "..", `psql-${count}.sql`);
  const files = readdirSync(folder).sort();
  const lines = files.map(
    (name) => `begin;\n\\i ${join(folder, name)}\ninsert into history (name) values ('${name}');\ncommit;`,
  );
  writeFileSync(
    script,
    `\\set ON_ERROR_STOP on\ncreate table history (name text primary key, at timestamptz default now());\n${lines.join("\n")}\n`,
  );
  let database = "";
  const before = async () => {
    if (database !== "") await admin.query(`drop database ${database} with (force)`);
    database = await fresh();
    process.env.BENCH_URL = url(database, port);
  };
  const shell = (line: string) => ["/bin/sh", "-c", `exec ${line}`] as const;
  const figures = await compare(
    [
      {
        name: "godwit up",
        argv: shell(`${process.execPath} ${GODWIT} up --quiet --dir ${folder} --database-url "$BENCH_URL"`),
        before,
      },
      {
        name: "psql, a transaction per file",
        argv: shell(`${PSQL} --no-psqlrc -q -f ${script} "$BENCH_URL"`),
        before,
      },
    ],
    runs,
  );
  report(`${count} small ${count === 1 ? "migration" : "migrations"}, ${where}`, figures, 1);
}

function report(title: string, figures: readonly Figures[], peer: number): void {
  const base = figures[peer];
  print(`### ${title}\n`);
  print("| process | wall ms | cpu ms | peak MB | wall, ratio to it |\n|---|---|---|---|---|");
  for (const one of figures)
    print(
      `| ${one.name} | ${one.wallMs.toFixed(0)} | ${one.cpuMs.toFixed(0)} | ${one.peakMb.toFixed(1)} | ${base === undefined ? "" : ((figures[0]?.wallMs ?? 0) / one.wallMs).toFixed(2)} |`,
    );
  print("");
}

function write(count: number): string {
  const folder = join(scratch, `m${count}`);
  if (existsSync(folder)) return folder;
  mkdirSync(folder, { recursive: true });
  for (let number = 1; number <= count; number++) {
    const id = String(number).padStart(4, "0");
    writeFileSync(
      join(folder, `${id}_table.sql`),
      `create table t_${id} (id int primary key, name text not null, at timestamptz default now());\n`,
    );
  }
  return folder;
}

async function fresh(): Promise<string> {
  const name = `bench_${++databases}`;
  await admin.query(`create database ${name}`);
  return name;
}

function url(database: string, port: number = server.port): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}?sslmode=disable`;
}

/** Debian's /usr/bin/psql is a Perl script that starts the real one. */
function findPsql(): string {
  const base = "/usr/lib/postgresql";
  const versions = existsSync(base)
    ? readdirSync(base).sort((left, right) => Number(right) - Number(left))
    : [];
  const found = versions.map((major) => join(base, major, "bin/psql")).find(existsSync);
  return found ?? "psql";
}

function version(command: string, flag: string): string {
  return /[\d.]+/.exec(execFileSync(command, [flag], { encoding: "utf8" }))?.[0] ?? "?";
}

function git(...args: string[]): string {
  return execFileSync("git", args, { encoding: "utf8" }).trim();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
