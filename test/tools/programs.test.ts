/**
 * Migrations that are programs are run by their own tool alone: its history is adopted, and a plain folder of ours
 * carries on beside it. Whoever comes first, each stands on what the other has made, and in the end neither has
 * anything left; the tool itself is asked.
 */
import pg from "pg";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import type { Target } from "../../src/run/session/target.ts";
import { ADOPT, make, once, TABLES } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

interface Program {
  readonly tool: string;
  /** Of the migration that makes this table: what the tool's own history calls it. */
  name(index: number): string;
  readonly history: string;
  /** With the migrations that make these tables as its own. */
  open(db: TestDatabase, indices: readonly number[]): Promise<Opened>;
}

interface Opened extends AsyncDisposable {
  migrate(): Promise<unknown>;
  /** What it says is left to do, by name. */
  pending(): Promise<readonly string[]>;
}

const named = (index: number) => `00${index + 1}_${TABLES[index]}`;

const PROGRAMS: readonly Program[] = [
  {
    tool: "knex",
    name: (index) => `${named(index)}.mjs`,
    history: "select * from knex_migrations order by id",
    async open(db, indices) {
      const module = (index: number) =>
        `export const up = (knex) => knex.raw(${JSON.stringify(make(index))});\nexport const down = () => {};\n`;
      const directory = folderOf(
        Object.fromEntries(indices.map((index) => [this.name(index), module(index)])),
      );
      const { default: knex } = await import("knex");
      const instance = knex({
        client: "pg",
        connection: db.url,
        migrations: { directory, loadExtensions: [".mjs"] },
      });
      return {
        migrate: () => instance.migrate.latest(),
        async pending() {
          const [, left]: [unknown, { file: string }[]] = await instance.migrate.list();
          return left.map(({ file }) => file);
        },
        [Symbol.asyncDispose]: () => instance.destroy(),
      };
    },
  },
  {
    tool: "kysely",
    name: named,
    history: "select * from kysely_migration order by name",
    async open(db, indices) {
      const { Kysely, Migrator, PostgresDialect, sql } = await import("kysely");
      const instance = new Kysely<unknown>({
        dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: db.url }) }),
      });
      const migration = (index: number) => ({
        async up(given: typeof instance) {
          for (const statement of make(index).split(";\n").filter(Boolean))
            await sql.raw(statement).execute(given);
        },
      });
      const migrations = Object.fromEntries(indices.map((index) => [this.name(index), migration(index)]));
      const migrator = new Migrator({
        db: instance,
        provider: { getMigrations: async () => migrations },
      });
      return {
        async migrate() {
          const { error } = await migrator.migrateToLatest();
          if (error !== undefined) throw error;
        },
        async pending() {
          const all = await migrator.getMigrations();
          return all.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
        },
        [Symbol.asyncDispose]: () => instance.destroy(),
      };
    },
  },
  {
    tool: "umzug",
    name: (index) => `${named(index)}.js`,
    history: 'select * from "SequelizeMeta" order by name',
    async open(db, indices) {
      const { SequelizeStorage, Umzug } = await import("umzug");
      const client = new pg.Client(db.url);
      await client.connect();
      // What it asks of a Sequelize model, and no more.
      const model = {
        sequelize: {},
        async findAll() {
          return (await client.query('select name from "SequelizeMeta" order by name')).rows;
        },
        async sync() {
          await client.query(
            'create table if not exists "SequelizeMeta" (name varchar(255) not null unique primary key)',
          );
        },
        async create(row: { name: string }) {
          await client.query('insert into "SequelizeMeta" values ($1)', [row.name]);
        },
      };
      const umzug = new Umzug({
        migrations: indices.map((index) => ({
          name: this.name(index),
          up: async () => void (await client.query(make(index))),
        })),
        storage: new SequelizeStorage({ model: model as never, columnType: "text" as never }),
        logger: undefined,
      });
      return {
        migrate: () => umzug.up(),
        pending: async () => (await umzug.pending()).map(({ name }) => name),
        [Symbol.asyncDispose]: () => client.end(),
      };
    },
  },
  {
    tool: "typeorm",
    name: (index) => `Make${TABLES[index]?.toUpperCase()}170000000000${index + 1}`,
    history: "select * from migrations order by id",
    async open(db, indices) {
      const { DataSource, MigrationExecutor } = await import("typeorm");
      const migration = (index: number) => {
        const made = class {
          async up(runner: { query(sql: string): Promise<unknown> }) {
            await runner.query(make(index));
          }
          async down() {}
        };
        return Object.defineProperty(made, "name", { value: this.name(index) });
      };
      const source = new DataSource({ type: "postgres", url: db.url, migrations: indices.map(migration) });
      await source.initialize();
      return {
        migrate: () => source.runMigrations(),
        pending: async () =>
          (await new MigrationExecutor(source).getPendingMigrations()).map(({ name }) => name),
        [Symbol.asyncDispose]: () => source.destroy(),
      };
    },
  },
];

