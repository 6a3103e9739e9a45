/** The guards of the suite find what they look for: in a text, in a row of a ledger, in a file that somebody has left. */
import { execFile, execFileSync, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { asSecret, canary } from "../support/canaries.ts";
import { commandIn } from "../support/command.ts";
import { DATABASE_PASSWORD, expect, ledgerSchema, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";
import { expectNoneHeard } from "../support/heard.ts";
import { expectNoSecretsInLedgers } from "../support/ledger-secrets.ts";
import { expectNoSecretsBelow } from "../support/left-files.ts";
import { expectNoSecrets } from "../support/no-secrets.ts";
import { openPlaces } from "../support/points.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

const PHRASE = asSecret("a phrase", `it's "${canary("its core")}" @ home`);
const inBase64 = (text: string) => Buffer.from(text).toString("base64");

test("a secret is found in a text, in each notation, and is not repeated", () => {
  expect(() => expectNoSecrets("A log", "nothing to see")).not.toThrow();
  for (const said of [
    PHRASE,
    JSON.stringify({ password: PHRASE }),
    `https://user:${encodeURIComponent(PHRASE)}@host`,
    Buffer.from(PHRASE).toString("hex"),
    inBase64(PHRASE),
  ])
    expect(() => expectNoSecrets("A log", `some words before ${said}, and after`)).toThrow(
      /^A log holds (a phrase|its core), behind: …some words before(?!.*cAn4ry)/s,
    );
});

test("a secret is found in every table of a ledger, whatever its schema is called", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": "create table if not exists a (id int)" });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  await godwit.with({ GODWIT_LEDGER_SCHEMA: "another one" })("up", "--allow-second-ledger");
  const admin = await db.connect({ as: "superuser" });
  await expectNoSecretsInLedgers(admin);
  for (const schema of [ledgerSchema, "another one"]) {
    await db.admin(`create table "${schema}".more (told jsonb)`);
    await db.admin(`insert into "${schema}".more values ($1)`, [JSON.stringify({ url: PHRASE })]);
    await expect(expectNoSecretsInLedgers(admin)).rejects.toThrow(/more holds (a phrase|its core)/);
    await db.admin(`drop table "${schema}".more`);
  }
});

const PRINTS = ["-e", "console.error(process.argv[1])", PHRASE];

test.for<[string, () => unknown]>([
  ["spawn", () => once(spawn(process.execPath, PRINTS), "close")],
  ["execFile", () => promisify(execFile)(process.execPath, PRINTS)],
  ["fork", () => once(fork("-e", [], { execArgv: PRINTS, silent: true }), "close")],
  ["spawnSync", () => spawnSync(process.execPath, PRINTS)],
  ["execFileSync", () => execFileSync(process.execPath, ["-e", "console.log(process.argv[1])", PHRASE])],
])("a secret is found in what a program says that a test has started, by %s", async ([, run]) => {
  await run();
  expect(expectNoneHeard).toThrow(/^std(?:out|err) of node.* holds (a phrase|its core)/);
  expect(expectNoneHeard).not.toThrow();
});

test("a secret is found in what the library throws, tells and answers", async ({ db }) => {
  const given = { databaseUrl: db.url, ledgerSchema, environment: { HOME: "/" } };
  const nowhere = createMigrator({ ...given, dir: `/nowhere/${PHRASE}` });
  await expect(nowhere.up()).rejects.toThrow();
  expect(expectNoneHeard).toThrow(/^What up of createMigrator\(\) throws holds/);
  await nowhere.close();

  const name = canary("the name of a file");
  const dir = folderOf({ [`migrations/0001_${name}.sql`]: "select 1" });
  const config = { ...given, root: dir, dir: join(dir, "migrations"), project: "guards" };
  await using migrator = createMigrator({ ...config, observe: () => {} });
  await migrator.up();
  expect(expectNoneHeard).toThrow(/^observe of createMigrator\(\) holds the name of a file/);
  await migrator.status();
  expect(expectNoneHeard).toThrow(/^The answer of status of createMigrator\(\) holds the name of a file/);
  // Its own name is all that the ledger has of it.
  await db.admin(`drop schema "${ledgerSchema}" cascade`);
});

test("a secret is found in the ledger of every database that a test makes", async ({ db }) => {
  const tell = `create schema l; create table l.migration_log (told text); insert into l.migration_log values ('${PHRASE.replaceAll("'", "''")}')`;
  const others = await createDatabases(db, 1);
  const places = await openPlaces("guards");
  const place = await places.place("told");
  for (const url of [place.url, ...others.urls]) {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(tell);
    await client.end();
  }
  await expect(place.state()).rejects.toThrow(/l\.migration_log holds (a phrase|its core)/);
  await expect(others.drop()).rejects.toThrow(/l\.migration_log holds (a phrase|its core)/);
});

test("a secret is found in a file that a program has left, and not in one that the test has written", async () => {
  const own = {
    "godwit.config.json": JSON.stringify({ databaseUrl: `postgres://u:${DATABASE_PASSWORD}@h/d` }),
  };
  const folder = folderOf(own);
  const written = new Set([join(folder, "godwit.config.json")]);
  expect(() => expectNoSecretsBelow(folder, written)).not.toThrow();
  expect(() => expectNoSecretsBelow(folder, new Set())).toThrow("godwit.config.json holds the password");
  const left = folderOf({});
  writeFileSync(join(left, "status.json"), JSON.stringify({ url: PHRASE }));
  expect(() => expectNoSecretsBelow(left, written)).toThrow("status.json holds");
  writeFileSync(join(left, "status.json"), "{}");
});
