/** Histories that the tools themselves have made: half by them, half by us, and both agree at the end. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";
import { targetIn, without } from "../support/tools.ts";

const ADOPT: AdoptOptions = { assume: false, dryRun: false };
const TABLES = ["a", "b", "c", "d"];
const make = (index: number) =>
  `create table ${TABLES[index]} (id int);\ninsert into ${TABLES[index]} values (1);\n`;
const drop = (index: number) => `drop table ${TABLES[index]};\n`;

async function run(
  folder: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const { stdout, stderr } = await promisify(execFile)(command, [...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, ...env },
  }).catch((error) => {
    throw new Error(`${command} ${args.join(" ")}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout + stderr;
}

const script = (path: string) => join(root, "node_modules", path);

/** Every table has exactly the one row that its migration inserts. */
async function once(db: TestDatabase, count: number): Promise<void> {
  for (const table of TABLES.slice(0, count))
    expect(await db.sql(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 1 }]);
}

interface Original {
  readonly tool: string;
  /** The first so many migrations in the tool's own form. */
  files(count: number): Files;
  readonly ids: readonly string[];
  /** Runs what is pending in it. */
  migrate(db: TestDatabase, folder: string): Promise<unknown>;
  /** Below the project. */
  readonly folder?: string;
}

const IN_PLACE: readonly Original[] = [
  {
    tool: "dbmate",
    ids: ["001_a", "002_b", "003_c", "004_d"],
    files: (count) =>
      numbered(count, (index) => [
        `00${index + 1}_${TABLES[index]}.sql`,
        `-- migrate:up\n${make(index)}-- migrate:down\n${drop(index)}`,
      ]),
    migrate: (db, folder) =>
      run(folder, process.execPath, [
        script("dbmate/dist/cli.js"),
        ...["--url", `${db.url}?sslmode=disable`, "-d", ".", "--no-dump-schema", "up"],
      ]),
  },
  {
    tool: "node-pg-migrate",
    ids: ["1700000000001_a", "1700000000002_b", "1700000000003_c", "1700000000004_d"],
    files: (count) =>
      numbered(count, (index) => [
        `170000000000${index + 1}_${TABLES[index]}.sql`,
        `-- Up Migration\n${make(index)}\n-- Down Migration\n${drop(index)}`,
      ]),
    async migrate(db, folder) {
      const { runner } = await import("node-pg-migrate");
      await runner({
        databaseUrl: db.url,
        dir: folder,
        direction: "up",
        migrationsTable: "pgmigrations",
        log: () => {},
      });
    },
  },
  {
    tool: "graphile-migrate",
    ids: ["000001-a", "000002-b", "000003-c", "000004-d"],
    folder: "migrations/committed",
    files: (count) => graphile(count),
    async migrate(db, folder) {
      const graphile = await import("graphile-migrate");
      await graphile.migrate({
        connectionString: db.url,
        rootConnectionString: db.adminUrl,
        migrationsFolder: join(folder, "migrations"),
        logger: quiet(await import("@graphile/logger" as string)),
      } as never);
    },
  },
];

function numbered(count: number, write: (index: number) => [string, string]): Files {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => write(index)));
}

