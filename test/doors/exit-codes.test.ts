/** The exit codes of `--exit-codes detailed`, by which a Job decides whether to try again. */
import { describe } from "vitest";
import { type Command, commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };
const NOWHERE = "postgres://nobody@127.0.0.1:1/none";

interface Cause {
  readonly code: number;
  /** Makes the scene, and returns the command that fails. */
  readonly scene: (world: { db: TestDatabase; folder: string; godwit: Command }) => Promise<Command>;
}

const raising = (sqlState: string) =>
  `do $$ begin raise exception 'no' using errcode = '${sqlState}'; end $$;`;

const CAUSES: Readonly<Record<string, Cause>> = {
  "no database answers": {
    code: 10,
    scene: async ({ folder }) => commandIn({ folder, url: NOWHERE, env: { GODWIT_CONNECT_ATTEMPTS: "1" } }),
  },
  "somebody holds a lock longer than all tries": {
    code: 10,
    scene: async ({ db, folder, godwit }) => {
      await godwit("up");
      writeFiles(folder, { "migrations/0002_b.sql": "alter table a add column b int;" });
      const reader = await db.connect();
      await reader.query("begin; select from a;");
      return godwit.with({ GODWIT_LOCK_ATTEMPTS: "1", GODWIT_LOCK_TIMEOUT: "50ms" });
    },
  },
  "the deadline has passed": {
    code: 11,
    scene: async ({ folder, godwit }) => {
      writeFiles(folder, { "migrations/0002_b.sql": "select pg_sleep(60);" });
      return godwit.with({ MIGRATION_TIMEOUT: "1" });
    },
  },
  "the configuration is wrong": {
    code: 20,
    scene: async ({ godwit }) => godwit.with({ GODWIT_LOCK_TIMEOUT: "soon" }),
  },
  "the files are wrong": {
    code: 21,
    scene: async ({ folder, godwit }) => {
      writeFiles(folder, { "migrations/0001_a.down.sql": "", "migrations/0002_b.down.sql": "select 1;" });
      return godwit;
    },
  },
  "an applied file was edited": {
    code: 22,
    scene: async ({ folder, godwit }) => {
      await godwit("up");
      writeFiles(folder, { "migrations/0001_a.sql": "create table other (id int);" });
      return godwit;
    },
  },
  "PostgreSQL refuses a migration": {
    code: 23,
    scene: async ({ folder, godwit }) => {
      writeFiles(folder, { "migrations/0002_b.sql": "select nothing;" });
      return godwit;
    },
  },
  "a migration raises the code of a lock by itself": {
    code: 23,
    scene: async ({ folder, godwit }) => {
      writeFiles(folder, { "migrations/0002_b.sql": raising("55P03") });
      return godwit;
    },
  },
  "the server refuses the login": {
    code: 24,
    scene: async ({ db, folder }) => commandIn({ folder, url: db.url.replace(db.name, "no_such_database") }),
  },
};

describe.each(Object.entries(CAUSES))("%s", (_, { code, scene }) => {
  test(`the detailed code is ${code}, and the plain one stays 1`, async ({ db }) => {
    const folder = folderOf(FILES);
    const failing = await scene({ db, folder, godwit: commandIn({ folder, url: db.url }) });
    await failing.fails(code, "up", "--exit-codes", "detailed");
    await failing.with({ GODWIT_EXIT_CODES: "plain" }).fails(1, "up");
  });
});

test("the variable counts like the flag, for every command, and for a dry run", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_EXIT_CODES: "detailed" } });
  await godwit("up", "--dry-run");
  await godwit("up");
  await godwit.fails(22, "down", "base");
  writeFiles(folder, { "migrations/0002_b.sql": "select nothing;" });
  await godwit.fails(23, "up", "--dry-run");
  await godwit.fails(1, "status", "--check");
  await godwit.fails(20, "baseline", "nope");
  await godwit.fails(2, "up", "--nope");
});

test("of several targets the one decides that needs a person, and all must be able to pass", async ({
  db,
}) => {
  await db.sql("create table held (id int)");
  const reader = await db.connect();
  await reader.query("begin; select from held;");
  const target = (ledger: string, dir: string) =>
    `{ url: "${db.url}", dir: "${dir}", ledgerSchema: "${ledger}", allowSecondLedger: true }`;
  const folder = folderOf({
    "godwit.config.mjs": `export default { lockAttempts: 1, lockTimeout: "50ms", targets: {
      held: ${target("one", "a")}, bad: ${target("two", "b")}, } };`,
    "a/0001_a.sql": "alter table held add b int;",
    "b/0001_b.sql": "select nothing;",
  });
  const godwit = commandIn({ folder, env: { GODWIT_EXIT_CODES: "detailed", GODWIT_LEDGER_SCHEMA: "" } });
  await godwit.fails(23, "up");
  await godwit.fails(10, "up", "held");
  await godwit.with({ GODWIT_EXIT_CODES: "" }).fails(1, "up");
});

test("a value that nobody knows is refused, and godwit run ends with the app's code alone", async ({
  db,
}) => {
  const godwit = commandIn({ folder: folderOf(FILES), url: db.url });
  expect((await godwit.fails(2, "up", "--exit-codes", "many", "--json")).json.problems[0].message).toContain(
    "plain, detailed",
  );
  expect((await godwit.with({ GODWIT_EXIT_CODES: "many" }).fails(1, "up")).stderr).toContain(
    "GODWIT_EXIT_CODES",
  );
  expect((await godwit.fails(2, "run", "--exit-codes", "detailed", "--", "true")).stderr).toContain(
    "does not honour --exit-codes",
  );
});
