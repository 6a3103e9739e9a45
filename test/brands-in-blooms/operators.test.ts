/** Brands in Blooms: what its operators do by hand, and what they read: tables, logs, the status file. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { delayOf } from "../../src/std/delays.ts";
import { type Container, container, openProject, variablesOf, WAYS, type Way } from "../support/brands.ts";
import { expect, type TestDatabase, test as withDatabase } from "../support/database.ts";
import { EXAMPLE } from "../support/next-app.ts";
import { type Postgrest, startPostgrest } from "../support/postgrest.ts";
import { childrenOf } from "../support/processes.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

/** A container whose app ends as soon as the migrations have. */
const WAITS = ["run", "--wait", "--", process.execPath, "-e", ""];

interface Project {
  readonly api: Postgrest;
  readonly open: (way: Way, env?: Readonly<Record<string, string>>) => Container;
}

const test = withDatabase.extend<{ project: Project }>({
  project: async ({ db }, use) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    await use({ api, open: (way, env) => container({ ...variablesOf(way, { db, api }), ...env }) });
  },
});

const GATE = 41_123;
const GATED = {
  "supabase/migrations/20250901080000_gated.sql": `select pg_advisory_xact_lock(${GATE});
    create table if not exists seasons (name text);
    insert into seasons values ('spring');\n`,
};

const applied = (text: string) => Number(/(\d+) migrations? applied/.exec(text)?.[1] ?? 0);

for (const way of WAYS)
  test(`${way}: who deletes a row of the history by its filename has that file run again at the next start`, async ({
    db,
    project,
  }) => {
    const { godwit } = project.open(way);
    expect(applied((await godwit(...WAITS)).stderr)).toBe(4);
    await db.sql("delete from bouquets");
    await db.sql("DELETE FROM migration_history WHERE filename = '20250805101500_bouquets.sql'");
    expect(applied((await godwit(...WAITS)).stderr)).toBe(1);
    expect(await db.sql("select count(*)::int as n from bouquets")).toEqual([{ n: 3 }]);
    expect((await db.sql("SELECT * FROM migration_history ORDER BY executed_at DESC"))[0]).toMatchObject({
      filename: "20250805101500_bouquets.sql",
      checksum: expect.any(String),
    });
    expect((await godwit(...WAITS)).stderr).toContain("everything is applied");
  });

for (const way of WAYS)
  test(`${way}: rows of dead containers in migration_locks keep nobody out, and may be deleted`, async ({
    db,
    project,
  }) => {
    const { godwit } = project.open(way);
    await godwit("up", "20250801090000_brands");
    await db.sql(`update migration_locks set kind = 'lease', run_id = gen_random_uuid(), host = 'gone',
      locked_at = now() - interval '10 minutes', expires_at = now() - interval '9 minutes'`);
    await godwit("up", "20250805101500_bouquets");
    await db.sql(`update migration_locks set kind = 'lease', run_id = gen_random_uuid(), host = 'gone',
      locked_at = now() - interval '10 minutes', expires_at = now() + interval '1 hour'`);
    const starting = godwit.start(...WAITS);
    if (way === "over HTTPS") await starting.says(/waiting/);
    await db.sql("DELETE FROM migration_locks WHERE locked_at < NOW() - INTERVAL '5 minutes'");
    expect(applied((await starting.exits(0)).stderr)).toBe(2);
  });

for (const way of WAYS)
  test(`${way}: lock rows that are deleted under a migration that runs let nothing run twice`, async ({
    db,
    project,
  }) => {
    const { godwit, folder } = project.open(way, { MIGRATION_RETRY_DELAY: "50ms" });
    writeFiles(folder, GATED);
    await db.admin("select pg_advisory_lock($1)", [GATE]);
    const running = godwit.launch("--", process.execPath, "-e", "setInterval(() => {}, 1000)");
    const waits = "select 1 from pg_locks where locktype = 'advisory' and objid = $1 and not granted";
    await until(async () => (await db.admin(waits, [GATE])).length > 0, { what: "the migration to wait" });
    await using operator = await operatorOf(db);
    // It may wait for the transaction that holds the row, as any client's statement does.
    const deleted = operator.query("DELETE FROM migration_locks WHERE locked_at < NOW() + INTERVAL '1 day'");
    const another = godwit.start(...WAITS);
    await db.admin("select pg_advisory_unlock($1)", [GATE]);
    await deleted;
    await another.exits(0);
    await until(
      async () =>
        (await db.sql("select 1 from migration_history where filename like '%gated%'")).length === 1,
      { what: "the migration to be applied" },
    );
    running.child.kill("SIGTERM");
    await running.exits(143);
    expect(await db.sql("select count(*)::int as n from seasons")).toEqual([{ n: 1 }]);
  });

test("row-level security is on for migration_locks and migration_history, and the API's roles see nothing", async ({
  db,
  project,
}) => {
  await project.open("over HTTPS").godwit(...WAITS);
  const ours = "relname in ('migration_locks', 'migration_history')";
  expect(
    await db.sql(`select relname as name, relrowsecurity as secure from pg_class
      where ${ours} and relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`),
  ).toEqual([
    { name: "migration_history", secure: true },
    { name: "migration_locks", secure: true },
  ]);
  await db.admin("grant select on migration_history, migration_locks to anon, authenticated");
  for (const role of ["anon", "authenticated"]) {
    await db.admin(`set role ${role}`);
    expect(await db.admin("select 1 from migration_history union all select 1 from migration_locks")).toEqual(
      [],
    );
    await db.admin("reset role");
  }
});

