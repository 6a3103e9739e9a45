/**
 * The original tool and a run of ours at the same moment, each of them first: whoever is in the middle of its first
 * migration when the other begins, in the end each migration has been carried out once. A second run would be quiet.
 */
import { type ExecFileOptions, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { adopt } from "../../src/run/adopt.ts";
import type { Target } from "../../src/run/session/target.ts";
import { ADOPT } from "../support/chain.ts";
import { expect, type TestDatabase, test, withPassword } from "../support/database.ts";
import { waiters } from "../support/sessions.ts";
import { type Files, folderOf, recorder, targetOf, up } from "../support/target.ts";
import { runTool } from "../support/tool.ts";
import { targetIn, without, withoutPython } from "../support/tools.ts";
import { until } from "../support/until.ts";

const TABLES = ["a", "b", "c"] as const;
/** The first one waits at a gate, so that the other runner comes while it is being carried out. */
const SQL = TABLES.map(
  (table, index) =>
    `${index === 0 ? "lock table gate;\n" : ""}create table if not exists ${table} (id int);\ninsert into ${table} values (1);\n`,
);

interface Original {
  readonly tool: string;
  readonly layout: string;
  readonly files: Files;
  /** Below the project. */
  readonly folder?: string;
  /** Throws where it fails. */
  migrate(db: TestDatabase, folder: string): Promise<unknown>;
  readonly missing?: string | false;
}

const each = (write: (sql: string, index: number) => readonly [string, string][]): Files =>
  Object.fromEntries(SQL.flatMap((sql, index) => write(sql, index)));

async function succeed(name: string, args: readonly string[], folder: string): Promise<void> {
  const { code, text } = await runTool(name, args, { folder });
  if (code !== 0) throw new Error(text);
}

/** What it said is in the error. */
async function run(...[program, args, options]: [string, string[], ExecFileOptions]): Promise<void> {
  await promisify(execFile)(program, args, options).catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  });
}

const plainUrl = (db: TestDatabase) => `${db.url}?sslmode=disable`;

const drizzleTime = (index: number) => Date.UTC(2024, 0, 1 + index, 10, 20, 30);
const breakpoints = (sql: string) => sql.trim().replaceAll(";\n", ";\n--> statement-breakpoint\n");

const ORIGINALS: readonly Original[] = [
  {
    ...{ tool: "dbmate", layout: "dbmate" },
    files: each((sql, index) => [
      [`0${index}_${TABLES[index]}.sql`, `-- migrate:up\n${sql}-- migrate:down\nselect 1;\n`],
    ]),
    migrate: (db, folder) =>
      succeed("dbmate", ["--url", plainUrl(db), "-d", ".", "--no-dump-schema", "up"], folder),
  },
  {
    ...{ tool: "node-pg-migrate", layout: "node-pg-migrate" },
    files: each((sql, index) => [
      [
        `170000000000${index}_${TABLES[index]}.sql`,
        `-- Up Migration\n${sql}\n-- Down Migration\nselect 1;\n`,
      ],
    ]),
    async migrate(db, dir) {
      const { runner } = await import("node-pg-migrate");
      const options = { databaseUrl: db.url, dir, direction: "up", migrationsTable: "pgmigrations" } as const;
      await runner({ ...options, log: () => {} });
    },
  },
  {
    ...{ tool: "graphile-migrate", layout: "graphile-migrate", folder: "migrations/committed" },
    files: graphileFiles(),
    async migrate(db, folder) {
      const graphile = await import("graphile-migrate");
      // biome-ignore lint/suspicious/noExplicitAny: its package is not ours
      const { Logger } = (await import("@graphile/logger" as string)) as any;
      await graphile.migrate({
        connectionString: db.url,
        rootConnectionString: db.adminUrl,
        migrationsFolder: join(folder, "migrations"),
        logger: new Logger(() => () => {}),
      } as never);
    },
  },
  {
    ...{ tool: "drizzle 0.45", layout: "drizzle" },
    files: {
      "meta/_journal.json": JSON.stringify({
        ...{ version: "7", dialect: "postgresql" },
        entries: TABLES.map((tag, idx) => ({
          ...{ idx, version: "7", when: drizzleTime(idx), tag },
          breakpoints: true,
        })),
      }),
      ...each((sql, index) => [[`${TABLES[index]}.sql`, breakpoints(sql)]]),
    },
    async migrate(db, folder) {
      const { drizzle } = await import("drizzle-orm/node-postgres");
      const { migrate } = await import("drizzle-orm/node-postgres/migrator");
      const pool = new pg.Pool({ connectionString: db.url });
      await migrate(drizzle(pool), { migrationsFolder: folder }).finally(() => pool.end());
    },
  },
  {
    ...{ tool: "drizzle 1.0", layout: "drizzle" },
    files: each((sql, index) => [
      [`2024010${1 + index}102030_${TABLES[index]}/migration.sql`, breakpoints(sql)],
      [`2024010${1 + index}102030_${TABLES[index]}/snapshot.json`, '{"version":"8","dialect":"postgres"}'],
    ]),
    async migrate(db, folder) {
      const { drizzle } = await import("drizzle-orm-v1/node-postgres");
      const { migrate } = await import("drizzle-orm-v1/node-postgres/migrator");
      const pool = new pg.Pool({ connectionString: db.url });
      await migrate(drizzle({ client: pool }), { migrationsFolder: folder }).finally(() => pool.end());
    },
  },
  {
    ...{ tool: "supabase", layout: "supabase", folder: "supabase/migrations" },
    files: {
      "supabase/config.toml": 'project_id = "test"\n',
      ...each((sql, index) => [
        [
          `supabase/migrations/2024010${1 + index}000000_${TABLES[index]}.sql`,
          // Without a transaction block around it, which `lock table` wants.
          sql.replace("lock table", "table"),
        ],
      ]),
    },
    async migrate(db, folder) {
      const program = join(root, "node_modules", "supabase", "dist", "supabase.js");
      const url = withPassword(plainUrl(db), "none");
      const env = { PATH: process.env.PATH ?? "", HOME: folder, SUPABASE_TELEMETRY_DISABLED: "1" };
      await run(process.execPath, [program, "db", "push", "--db-url", url, "--yes"], { cwd: folder, env });
    },
  },
  {
    ...{ tool: "alembic", layout: "plain", folder: "sql" },
    missing: without("Alembic", "/usr/bin/alembic", "--version") || withoutPython("psycopg2", "psycopg2"),
    files: {
      "alembic.ini": "[alembic]\nscript_location = alembic\n",
      "alembic/script.py.mako": "",
      ...each((sql, index) => {
        const [id, below] = [`${TABLES[index]}1111`, index === 0 ? null : `${TABLES[index - 1]}1111`];
        const python = `from alembic import op\nrevision = "${id}"\ndown_revision = ${JSON.stringify(below)?.replace("null", "None")}\ndef upgrade():\n    op.execute("""${sql}""")\n`;
        return [
          [`alembic/versions/${id}.py`, python],
          [`sql/${id}.sql`, `-- godwit: revises=${below ?? "none"}\n-- migrate:up\n${sql}`],
        ];
      }),
    },
    async migrate(db, folder) {
      cpSync(join(root, "test", "fixtures", "alembic"), join(folder, "alembic"), { recursive: true });
      const env = { PATH: process.env.PATH ?? "", TEST_URL: db.url, PYTHONDONTWRITEBYTECODE: "1" };
      await run("/usr/bin/alembic", ["upgrade", "heads"], { cwd: folder, env });
    },
  },
];

