/**
 * Schemas of one database as targets: `godwit up` for all of them beside psql, one process for each schema. Prints
 * Markdown for RESULTS.md; what counts is the time per schema, and that memory does not grow with their number.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";
import { type Command, compare } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const EACH = 20;
const GODWIT = resolve("dist/godwit.cjs");
const PSQL = findPsql();
const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
const server = await startServer({ settings: ["jit=off"] });
const admin = new pg.Client(url("postgres"));
await admin.connect();

try {
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version} (fsync off),`,
  );
  print(
    `Godwit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()}, median of ${RUNS} runs each, in turn.`,
  );
  for (const count of (process.env.BENCH_SCHEMAS ?? "50,200").split(",")) await schemas(Number(count));
} finally {
  await admin.end();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function schemas(count: number): Promise<void> {
  const folder = join(scratch, `${count}`);
  mkdirSync(join(folder, "migrations"), { recursive: true });
  const names = Array.from({ length: count }, (_, index) => `t${String(index + 1).padStart(3, "0")}`);
  const files = Array.from({ length: EACH }, (_, index) => {
    const number = String(index + 1).padStart(4, "0");
    const text = `create table step_${number} (id int primary key, name text);\ninsert into step_${number} values (1, 'one');\n`;
    const path = join(folder, "migrations", `${number}_step.sql`);
    writeFileSync(path, text);
    return path;
  });
  writeFileSync(
    join(folder, "godwit.config.json"),
    JSON.stringify({
      targets: { tenants: { url: { variable: "BENCH_URL" }, schemas: names, dir: "migrations" } },
    }),
  );
  const script = join(folder, "psql.sql");
  const steps = files.map(
    (path, index) => `begin;\n\\i ${path}\ninsert into history (name) values ('${index}');\ncommit;`,
  );
  writeFileSync(
    script,
    `\\set ON_ERROR_STOP on\ncreate table history (name text primary key, at timestamptz default now());\n${steps.join("\n")}\n`,
  );
  const loop = join(folder, "psql.sh");
  writeFileSync(
    loop,
    `set -e\nfor schema in ${names.join(" ")}; do PGOPTIONS="-c search_path=$schema" ${PSQL} --no-psqlrc -q -f ${script} "$BENCH_URL"; done\n`,
  );
  const database = `schemas_${count}`;
  const env = { BENCH_URL: url(database) };
  const before = () => fresh(database, names);
  const inFolder = (...argv: string[]): readonly [string, ...string[]] => [
    "/bin/sh",
    "-c",
    `cd ${folder} && exec ${argv.join(" ")}`,
  ];
  const up = [process.execPath, GODWIT, "up", "--quiet"];
  const commands: Command[] = [
    { name: "godwit up", argv: inFolder(...up), env, before },
    { name: "godwit up --parallel 4", argv: inFolder(...up, "--parallel", "4"), env, before },
    { name: "psql, a process for each", argv: ["/bin/sh", loop], env, before },
  ];
  const figures = await compare(commands, RUNS);
  const [nothing] = await compare(
    [
      {
        name: "godwit up, nothing to do",
        argv: inFolder(...up),
        env,
        before: async () => void (await fresh(database, names, inFolder(...up), env)),
      },
    ],
    Math.min(3, RUNS),
  );
  const base = figures[0]?.wallMs ?? 1;
  print(`\n### ${count} schemas, ${EACH} small migrations each\n`);
  const rows = [...figures, ...(nothing === undefined ? [] : [nothing])].map((one) =>
    [
      one.name,
      one.wallMs.toFixed(0),
      (one.wallMs / count).toFixed(1),
      one.cpuMs.toFixed(0),
      one.peakMb.toFixed(1),
      (base / one.wallMs).toFixed(2),
    ].join(" | "),
  );
  print("| process | wall ms | ms per schema | cpu ms | peak MB | wall, ratio of godwit up to it |");
  print("| --- | --- | --- | --- | --- | --- |");
  for (const row of rows) print(`| ${row} |`);
}

/** With empty schemas; or with all that this command makes in them. */
async function fresh(
  database: string,
  names: readonly string[],
  filled?: readonly [string, ...string[]],
  env: Record<string, string> = {},
): Promise<void> {
  await admin.query(`drop database if exists ${database} with (force)`);
  await admin.query(`create database ${database}`);
  const client = new pg.Client(url(database));
  await client.connect();
  await client.query(names.map((name) => `create schema ${name};`).join(" "));
  await client.end();
  if (filled !== undefined)
    execFileSync(filled[0], filled.slice(1), { env: { ...process.env, ...env }, stdio: "ignore" });
}

/** Debian's /usr/bin/psql is a Perl script that starts the real one. */
function findPsql(): string {
  const base = "/usr/lib/postgresql";
  const versions = existsSync(base)
    ? readdirSync(base).sort((left, right) => Number(right) - Number(left))
    : [];
  return versions.map((major) => join(base, major, "bin/psql")).find(existsSync) ?? "psql";
}

function url(database: string): string {
  return `postgres://postgres@127.0.0.1:${server.port}/${database}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
