/**
 * `godwit import` beside the floor (decoding alone), OpenSSH's own clients and the way it is done in Python, on one
 * throw-away PostgreSQL and one throw-away sshd, in one run. Prints Markdown for RESULTS.md. Ratios are what counts.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { startServer } from "../test/support/server.ts";
import { type Sshd, startSshd } from "../test/support/sshd.ts";
import { type Folder, folderOf, KINDS, LARGE, MIX, SMALL, TINY } from "./import/folders.ts";
import { type Command, compare, type Figures, median } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 3);
const PARTS = (process.env.BENCH_PARTS ?? "mix,kinds,small,large,sftp").split(",");
const GODWIT = resolve(process.env.BENCH_GODWIT ?? "dist/godwit.cjs");
const OWN = resolve(".cache/bench/import");
const PYTHON = process.env.BENCH_PYTHON ?? "/usr/bin/python3";
const PROCESSES = cpus().length;
/** As the workers of an import have them. */
const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: "50000000",
  MALLOC_TRIM_THRESHOLD_: "4294967296",
  MALLOC_ARENA_MAX: "1",
};

const scratch = mkdtempSync(join(tmpdir(), "godwit-bench-"));
const fast = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "godwit-bench-"));
const server = await startServer({ settings: ["jit=off"] });
const sshd = await startSshd();
const admin = new pg.Client(url("postgres"));
let databases = 0;

try {
  await admin.connect();
  await prepare();
  print(
    `Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, sharp ${versionOf("sharp")}, ssh2 ${versionOf("ssh2")},`,
  );
  print(
    `PostgreSQL ${server.version} (fsync off), ${said("ssh", "-V").split(",")[0]}, ${peer() ?? "no Python peer"},`,
  );
  print(
    `Godwit ${said("git", "rev-parse", "--short", "HEAD")}, ${new Date().toISOString().slice(0, 10)}, median of ${RUNS} runs each, in turn.\n`,
  );
  if (PARTS.includes("mix")) await wholeImport();
  if (PARTS.includes("kinds")) await kinds();
  if (PARTS.includes("sftp")) await sftpAlone();
  if (PARTS.includes("small")) await others(SMALL, RUNS);
  if (PARTS.includes("large")) await others(LARGE, 1);
} finally {
  await admin.end();
  await sshd.stop();
  await server.stop();
  for (const folder of [scratch, fast]) rmSync(folder, { recursive: true, force: true });
}

async function wholeImport(): Promise<void> {
  const base = await folderOf(MIX);
  const commands = [godwit("from SFTP", overSftp(sshd, base)), godwit("from a folder", base)];
  if (peer() !== null)
    commands.push(
      python(base, PROCESSES),
      python(base, PROCESSES, { name: ", prefetch", env: { PEER_PREFETCH: "1" } }),
    );
  const figures = await compare(commands, RUNS);
  throughput(MIX, base, figures);
  if (peer() !== null) await compareHashes(base);
}

/** From a folder, so that it is decoding and hashing that is compared; what starting costs is taken off. */
async function kinds(): Promise<void> {
  const [start] = await compare([godwit("", await folderOf(TINY))], RUNS);
  print(`### CPU per image, user and system, ${PROCESSES} processes (load ${load()})\n`);
  print(
    "| kind | files, MB each | godwit import, CPU-ms | decode alone, CPU-ms | ratio | Python from SFTP, CPU-ms |",
  );
  print("|---|---|---|---|---|---|");
  for (const folder of KINDS) {
    const base = await folderOf(folder);
    const count = folder.files.length;
    const floors: number[] = [];
    for (let run = 0; run < RUNS; run++) floors.push(await floor(base));
    const [whole] = await compare([godwit("", base)], RUNS);
    const [other] = peer() === null ? [] : await compare([python(base, PROCESSES)], 1);
    const own = ((whole?.cpuMs ?? 0) - (start?.cpuMs ?? 0)) / count;
    const least = median(floors) / count;
    print(
      `| ${folder.title} | ${count} × ${(sizeOf(base) / count / 1e6).toFixed(1)} | ${own.toFixed(0)} | ${least.toFixed(0)} | ${(own / least).toFixed(2)} | ${other === undefined ? "" : (other.cpuMs / count).toFixed(0)} |`,
    );
  }
  print(`\nStarting, taken off: ${start?.cpuMs.toFixed(0)} CPU-ms for the command and its workers.\n`);
}