/** As `graphile-migrate commit` writes them. */
function graphile(count: number): Files {
  const { createHash } = process.getBuiltinModule("node:crypto");
  let previous: string | null = null;
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const body = make(index);
      const hash = `sha1:${createHash("sha1")
        .update(`${`${previous ?? ""}\n${body.trim()}`.trim()}\n`)
        .digest("hex")}`;
      const text = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n--! Message: ${TABLES[index]}\n\n${body}`;
      previous = hash;
      return [`migrations/committed/00000${index + 1}-${TABLES[index]}.sql`, text];
    }),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: its package is not ours
function quiet({ Logger }: any): unknown {
  return new Logger(() => () => {});
}

describe.for(IN_PLACE)("$tool", ({ tool, ids, files, migrate, folder: below = "." }) => {
  test("half by it; adopted; the other half by us; and it knows of all, as configured", async ({ db }) => {
    const project = folderOf(files(2));
    await migrate(db, project);
    writeFiles(project, files(4));
    const folder = join(project, below);
    const target = await targetIn(tool, { url: db.url, folder, settings: { keep: tool } });
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ tool, pending: ids.slice(2), edited: [], missing: [] });
    expect(report.applied.map(({ revision }) => revision)).toEqual(ids.slice(0, 2));
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(ids.slice(2));
    await migrate(db, project);
    await once(db, 4);
    expect((await up(target)).steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(ids);
  });

  test("first by us in a new database, then by it, and what it did is taken over", async ({ db }) => {
    const project = folderOf(files(2));
    const folder = join(project, below);
    const target = await targetIn(tool, { url: db.url, folder, settings: { keep: tool } });
    await up(target);
    await migrate(db, project);
    await once(db, 2);
    writeFiles(project, files(3));
    await migrate(db, project);
    writeFiles(project, files(4));
    const next = await targetIn(tool, { url: db.url, folder, settings: { keep: tool } });
    expect((await up(next)).steps.map(({ revision }) => revision)).toEqual(ids.slice(3));
    await migrate(db, project);
    await once(db, 4);
  });

  test("kept in step from later on, it is told of what was applied before that", async ({ db }) => {
    const project = folderOf(files(2));
    await migrate(db, project);
    writeFiles(project, files(3));
    const folder = join(project, below);
    const alone = await targetIn(tool, { url: db.url, folder });
    expect(await adopt(alone, ADOPT, recorder())).toMatchObject({ kept: false });
    await up(alone);
    const kept = await targetIn(tool, { url: db.url, folder, settings: { keep: tool } });
    const told = recorder();
    await up(kept, told);
    expect(told.events).toContainEqual(expect.objectContaining({ kind: "told", revisions: ids.slice(2, 3) }));
    const quiet = recorder();
    await up(kept, quiet);
    expect(quiet.events.map(({ kind }) => kind)).not.toContain("told");
    await migrate(db, project);
    await once(db, 3);
  });

  test("what it went on to apply after it was adopted is not run a second time", async ({ db }) => {
    const project = folderOf(files(2));
    await migrate(db, project);
    const target = await targetIn(tool, { url: db.url, folder: join(project, below) });
    await adopt(target, ADOPT, recorder());
    writeFiles(project, files(4));
    await migrate(db, project);
    const { codes, error } = await refusalOf(up(target));
    expect(codes).toEqual(["ADOPT_NEEDED"]);
    expect(error.message).toContain(ids[2]);
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps).toEqual([]);
    await once(db, 4);
  });

  test("without adopting nothing is run twice", async ({ db }) => {
    const project = folderOf(files(2));
    await migrate(db, project);
    const target = await targetIn(tool, { url: db.url, folder: join(project, below) });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await once(db, 2);
  });
});

interface Programs {
  readonly tool: string;
  readonly rows: readonly string[];
  migrate(db: TestDatabase): Promise<void>;
}

const module = (index: number, call: string) =>
  `export async function up(given) { ${call.replace("SQL", JSON.stringify(make(index)))} }\nexport async function down() {}\n`;

const PROGRAMS: readonly Programs[] = [
  {
    tool: "knex",
    rows: ["001_a.mjs", "002_b.mjs"],
    async migrate(db) {
      const folder = folderOf(
        numbered(2, (index) => [
          `00${index + 1}_${TABLES[index]}.mjs`,
          module(index, "await given.raw(SQL);"),
        ]),
      );
      const { default: knex } = await import("knex");
      const instance = knex({ client: "pg", connection: db.url });
      await instance.migrate.latest({ directory: folder, loadExtensions: [".mjs"] });
      await instance.destroy();
    },
  },
  {
    tool: "kysely",
    rows: ["001_a", "002_b"],
    async migrate(db) {
      const { Kysely, Migrator, PostgresDialect, sql } = await import("kysely");
      const instance = new Kysely<never>({
        dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: db.url }) }),
      });
      const migrations = Object.fromEntries(
        [0, 1].map((index) => [
          `00${index + 1}_${TABLES[index]}`,
          {
            async up(given: typeof instance) {
              for (const statement of make(index).split(";\n").filter(Boolean))
                await sql.raw(statement).execute(given);
            },
          },
        ]),
      );
      const migrator = new Migrator({
        db: instance,
        provider: { getMigrations: async () => migrations as never },
      });
      const { error } = await migrator.migrateToLatest();
      if (error !== undefined) throw error;
      await instance.destroy();
    },
  },
  {
    tool: "umzug",
    rows: ["001_a.js", "002_b.js"],
    async migrate(db) {
      const { SequelizeStorage, Umzug } = await import("umzug");
      const client = new pg.Client(db.url);
      await client.connect();
      await client.query(
        'create table if not exists "SequelizeMeta" (name varchar(255) not null unique primary key)',
      );
      // What it asks of a Sequelize model, and no more.
      const model = {
        sequelize: {},
        async findAll() {
          return (await client.query('select name from "SequelizeMeta" order by name')).rows;
        },
        async sync() {},
        async create(row: { name: string }) {
          await client.query('insert into "SequelizeMeta" values ($1)', [row.name]);
        },
      };
      const umzug = new Umzug({
        migrations: [0, 1].map((index) => ({
          name: `00${index + 1}_${TABLES[index]}.js`,
          up: async () => void (await client.query(make(index))),
        })),
        storage: new SequelizeStorage({ model: model as never, columnType: "text" as never }),
        logger: undefined,
      });
      await umzug.up().finally(() => client.end());
    },
  },
  {
    tool: "typeorm",
    rows: ["MakeA1700000000001", "MakeB1700000000002"],
    async migrate(db) {
      const { DataSource } = await import("typeorm");
      const migration = (index: number) => {
        const made = class {
          async up(runner: { query(sql: string): Promise<unknown> }) {
            await runner.query(make(index));
          }
          async down() {}
        };
        Object.defineProperty(made, "name", {
          value: `Make${TABLES[index]?.toUpperCase()}170000000000${index + 1}`,
        });
        return made;
      };
      const source = new DataSource({
        type: "postgres",
        url: db.url,
        migrations: [migration(0), migration(1)] as never,
      });
      await source.initialize();
      await source.runMigrations();
      await source.destroy();
    },
  },
];

test.for(PROGRAMS)("$tool: its rows become revisions, and a new folder carries on", async (one, { db }) => {
  const { tool, rows, migrate } = one;
  await migrate(db);
  const folder = folderOf({ "0001_next.sql": make(2), "0002_last.sql": make(3) });
  const target = targetOf({ url: db.url, folder });
  const before = await db.sql(HISTORY[tool] ?? "");
  const report = await adopt(target, ADOPT, recorder());
  expect(report).toMatchObject({ tool, pending: ["0001_next", "0002_last"] });
  expect(report.applied.map(({ revision }) => revision)).toEqual(rows);
  expect((await up(target)).steps).toHaveLength(2);
  expect(await appliedIn(db)).toEqual([...rows, "0001_next", "0002_last"]);
  expect(await db.sql(HISTORY[tool] ?? "")).toEqual(before);
  await once(db, 4);
  // It runs nothing again itself.
  await migrate(db);
  await once(db, 4);
});

const HISTORY: Readonly<Record<string, string>> = {
  knex: "select * from knex_migrations",
  kysely: "select * from kysely_migration",
  umzug: 'select * from "SequelizeMeta"',
  typeorm: "select * from migrations",
};

const withoutSqitch = without("sqitch", "--version");
const withoutDjango = without("/usr/bin/python3", "-c", "import django");

describe.skipIf(withoutSqitch)(`Sqitch${withoutSqitch ? `: ${withoutSqitch}` : ""}`, () => {
  const project = () => {
    const folder = folderOf({
      "sqitch.conf": "[core]\n\tengine = pg\n[user]\n\tname = T\n\temail = t@example.com\n",
    });
    const sqitch = (...args: readonly string[]) =>
      run(folder, "sqitch", args, { TZ: "UTC", SQITCH_FULLNAME: "T", SQITCH_EMAIL: "t@example.com" });
    const write = async (index: number, name: string) => {
      await sqitch("add", name, "-n", name);
      writeFileSync(join(folder, "deploy", `${name}.sql`), `BEGIN;\n${make(index)}COMMIT;\n`);
      writeFileSync(join(folder, "revert", `${name}.sql`), `BEGIN;\n${drop(index)}COMMIT;\n`);
      writeFileSync(join(folder, "verify", `${name}.sql`), "select 1;\n");
    };
    return { folder, sqitch, write };
  };
  const where = (db: TestDatabase) => {
    const { hostname, port, username, pathname } = new URL(db.url);
    return `db:pg://${username}@${hostname}:${port}${pathname}`;
  };

  test("its plan in place: adopted, and carried on", { timeout: 60_000 }, async ({ db }) => {
    const { folder, sqitch, write } = project();
    await sqitch("init", "test");
    await write(0, "first");
    await write(1, "second");
    await sqitch("deploy", where(db));
    await write(2, "third");
    const target = await targetIn("sqitch", { url: db.url, folder });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ tool: "sqitch", table: "sqitch.changes", pending: ["third"], edited: [] });
    expect(report.applied.map(({ revision }) => revision)).toEqual(["first", "second"]);
    expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["third"]);
    await once(db, 3);
  });

  test("a reworked change is there twice, and both are known", { timeout: 60_000 }, async ({ db }) => {
    const { folder, sqitch, write } = project();
    await sqitch("init", "test");
    await write(0, "first");
    await sqitch("tag", "v1", "-n", "v1");
    await sqitch("rework", "first", "-n", "again");
    writeFileSync(join(folder, "deploy", "first.sql"), `BEGIN;\n${make(1)}COMMIT;\n`);
    await sqitch("deploy", where(db));
    const target = await targetIn("sqitch", { url: db.url, folder });
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ pending: [], missing: [], edited: [] });
    expect(report.applied).toHaveLength(2);
    expect((await up(target)).steps).toEqual([]);
  });

  test("for a new folder of another layout its changes are revisions", { timeout: 60_000 }, async ({
    db,
  }) => {
    const { sqitch, write } = project();
    await sqitch("init", "test");
    await write(0, "first");
    await write(1, "second");
    await sqitch("deploy", where(db));
    const next = folderOf({ "0001_next.sql": make(2), "0002_last.sql": make(3) });
    const target = targetOf({ url: db.url, folder: next });
    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["first", "second"]);
    await up(target);
    expect(await sqitch("status", where(db))).toContain("up-to-date");
    await once(db, 4);
  });
});

