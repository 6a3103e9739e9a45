/** What `godwit dev` does about the newest migration, whatever it is written in, and whoever is connected. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { templateOf } from "../../src/source/plain/template.ts";
import { ask, columns, ends, test } from "../support/dev.ts";
import { until } from "../support/until.ts";
import { startDevelopment } from "../support/watched.ts";

/** How many runs are in `pg_sleep`. */
const SLEEPING = `select count(*)::int from pg_stat_activity
  where query like '%pg_sleep(3600)%' and application_name like 'godwit run %' and state = 'active'`;

test("a module is reverted by its file, and runs again", async ({ project }) => {
  const draft = (column: string) =>
    `export async function up({ sql }) { await sql\`alter table shops add ${column} text\`; }
export async function down({ sql }) { await sql\`alter table shops drop if exists ${column}, drop if exists slag\`; }
`;
  project.write({ "migrations/0002_slug.ts": draft("slag") });
  const dev = await project.dev("--watch");
  await ask(dev.url, "insert into shops values (1)");
  project.write({ "migrations/0002_slug.ts": draft("slug") });
  await dev.says(/has changed[\s\S]*0002_slug applied/);
  expect(await columns(dev.url, "shops")).toBe("id slug");
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(1);
  await ends(dev);
});

const USERS = {
  sql: "-- migrate:up\ncreate table users (id int);\n-- migrate:down\ndrop table users;\n",
  ts: "export async function up({ sql }) { await sql`create table users (id int)`; }\nexport async function down({ sql }) { await sql`drop table users`; }\n",
};

for (const language of ["sql", "ts"] as const)
  test(`what \`godwit new\` has made waits until something is written in it: ${language}`, async ({
    project,
  }) => {
    const dev = await project.dev("--watch");
    const file = `migrations/0002_users.${language}`;
    project.write({ [file]: templateOf(language, null) });
    await dev.says(`Nothing is written in 0002_users.${language} yet.`);
    await ask(dev.url, "insert into shops values (1)");
    project.write({
      [file]: USERS[language],
    });
    await dev.says("0002_users applied");
    expect(await ask(dev.url, "select count(*)::int from shops")).toBe(1);
    expect(await ends(dev)).not.toContain("taken back");
  });

for (const language of ["sql", "ts"] as const)
  test(`what was applied empty is taken back without the copy: ${language}`, async ({ project }) => {
    const dev = await project.dev("--watch");
    const file = `migrations/0002_users.${language}`;
    const more = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;\n";
    project.write({ [file]: templateOf(language, null), "migrations/0003_more.sql": more });
    await dev.says("0003_more applied");
    rmSync(join(project.folder, "migrations/0003_more.sql"));
    await dev.says(/The file of 0003_more is gone[\s\S]*0003_more reverted[\s\S]*Everything is applied/);
    await ask(dev.url, "insert into shops values (1)");
    await ask(dev.url, "drop database app_before_newest");
    project.write({ [file]: USERS[language] });
    await dev.says(/0002_users has changed[\s\S]*0002_users applied/);
    expect(await ask(dev.url, "select count(*)::int from shops")).toBe(1);
    await ends(dev);
  });

test("a way back that was written later is not one of what was applied", async ({ project }) => {
  const dev = await project.dev("--watch");
  project.write({
    "migrations/0002_users.sql": "create table users (id int); insert into shops values (7);",
  });
  await dev.says("0002_users applied");
  project.write({ "migrations/0002_users.sql": USERS.sql.replace("-- migrate:up\n", "") });
  await dev.says(/\[SOURCE_\w+\]/);
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(1);
  project.write({ "migrations/0002_users.sql": USERS.sql });
  await dev.says(/0002_users has no way back[\s\S]*0002_users applied/);
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(0);
  await ends(dev);
});

