/** Tools whose files are run in place: half by them, half by us, in both orders, and both agree at the end. */
import { join } from "node:path";
import { describe } from "vitest";
import { adopt } from "../../src/run/adopt.ts";
import { ADOPT, drop, make, numbered, once, TABLES } from "../support/chain.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { type Files, folderOf, recorder, up, writeFiles } from "../support/target.ts";
import { succeed } from "../support/tool.ts";
import { targetIn } from "../support/tools.ts";

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
      succeed("dbmate", ["--url", `${db.url}?sslmode=disable`, "-d", ".", "--no-dump-schema", "up"], {
        folder,
      }),
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
    const target = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
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
    const target = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
    await up(target);
    await migrate(db, project);
    await once(db, 2);
    writeFiles(project, files(3));
    await migrate(db, project);
    writeFiles(project, files(4));
    const next = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
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
    expect(await adopt(alone, ADOPT, recorder())).toMatchObject({ mirrored: false });
    await up(alone);
    const kept = await targetIn(tool, { url: db.url, folder, settings: { mirror: tool } });
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
    writeFiles(project, files(3));
    await migrate(db, project);
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await adopt(target, ADOPT, recorder());
    expect((await up(target)).steps).toEqual([]);
    await once(db, 3);
  });

  test("without adopting nothing is run twice", async ({ db }) => {
    const project = folderOf(files(2));
    await migrate(db, project);
    const target = await targetIn(tool, { url: db.url, folder: join(project, below) });
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    await once(db, 2);
  });
});