test.skipIf(withoutDjango)("Django: the rows that it writes, from a run of its own", async ({ db }) => {
  const initial = (name: string, below: string) =>
    `from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [${below}]\n    operations = [migrations.RunSQL("create table ${name} (id int)")]\n`;
  const folder = folderOf({
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": initial("x", ""),
    "shop/migrations/0002_more.py": initial("y", '("shop", "0001_initial")'),
    // Without a driver for PostgreSQL: in SQLite, and out of it as its recorder reads it.
    "run.py": `import django, json, sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "shop"], USE_TZ=True,
  DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
call_command("migrate", verbosity=0)
json.dump([[row.app, row.name, row.applied.isoformat()] for row in MigrationRecorder(connection).migration_qs.order_by("id")], sys.stdout)
`,
  });
  const rows: string[][] = JSON.parse(await run(folder, "/usr/bin/python3", ["-B", "run.py"]));
  await db.sql(`create table django_migrations (id bigint generated by default as identity primary key,
    app varchar(255) not null, name varchar(255) not null, applied timestamptz not null)`);
  for (const row of rows)
    await db.sql("insert into django_migrations (app, name, applied) values ($1, $2, $3)", row);
  const target = targetOf({ url: db.url, folder: folderOf({ "0001_next.sql": make(0) }) });
  const report = await adopt(target, ADOPT, recorder());
  expect(report.applied.map(({ revision }) => revision)).toEqual(rows.map(([app, name]) => `${app}.${name}`));
  expect(report.applied.map(({ revision }) => revision)).toContain("shop.0002_more");
  expect((await up(target)).steps.map(({ revision }) => revision)).toEqual(["0001_next"]);
});
