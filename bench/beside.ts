/**
 * What it costs an app that `godwit run` or `godwit-run` starts it: the time to its first answer, in pairs with the app
 * alone, while a migration of 60 s runs; and what is held in memory beside it. Prints Markdown for RESULTS.md. Linux.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";
import { median } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 21);
const GODWIT = resolve("dist/godwit.cjs");
const LAUNCHER = resolve("bin/godwit-run");
const APP = `require("node:http").createServer((request, response) => response.end("hello"))
  .listen(0, "127.0.0.1", function () { console.log("up http://127.0.0.1:" + this.address().port); });`;
const ALONE = [process.execPath, "-e", APP, "the app itself"];
const WAYS: Readonly<Record<string, readonly string[]>> = {
  "the app alone": ALONE,
  "godwit run": [process.execPath, GODWIT, "run", "--", ...ALONE],
  "godwit-run": [LAUNCHER, "--", ...ALONE],
};

const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
mkdirSync(join(scratch, "migrations"));
writeFileSync(join(scratch, "migrations", "0001_long.sql"), "select pg_sleep(60)");
const server = await startServer({ settings: ["jit=off"] });
const admin = new pg.Client({ connectionString: url("postgres"), application_name: "bench" });
await admin.connect();
let databases = 0;

try {
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, PostgreSQL ${server.version},`,
  );
  print(`Godwit ${execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim()}.\n`);
  await answers();
  await memory();
} finally {
  await admin.end();
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function answers(): Promise<void> {
  const names = Object.keys(WAYS);
  const taken = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = -1; round < RUNS; round++)
    for (const name of names) {
      const database = await newDatabase();
      const { ms, end } = await start(WAYS[name] ?? [], database);
      await end();
      if (round >= 0) taken.get(name)?.push(ms);
    }
  const alone = taken.get("the app alone") ?? [];
  print(
    "| started by | first answer, median ms | the fastest tenth, ms | later than alone, median of pairs, ms |",
  );
  print("| --- | --- | --- | --- |");
  for (const [name, ms] of taken) {
    const later = median(ms.map((each, index) => each - (alone[index] ?? 0)));
    const tenth = ms.toSorted((a, b) => a - b).slice(0, Math.ceil(ms.length / 10));
    const figures = [median(ms), median(tenth), later].map((each) => each.toFixed(1));
    print(`| ${name} | ${figures.join(" | ")} |`);
  }
}

async function memory(): Promise<void> {
  print(
    "\n| started by | moment | processes of ours | resident MB | shared pages once, MB | their own, MB |",
  );
  print("| --- | --- | --- | --- | --- | --- |");
  for (const name of ["godwit run", "godwit-run"]) {
    const database = await newDatabase();
    const { child, end } = await start(WAYS[name] ?? [], database);
    await active(database, 1);
    line(name, "a migration runs", child);
    const [{ pid }] = (
      await admin.query("select pid from pg_stat_activity where datname = $1 and query like '%sleep(60)%'", [
        database,
      ])
    ).rows;
    await admin.query("select pg_cancel_backend($1)", [pid]);
    await active(database, 0);
    const before = Date.now();
    while (familyOf(child.pid ?? 0).filter(isOurs).length > 1 && Date.now() < before + 3_000) await pause();
    line(name, "the migrations have ended", child);
    await end();
  }
}

function line(name: string, moment: string, { pid = 0 }: ChildProcess): void {
  const ours = familyOf(pid).filter(isOurs);
  const rss = ours.reduce((sum, each) => sum + kilobytes(each, "status", "VmRSS"), 0);
  const pss = ours.reduce((sum, each) => sum + kilobytes(each, "smaps_rollup", "Pss"), 0);
  const own = ours.reduce((sum, each) => sum + kilobytes(each, "status", "RssAnon"), 0);
  const figures = [rss, pss, own].map((each) => (each / 1024).toFixed(1)).join(" | ");
  print(`| ${name} | ${moment} | ${ours.length} | ${figures} |`);
}

interface Started {
  readonly child: ChildProcess;
  /** From its start to the whole answer. */
  readonly ms: number;
  readonly end: () => Promise<unknown>;
}

async function start([program = "", ...args]: readonly string[], database: string): Promise<Started> {
  const env: Record<string, string> = {
    PATH: `${process.execPath.replace(/\/[^/]*$/, "")}:${process.env.PATH}`,
    ...{ NODE_ENV: "production", DATABASE_URL: url(database), HOME: scratch },
  };
  const started = performance.now();
  const child = spawn(program, args, { cwd: scratch, env, stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  while (!said.includes("\n")) await once(child.stdout as NonNullable<typeof child.stdout>, "data");
  await new Promise<void>((done, failed) => {
    get(said.slice(3).trim(), { agent: false }, (response) => response.resume().on("end", done)).on(
      "error",
      failed,
    );
  });
  const ms = performance.now() - started;
  const closed = once(child, "close");
  const end = () => {
    child.kill("SIGTERM");
    return closed;
  };
  return { child, ms, end };
}

/** Resolves when so many sessions run the migration. */
async function active(database: string, count: number): Promise<void> {
  const asked =
    "select 1 from pg_stat_activity where datname = $1 and state = 'active' and query like '%sleep(60)%'";
  while ((await admin.query(asked, [database])).rows.length !== count) await pause();
}

async function newDatabase(): Promise<string> {
  const name = `beside_${databases++}`;
  await admin.query(`create database ${name}`);
  return name;
}

function familyOf(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

/** The app is the process that was told nothing else. */
function isOurs(pid: number): boolean {
  const words = read(`/proc/${pid}/cmdline`);
  return existsSync(`/proc/${pid}`) && (!words.includes("the app itself") || /godwit/.test(words));
}

function kilobytes(pid: number, file: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(read(`/proc/${pid}/${file}`))?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function url(database: string): string {
  return `postgres://postgres@127.0.0.1:${server.port}/${database}`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