const file = (index: number) => ({ [`000${index + 1}_our_${TABLES[index]}.sql`]: make(index) });
const our = (index: number) => `000${index + 1}_our_${TABLES[index]}`;

describe.for(PROGRAMS)("$tool", (program) => {
  const { tool, history } = program;
  const its = (index: number) => program.name(index);

  test("first by it, adopted, and carried on by us in a new folder", async ({ db }) => {
    await using opened = await program.open(db, [0, 1]);
    expect(await opened.pending()).toEqual([its(0), its(1)]);
    await opened.migrate();
    const rows = await db.sql(history);

    const target = targetOf({ url: db.url, folder: folderOf({ ...file(2), ...file(3) }) });
    const report = await adopt(target, ADOPT, recorder());
    expect(report).toMatchObject({ tool, pending: [our(2), our(3)], edited: [], missing: [] });
    expect(report.applied.map(({ revision }) => revision)).toEqual([its(0), its(1)]);
    await up(target);
    expect(await appliedIn(db)).toEqual([its(0), its(1), our(2), our(3)]);
    await agreed({ db, program, opened, target });
    // Nothing of its own was changed, times included.
    expect(await db.sql(history)).toEqual(rows);
  });

  test("first by us in a new database, then by it, adopted, and the rest by us", async ({ db }) => {
    const folder = folderOf(file(0));
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await using opened = await program.open(db, [1, 2]);
    expect(await opened.pending()).toEqual([its(1), its(2)]);
    await opened.migrate();

    expect(await adopt(target, ADOPT, recorder())).toMatchObject({
      tool,
      applied: [its(1), its(2)].map((revision) => ({ revision, file: false, already: false })),
      pending: [],
    });
    writeFiles(folder, file(3));
    await up(target);
    expect(await appliedIn(db)).toEqual([our(0), its(1), its(2), our(3)]);
    await agreed({ db, program, opened, target });
  });

  test("half by it, the next by us, the other half by it: each time adopted", async ({ db }) => {
    await using half = await program.open(db, [0]);
    await half.migrate();
    const folder = folderOf(file(1));
    const target = targetOf({ url: db.url, folder });
    await adopt(target, ADOPT, recorder());
    await up(target);

    await using opened = await program.open(db, [0, 2]);
    expect(await opened.pending()).toEqual([its(2)]);
    await opened.migrate();
    expect((await adopt(target, ADOPT, recorder())).applied).toMatchObject([
      { revision: its(0), already: true },
      { revision: its(2), already: false },
    ]);
    writeFiles(folder, file(3));
    await up(target);
    expect(await appliedIn(db)).toEqual([its(0), our(1), its(2), our(3)]);
    await agreed({ db, program, opened, target });
  });
});

interface Both {
  readonly db: TestDatabase;
  readonly program: Program;
  readonly opened: Opened;
  readonly target: Target;
}

/** Neither has anything left, running both again changes nothing, and what there is was made once. */
async function agreed({ db, program, opened, target }: Both): Promise<void> {
  const state = async () => [await db.sql(program.history), await appliedIn(db)];
  const before = await state();
  expect(await opened.pending()).toEqual([]);
  await opened.migrate();
  const { applied, pending } = await adopt(target, ADOPT, recorder());
  expect(applied.filter(({ already }) => !already)).toEqual([]);
  expect(pending).toEqual([]);
  expect((await up(target)).steps).toEqual([]);
  expect(await state()).toEqual(before);
  await once(db, 4);
}