test("several that this process has applied are taken back together, or none of them", async ({
  project,
}) => {
  const dev = await project.dev("--watch");
  const table = (name: string, columns: string) =>
    `-- migrate:up\ncreate table ${name} (${columns});\n-- migrate:down\ndrop table ${name};\n`;
  project.write({ "migrations/0002_a.sql": table("a", "x int") });
  await dev.says("0002_a applied");
  project.write({ "migrations/0003_b.sql": table("b", "x int") });
  await dev.says("0003_b applied");
  await ask(dev.url, "insert into shops values (1)");
  project.write({
    "migrations/0002_a.sql": table("a", "x int, y int"),
    "migrations/0003_b.sql": table("b", "x int, y int"),
  });
  await until(async () => (await columns(dev.url, "b")) === "x y");
  expect(await columns(dev.url, "a")).toBe("x y");
  expect(await ask(dev.url, "select count(*)::int from shops")).toBe(1);

  project.write({ "migrations/0004_c.sql": "create table c (x int);" });
  await dev.says("0004_c applied");
  project.write({ "migrations/0005_d.sql": "create table d (x int);" });
  await dev.says("0005_d applied");
  await ask(dev.url, "insert into d values (1)");
  project.write({
    "migrations/0004_c.sql": "create table c (x int, y int);",
    "migrations/0005_d.sql": "create table d (x int, y int);",
  });
  await dev.says(/\[(DEV_NO_WAY_BACK|PLAN_EDITED)\]/);
  expect(await ask(dev.url, "select count(*)::int from d")).toBe(1);
  await ends(dev);
});

test("folders of another tool are watched inside, and a draft without a way back there runs again", async ({
  project,
}) => {
  const godwit = project.godwit.start("dev", "--watch", "--dir", "prisma/migrations");
  await godwit.says("[SOURCE_FOLDER_MISSING]");
  project.write({
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "prisma/migrations/20250101000000_init/migration.sql": "create table old (id int);",
  });
  await godwit.says("20250101000000_init applied");
  mkdirSync(join(project.folder, "prisma/migrations/20250102000000_users"));
  project.write({ "prisma/migrations/20250102000000_users/migration.sql": "create table users (nam text);" });
  await godwit.says("20250102000000_users applied");
  project.write({
    "prisma/migrations/20250102000000_users/migration.sql": "create table users (name text);",
  });
  await godwit.says(/20250102000000_users has no way back[\s\S]*20250102000000_users applied/);
  await ends(godwit);
});

test("a migration outside a transaction that stopped halfway begins again from the copy", async ({
  project,
}) => {
  const draft = (column: string) =>
    `create index concurrently shops_id on shops (id);\ncreate index concurrently shops_name on shops (${column});\n`;
  project.write({ "migrations/0002_index.sql": draft("nam") });
  const dev = await project.dev("--watch");
  await dev.says("[STEP_FAILED]");
  project.write({ "migrations/0002_index.sql": draft("id") });
  await dev.says("0002_index applied");
  expect(await ask(dev.url, "select count(*)::int from pg_indexes where tablename = 'shops'")).toBe(2);
  await ends(dev);
});

test("a run of Godwit is never ended for another database: it is waited for", async ({ project }) => {
  const dev = await project.dev();
  project.write({ "migrations/0002_slow.sql": "select pg_sleep(3600);" });
  const up = project.godwit.start("up");
  await until(async () => (await ask(dev.url, SLEEPING)) === 1);
  await ends(dev);
  // The run is an opener, so the server is there for the next one.
  const next = project.godwit.start("dev", "--reset", "--confirm", "app");
  await next.says('Waiting for another run of Godwit on database "app"');
  expect(await ask(dev.url.replace(/app$/, "postgres"), SLEEPING)).toBe(1);
  project.write({ "migrations/0002_slow.sql": "create table fast (id int);" });
  up.child.kill("SIGINT");
  await up.exits(130);
  await next.says("2 migrations applied");
  await ends(next);
});

test("a hint leads on: what cannot be taken back is made anew by --reset", async ({ project }) => {
  const first = await project.dev("--once");
  await ask(first.url, "drop database app_before_newest");
  await ends(first);
  const dev = await project.dev("--watch");
  project.write({ "migrations/0001_shops.sql": "create table shops (id bigint);" });
  await dev.says(/\[DEV_NO_WAY_BACK\][\s\S]*`godwit dev --reset`/);
  await ends(dev);
  const anew = await project.dev("--reset", "--confirm", "app");
  expect(
    await ask(anew.url, "select data_type from information_schema.columns where table_name = 'shops'"),
  ).toBe("bigint");
  await ends(anew);
});

