/** What the library does for a program as the command does it for a person: without a database, and when it is down. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RunEvent } from "../../src/index.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const FILES = { "migrations/0001_a.sql": "create table a (id int);" };
/** Nobody is there. */
const NOWHERE = "postgres://nobody:hidden-word@127.0.0.1:1/none";

test("a script needs no database: neither one that is down, nor an embedded one", async () => {
  const root = folderOf(FILES);
  await using migrator = createMigrator({ root, databaseUrl: NOWHERE, environment: {} });
  const { sql, notImported } = await migrator.script();
  expect(sql).toContain("create table a (id int);");
  expect(notImported).toEqual([]);
  await using without = createMigrator({ root, environment: {} });
  expect((await without.script()).sql).toContain("create table a (id int);");
  expect(existsSync(join(root, ".godwit")) ? readdirSync(join(root, ".godwit")) : []).not.toContain(
    "postgres",
  );
});

test("a script of one schema asks no database which schemas there are, and is what the command prints", async () => {
  const targets = { tenants: { url: NOWHERE, dir: "migrations", schemas: { query: "select 'a'" } } };
  const root = folderOf({ ...FILES, "godwit.config.json": JSON.stringify({ targets }) });
  await using fleet = createFleet({ targets, root, environment: {} });
  const { sql } = await fleet.target("tenants/a").script();
  const { stdout } = await commandIn({ folder: root })("up", "tenants/a", "--sql");
  const neutral = (text: string) =>
    text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "").replace(/'0\.[0-9.]+(?:-source)?'/g, "");
  expect(neutral(sql)).toBe(neutral(stdout.trimEnd()));
});

test("doctor says of a database that is down what the command says, without a password", async () => {
  const root = folderOf(FILES);
  const env = { GODWIT_CONNECT_ATTEMPTS: "1" };
  const command = await commandIn({ folder: root, url: NOWHERE, env }).fails(1, "doctor", "--json");
  await using migrator = createMigrator({
    root,
    databaseUrl: NOWHERE,
    ledgerSchema,
    connectAttempts: 1,
    environment: {},
  });
  const { healthy, findings } = await migrator.doctor();
  expect(healthy).toBe(false);
  const [configuration, ...others] = findings;
  expect(configuration?.message).toBe("no file; options of createMigrator, environment and defaults");
  expect(JSON.parse(JSON.stringify(others))).toEqual(command.json.findings.slice(1));
  expect(others).toMatchObject([{ subject: "files" }, { subject: "database", state: "problem" }]);
  expect(JSON.stringify(findings)).not.toContain("hidden-word");
});

test("a migrator that is closed is as closed for doctor and script, and waits for those that have begun", async ({
  db,
}) => {
  const migrator = createMigrator({ root: folderOf(FILES), databaseUrl: db.url, environment: {} });
  const begun = migrator.doctor();
  await migrator.close();
  expect((await begun).healthy).toBe(true);
  const refusal = { code: "CONFIG_INVALID", message: "This migrator was closed, and is used again." };
  await expect(migrator.doctor()).rejects.toMatchObject(refusal);
  await expect(migrator.script()).rejects.toMatchObject(refusal);
});

test("what an address says without an effect is a warning for programs too", async ({ db }) => {
  const warnings: RunEvent[] = [];
  await using migrator = createMigrator({
    root: folderOf(FILES),
    databaseUrl: `${db.url}?schema=public`,
    ledgerSchema,
    environment: {},
    observe: (event) => event.kind === "warning" && warnings.push(event),
  });
  await migrator.status();
  const said = await commandIn({ folder: folderOf(FILES), url: `${db.url}?schema=public` })("status");
  const [warning] = warnings;
  if (warning?.kind !== "warning") throw new Error("There was no warning.");
  expect(said.stderr).toContain(warning.problem.message);
});

test("a mode that leaves nothing to do is told to programs too", async ({ db }) => {
  const said: string[] = [];
  const root = folderOf(FILES);
  await using migrator = createMigrator({
    root,
    databaseUrl: db.url,
    ledgerSchema,
    environment: {},
    mode: "nas-only",
    say: (line) => said.push(line),
  });
  expect((await migrator.up()).steps).toEqual([]);
  const env = { MIGRATION_MODE: "nas-only" };
  const { stderr } = await commandIn({ folder: root, url: db.url, env })("up");
  expect(said).toEqual(["MIGRATION_MODE is nas-only, but there is nothing to import."]);
  expect(stderr).toContain(said[0]);
});

test("doctor names every lock that is held, as it was announced, and its advice frees it", async ({ db }) => {
  const folder = folderOf(FILES);
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const holders = [await db.connect(), await db.connect()];
  // How a run announces what a database that is not in Unicode cannot hold.
  const doing = ["import nas", "\\u:0001_gr\\u00f6\\u00dfe"];
  for (const [at, holder] of holders.entries()) {
    holder.on("error", () => {});
    await holder.query(
      `insert into "${ledgerSchema}".migration_locks (name, kind, run_id, host, pid, doing, locked_at)
       values ($1, 'session', gen_random_uuid(), 'host-b', pg_backend_pid(), $2, now())
       on conflict (name) do update set run_id = excluded.run_id, host = excluded.host, pid = excluded.pid, doing = excluded.doing`,
      [`lock ${at}`, doing[at]],
    );
  }
  const locks = async () =>
    (await godwit("doctor", "--json")).json.findings.filter(
      ({ subject }: { subject: string }) => subject === "lock",
    );
  const held = await locks();
  expect(held.map(({ message }: { message: string }) => message.replace(/\d+(?=:)/, "N"))).toEqual([
    "held by host-b, process N: import nas",
    "held by host-b, process N: 0001_größe",
  ]);
  for (const { hint } of held) await db.sql(hint.replace("To end it: ", ""));
  await expect.poll(async () => (await locks())[0].message, { timeout: 10_000 }).toBe("free");
});
