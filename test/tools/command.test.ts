/** `godwit adopt` and what it leaves for `up`, with the real binary, as somebody does who only tries. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const PRISMA = `create table _prisma_migrations (id varchar(36) primary key not null, checksum varchar(64) not null,
  finished_at timestamptz, migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count integer not null default 0);
  insert into _prisma_migrations (id, checksum, finished_at, migration_name) values ('1', repeat('0', 64), '2024-01-01Z', '1_users');
  create table users (id int)`;

async function project(db: TestDatabase) {
  await db.sql(PRISMA);
  const folder = folderOf({
    "migrations/migration_lock.toml": 'provider = "postgresql"\n',
    "migrations/1_users/migration.sql": "create table users (id int);",
    "migrations/2_shops/migration.sql": "create table shops (id int);",
  });
  return commandIn({ folder, url: db.url });
}

test("up refuses to replay; adopt --dry-run shows; adopt takes over; up carries on", async ({ db }) => {
  const godwit = await project(db);
  const refused = await godwit.fails(1, "up");
  expect(refused.stderr).toContain("[ADOPT_NEEDED]");
  expect(refused.stderr).toContain("godwit adopt --dry-run");
  expect((await godwit.fails(1, "plan")).stderr).toContain("[ADOPT_NEEDED]");
  expect((await godwit.fails(1, "status")).stdout).toContain("godwit adopt");

  const shown = await godwit("adopt", "--dry-run");
  expect(shown.stdout).toMatch(
    /1 applied by prisma \(public\._prisma_migrations\):\n\s+1_users\s+2024-01-01/,
  );
  expect(shown.stdout).toMatch(/1 pending:\n\s+2_shops/);
  expect(shown.stdout).toContain("Nothing was written: 1 to adopt.");
  expect(shown.stdout).toContain("is not the text that Prisma applied");
  expect(await db.sql(`select to_regnamespace('${ledgerSchema}') as schema`)).toEqual([{ schema: null }]);

  const before = await db.sql("select * from _prisma_migrations");
  const { json } = await godwit("adopt", "--json");
  expect(json).toMatchObject({
    ok: true,
    report: {
      tool: "prisma",
      dryRun: false,
      applied: [{ revision: "1_users", file: true, already: false }],
      pending: ["2_shops"],
      edited: ["1_users"],
    },
  });
  expect((await godwit("adopt")).stdout).toContain("Nothing new to adopt.");
  expect((await godwit("up")).stdout).toContain("1 migration applied");
  expect(await db.sql("select * from _prisma_migrations")).toEqual(before);
  const [row] = await db.sql(
    `select details ->> 'tool' as tool, details ->> 'edited' as edited from "${ledgerSchema}".migration_log where event = 'baseline'`,
  );
  expect(row).toEqual({ tool: "prisma", edited: "true" });
  const [entry] = await db.sql(
    `select executed_at = '2024-01-01Z' as exact from "${ledgerSchema}".migration_history where baseline`,
  );
  expect(entry).toEqual({ exact: true });
});

test("what cannot be is said with the way on", async ({ db }) => {
  const godwit = await project(db);
  expect((await godwit.fails(1, "adopt", "--tool", "prism")).stderr).toContain("Did you mean prisma?");
  expect((await godwit.fails(1, "adopt", "--tool", "knex")).stderr).toContain("[ADOPT_NOTHING]");
  expect((await godwit.fails(1, "up", "--mirror", "rails")).stderr).toMatch(/cannot be mirrored.*drizzle/s);
  await godwit("adopt");
  // Its rows would have no time, and Drizzle would take everything of its own for pending.
  expect((await godwit.fails(1, "up", "--mirror", "drizzle")).stderr).toMatch(
    /Drizzle cannot be mirrored from a folder of prisma.*--mirror prisma/s,
  );
  expect(await db.sql("select to_regnamespace('drizzle') as made")).toEqual([{ made: null }]);
});