test("a file that was changed after it was applied is refused by its checksum", async ({ project }) => {
  const { godwit, folder } = project.open("over HTTPS");
  await godwit(...WAITS);
  const file = join(folder, "supabase/migrations/20250801090000_brands.sql");
  writeFileSync(file, `${readFileSync(file, "utf8")}\ndrop table brands;\n`);
  const { stderr } = await godwit(...WAITS);
  expect(stderr).toContain("20250801090000_brands");
  expect(stderr).toContain("The migrations have failed (PLAN_EDITED)");
});

test("the log has one JSON object in each line, with the fields that the team searches for", async ({
  project,
}) => {
  const { stderr } = await project.open("over HTTPS").godwit(...WAITS);
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const line of lines)
    expect(line).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      level: expect.stringMatching(/^(info|warn|error)$/),
      message: expect.any(String),
      component: expect.any(String),
      instanceId: expect.any(String),
    });
  // One container is one instance, however many processes write its log.
  expect(new Set(lines.map(({ instanceId }) => instanceId)).size).toBe(1);
  expect(lines).toContainEqual(
    expect.objectContaining({ filename: "20250813120000_wishlists.sql", duration: expect.any(Number) }),
  );
});

test("docker exec: the status file says how the migrations are, and godwit health and godwit status too", async ({
  project,
}) => {
  const place = project.open("over HTTPS");
  await place.godwit(...WAITS);
  const { migrations, environment } = JSON.parse(readFileSync(place.statusFile, "utf8"));
  expect([migrations.status, environment]).toEqual(["completed", "production"]);
  expect((await place.godwit("health")).stdout).toContain("completed");
  expect((await place.godwit("status")).stdout).toContain("20250820083000_bouquet_prices");
});

test("a preview before a release: plan and status --check say what is pending, over both ways", async ({
  project,
}) => {
  for (const way of WAYS) {
    const { godwit } = project.open(way);
    expect((await godwit("plan", "--json")).json.plan.steps).toHaveLength(4);
    await godwit.fails(1, "status", "--check");
  }
  const { godwit } = project.open("over the database URL");
  expect((await godwit("up", "--dry-run")).stderr + (await godwit("plan")).stdout).toContain("wishlists");
  await godwit.fails(1, "status", "--check");
});

test("supabase/exec_sql.sql is what godwit init --supabase writes", async () => {
  const { folder, godwit } = container({}, {});
  rmSync(join(folder, "supabase", "exec_sql.sql"));
  await godwit("init", "--supabase");
  const name = join("supabase", "exec_sql.sql");
  expect(readFileSync(join(folder, name), "utf8")).toBe(readFileSync(join(EXAMPLE, name), "utf8"));
});

const SLEEPING = { "supabase/migrations/20250901080000_sleeps.sql": "select pg_sleep(600);\n" };

test("the migrations give way to the app, and hold about 50 MB: all that is beside the app at most 64", async ({
  db,
  project,
}) => {
  const { godwit, folder } = project.open("over the database URL");
  writeFiles(folder, SLEEPING);
  const running = godwit.launch("--", process.execPath, "-e", "setInterval(() => {}, 1000)");
  const asleep =
    "select 1 from pg_stat_activity where datname = current_database() and query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()";
  await until(async () => (await db.admin(asleep)).length > 0, { what: "the migration to sleep" });
  const shell = running.child.pid ?? 0;
  const [supervisor = 0] = childrenOf(shell).filter((pid) => wordsOf(pid).includes("run"));
  const [migrations = 0] = childrenOf(supervisor);
  expect(wordsOf(migrations)).toContain("up");
  // The file behind Node's code is the app's too, so what counts is what each process has for itself.
  const own = [shell, supervisor, migrations].map(ownMegabytes);
  expect(own[2]).toBeLessThan(50);
  expect(own.reduce((sum, each) => sum + each, 0)).toBeLessThan(64);
  const expected = Math.min(19, getPriority() + 10);
  expect(nicenessOf(migrations)).toBe(expected);
  expect(nicenessOf(supervisor)).toBe(expected);
  // The limit that holds where none is set; it is the process's own.
  expect(wordsOf(migrations)).toContain("--timeout=300000ms");
  running.child.kill("SIGTERM");
  await running.exits(143);
});

test("the limits that nobody has set are the team's", async () => {
  const { values } = await loadConfig({ flags: {}, environment: {}, file: {}, workingFolder: folderOf({}) });
  const { retryCount, retryDelay, maxMemoryMb, migrationEnabled, skipMigrations, environments } = values;
  expect({ retryCount, maxMemoryMb, migrationEnabled, skipMigrations, environments }).toEqual({
    ...{ retryCount: 3, maxMemoryMb: 256, migrationEnabled: true, skipMigrations: false },
    environments: ["production", "staging"],
  });
  expect([1, 2, 3].map((retry) => delayOf(retryDelay, retry))).toEqual([5_000, 5_000, 5_000]);
});

const wordsOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
const nicenessOf = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[16]);
const ownMegabytes = (pid: number) =>
  Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** A session beside that of the test, for a statement that may wait. */
async function operatorOf(db: TestDatabase) {
  const client = await db.connect({ as: "superuser" });
  return { query: (text: string) => client.query(text), [Symbol.asyncDispose]: () => client.end() };
}