test("a hint leads on: an older file that was edited is applied by --reset", async ({ project }) => {
  project.write({ "migrations/0002_users.sql": USERS.sql });
  const dev = await project.dev("--watch");
  project.write({ "migrations/0001_shops.sql": "create table shops (id bigint);" });
  await dev.says(/\[PLAN_EDITED\][\s\S]*`godwit dev --reset`/);
  await ends(dev);
  const anew = await project.dev("--reset", "--confirm", "app");
  expect(
    await ask(anew.url, "select data_type from information_schema.columns where table_name = 'shops'"),
  ).toBe("bigint");
  await ends(anew);
});

test("a hint leads on: what cannot be taken back gets its text again, and a new migration", async ({
  project,
}) => {
  const first = await project.dev("--once");
  await ask(first.url, "drop database app_before_newest");
  await ends(first);
  const dev = await project.dev("--watch");
  project.write({ "migrations/0001_shops.sql": "create table shops (id bigint);" });
  await dev.says(/\[DEV_NO_WAY_BACK\][\s\S]*`godwit new <name>`/);
  project.write({ "migrations/0001_shops.sql": "create table shops (id int);" });
  const { stdout } = await project.godwit("new", "wide");
  project.write({ [stdout.trim()]: "alter table shops alter id type bigint;" });
  await dev.says("0002_wide applied");
  await ends(dev);
});

test("what a crash has left of a copy is dropped, and settings of the database are carried over", async ({
  project,
}) => {
  project.write({ "migrations/0002_users.sql": "create table users (nam text);" });
  const first = await project.dev("--once");
  const admin = first.url.replace(/app$/, "postgres");
  await ask(admin, 'create database "app (making)"');
  await ask(admin, 'create database "app (left)"');
  await ask(admin, "alter database app set search_path = public, extra");
  await ask(admin, "alter database app set app.mode = 'it''s on'");
  first.child.kill("SIGKILL");
  await first.ended;
  const dev = await project.dev("--watch");
  expect(await ask(admin, "select count(*)::int from pg_database where datname like 'app (%'")).toBe(0);
  project.write({ "migrations/0003_more.sql": "create table more (id int);" });
  await dev.says("0003_more applied");
  project.write({ "migrations/0003_more.sql": "create table more (id bigint);" });
  await dev.says(/0003_more has no way back[\s\S]*0003_more applied/);
  expect(await ask(dev.url, "show search_path")).toBe("public, extra");
  expect(await ask(dev.url, "show app.mode")).toBe("it's on");
  await ends(dev);
});

test("Ctrl-C in the middle of a migration says what was kept, and ends the server", async ({ project }) => {
  const dev = await project.dev("--watch");
  project.write({ "migrations/0002_slow.sql": "create table slow (id int); select pg_sleep(3600);" });
  await until(async () => (await ask(dev.url.replace(/app$/, "postgres"), SLEEPING)) === 1);
  dev.child.kill("SIGINT");
  expect((await dev.exits(130)).stderr).toContain("0002_slow");
  expect(await project.server()).toBeUndefined();
});

test("a program does the same with startDevelopment", async ({ project }) => {
  const said: string[] = [];
  const stop = new AbortController();
  const config = {
    root: project.folder,
    environment: { PATH: process.env.PATH },
    say: (line: string) => void said.push(line),
    signal: stop.signal,
  };
  await using development = await startDevelopment(config);
  expect(await development.apply()).toMatchObject({ takenBack: [], applied: ["0001_shops"] });
  await expect(startDevelopment(config)).rejects.toMatchObject({ code: "DEV_RUNNING" });
  project.write({ "migrations/0001_shops.sql": "create table shops (id bigint);" });
  expect(await development.apply()).toMatchObject({ takenBack: ["0001_shops"], applied: ["0001_shops"] });
  await expect(development.reset({ confirm: "shop" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await development.reset({ confirm: "app" });
  expect(await ask(await development.url(), "select to_regclass('shops')::text")).toBeNull();
  const rounds: unknown[] = [];
  await development.follow((round) => {
    rounds.push(round);
    stop.abort();
  });
  expect(rounds).toMatchObject([{ applied: ["0001_shops"], error: null }]);
});