function graphileFiles(): Files {
  let previous: string | null = null;
  return each((sql, index) => {
    const body = `${previous ?? ""}\n${sql.trim()}`.trim();
    const hash = `sha1:${createHash("sha1").update(`${body}\n`).digest("hex")}`;
    const text = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n--! Message: ${TABLES[index]}\n\n${sql}`;
    previous = hash;
    return [[`migrations/committed/00000${index + 1}-${TABLES[index]}.sql`, text]];
  });
}

type Ended = { readonly ok: boolean; readonly error?: unknown };

function ended(run: Promise<unknown>): Promise<Ended> {
  return run.then(
    () => ({ ok: true }),
    (error: unknown) => ({ ok: false, error }),
  );
}

async function open({ layout, tool }: Original, folder: string, db: TestDatabase, kept: boolean) {
  const settings = kept && layout !== "drizzle" && layout !== "supabase" ? { mirror: tool } : {};
  const options = { url: db.url, folder, settings };
  const given: Target = layout === "plain" ? targetOf(options) : await targetIn(layout, options);
  return kept ? given : { ...given, settings: { ...given.settings, mirror: null } };
}

const CASES = ORIGINALS.flatMap((original) => {
  const always = ["drizzle", "supabase", "plain"].includes(original.layout);
  return (always ? [true] : [true, false]).map((kept) => ({
    ...original,
    kept,
    title: `${original.tool}, ${kept ? "kept in step" : "not kept in step"}`,
  }));
});

for (const original of CASES)
  describe.skipIf(original.missing)(`${original.title}`, () => {
    test.for(["it", "we"] as const)("%s came first", async (who, { db }) => {
      const project = folderOf(original.files);
      const target = await open(original, join(project, original.folder ?? "."), db, original.kept);
      await db.sql("create table gate ()");
      const gate = await db.connect();
      await gate.query("begin; lock table gate");
      const said = recorder();
      const runs = {
        it: () => ended(original.migrate(db, project)),
        we: () => ended(up(target, said)),
      };
      const first = runs[who]();
      await until(async () => (await waiters(db)) === 1, { what: "the first at the gate" });
      let settled = false;
      const second = runs[who === "it" ? "we" : "it"]().finally(() => {
        settled = true;
      });
      const waits = () => said.events.some(({ kind }) => kind === "lock-waiting");
      await until(async () => settled || waits() || (await waiters(db)) > 1, { what: "the second" });
      await gate.query("commit");
      const [one, other] = [await first, await second];
      const ours = who === "we" ? one : other;
      // Whoever had to stop runs again, as it is told to.
      if (!ours.ok) {
        expect(String((ours.error as { code?: string }).code)).toMatch(/^ADOPT_(TOOL_RUNNING|NEEDED)$/);
        if (!original.kept) await adopt(target, ADOPT, recorder());
        await up(target);
      }
      if (original.kept) {
        await original.migrate(db, project);
        expect((await up(target)).steps).toEqual([]);
      }
      for (const table of TABLES)
        expect(await db.sql(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 1 }]);
    });
  });