async function sftpAlone(): Promise<void> {
  for (const folder of [MIX, SMALL]) {
    const base = await folderOf(folder);
    const key = join(sshd.ownFolder, "user");
    const known = join(scratch, "known_hosts");
    writeKnown(known);
    const options = ["-q", "-r", "-P", String(sshd.port), "-i", key, "-o", `UserKnownHostsFile=${known}`];
    const from = `${sshd.username}@127.0.0.1:${base}`;
    const to = join(fast, "copy");
    const before = async () => {
      rmSync(to, { recursive: true, force: true });
      mkdirSync(to);
    };
    const figures = await compare(
      [
        {
          name: "our origin, 4 files at a time, to memory",
          argv: [process.execPath, join(OWN, "fetch.mjs")],
          env: { ORIGIN: JSON.stringify(sshd.settings({ base })) },
        },
        { name: "sftp -r, to tmpfs", argv: ["sftp", ...options, from, to], before },
        { name: "scp -r, to tmpfs", argv: ["scp", ...options, from, to], before },
      ],
      RUNS,
    );
    rmSync(to, { recursive: true, force: true });
    const [count, size] = [folder.files.length, sizeOf(base)];
    print(`### SFTP alone: ${count} files, ${(size / 1e6).toFixed(0)} MB (load ${load()})\n`);
    print(
      "| client | wall s (from – to) | MB/s | files/s | CPU s per GB | our speed, ratio to it |\n|---|---|---|---|---|---|",
    );
    for (const one of figures)
      print(
        `| ${one.name} | ${seconds(one.wallMs)} (${seconds(one.fromMs)} – ${seconds(one.toMs)}) | ${(size / one.wallMs / 1e3).toFixed(0)} | ${((count * 1000) / one.wallMs).toFixed(0)} | ${((one.cpuMs * 1e6) / size).toFixed(2)} | ${(one.wallMs / (figures[0]?.wallMs ?? 1)).toFixed(2)} |`,
      );
    print("");
  }
}

async function others(folder: Folder, runs: number): Promise<void> {
  const base = await folderOf(folder);
  throughput(
    folder,
    base,
    await compare([godwit("from SFTP", overSftp(sshd, base)), godwit("from a folder", base)], runs),
  );
}

function throughput(folder: Folder, base: string, figures: readonly Figures[]): void {
  const [count, size] = [folder.files.length, sizeOf(base)];
  print(`### ${folder.title}, ${(size / 1e6).toFixed(0)} MB in all (load ${load()})\n`);
  print(
    "| process | wall s (from – to) | images/s | MB/s | CPU-ms per image | images per CPU-second | peak of all: PSS MB | RSS MB |",
  );
  print("|---|---|---|---|---|---|---|---|");
  for (const { name, wallMs, fromMs, toMs, cpuMs, family } of figures)
    print(
      `| ${name} | ${seconds(wallMs)} (${seconds(fromMs)} – ${seconds(toMs)}) | ${((count * 1000) / wallMs).toFixed(1)} | ${(size / wallMs / 1e3).toFixed(1)} | ${(cpuMs / count).toFixed(1)} | ${((count * 1000) / cpuMs).toFixed(1)} | ${family.pssMb.toFixed(0)} | ${family.rssMb.toFixed(0)} |`,
    );
  print("");
}

function godwit(name: string, from: string): Command {
  const trusted = from.startsWith("sftp:") ? ["--host-key", sshd.hostKeyFingerprint] : [];
  return {
    name: `godwit import ${name}`,
    argv: [
      "/bin/sh",
      "-c",
      `cd ${scratch}/project && exec "$0" "$@" --database-url "$BENCH_URL"`,
      process.execPath,
      GODWIT,
      "import",
      ...["--from", from, ...trusted, "--quiet"],
    ],
    env: { QNAP_PRIVATE_KEY: sshd.privateKey },
    watched: true,
    before: async () => {
      const name = `bench_${++databases}`;
      await admin.query(`create database ${name} template bench`);
      process.env.BENCH_URL = url(name);
    },
  };
}

interface Variant {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

function python(base: string, processes: number, { name, env }: Variant = { name: "", env: {} }): Command {
  return {
    name: `Python from SFTP, ${processes} ${processes === 1 ? "process" : "processes"}${name}`,
    argv: [PYTHON, resolve("bench/import/peer.py"), base, String(processes)],
    env: { ...pythonEnvironment(), ...env },
    watched: true,
  };
}

function pythonEnvironment(): Record<string, string> {
  return {
    SFTP_HOST: "127.0.0.1",
    SFTP_PORT: String(sshd.port),
    SFTP_USER: sshd.username,
    SFTP_KEY_FILE: join(sshd.ownFolder, "user"),
  };
}

/** What Python is there, or `null`. */
function peer(): string | null {
  const { status, stdout } = spawnSync(
    PYTHON,
    [
      "-c",
      "import PIL, numpy, scipy, paramiko, platform as p; print(f'Python {p.python_version()}, Pillow {PIL.__version__}, numpy {numpy.__version__}, scipy {scipy.__version__}, paramiko {paramiko.__version__}')",
    ],
    { encoding: "utf8" },
  );
  return status === 0 ? stdout.trim() : null;
}

async function compareHashes(base: string): Promise<void> {
  const { stdout } = spawnSync(PYTHON, [resolve("bench/import/peer.py"), base, String(PROCESSES)], {
    encoding: "utf8",
    env: { ...process.env, ...pythonEnvironment() },
  });
  const theirs = new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => [line.slice(17), line.slice(0, 16)] as const),
  );
  const client = new pg.Client(url(`bench_${databases}`));
  await client.connect();
  const { rows } = await client.query<{ path: string; phash: string }>(
    "select path, phash from godwit.import_files join godwit.import_contents using (sha256)",
  );
  await client.end();
  const equal = rows.filter(({ path, phash }) => theirs.get(path) === phash).length;
  print(`Hashes equal to Python's: ${equal} of ${theirs.size} (${rows.length} rows).\n`);
}

/** CPU-ms of all parts together. */
async function floor(base: string): Promise<number> {
  const parts = Array.from({ length: PROCESSES }, (_, part) =>
    runNode(join(OWN, "floor.mjs"), base, String(part), String(PROCESSES)),
  );
  return (await Promise.all(parts)).reduce((sum, text) => sum + Number(text), 0);
}

async function runNode(...args: readonly string[]): Promise<string> {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, ...MALLOC },
  });
  return stdout;
}

async function prepare(): Promise<void> {
  const project = join(scratch, "project");
  mkdirSync(project);
  await admin.query("create database bench");
  for (const args of [
    ["init", "--import"],
    ["up", "--quiet"],
  ])
    execFileSync(process.execPath, [GODWIT, ...args], {
      cwd: project,
      env: { ...process.env, DATABASE_URL: url("bench") },
      stdio: ["ignore", "ignore", "inherit"],
    });
}

function overSftp({ username, port }: Sshd, base: string): string {
  return `sftp://${username}@127.0.0.1:${port}${base}`;
}

function writeKnown(path: string): void {
  execFileSync("sh", ["-c", 'printf %s "$0" > "$1"', sshd.knownHosts, path]);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, entry) => total + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(resolve(`node_modules/${name}/package.json`), "utf8")).version;
}

function said(command: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return (stdout + stderr).trim();
}

function url(database: string): string {
  return `postgres://postgres@127.0.0.1:${server.port}/${database}?sslmode=disable`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
