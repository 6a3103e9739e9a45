/** The guards of the suite find what they look for: in a text, in a row of a ledger, in a file that somebody has left. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { asSecret, canary } from "../support/canaries.ts";
import { commandIn } from "../support/command.ts";
import { DATABASE_PASSWORD, expect, ledgerSchema, test } from "../support/database.ts";
import { expectNoSecretsInLedgers } from "../support/ledger-secrets.ts";
import { expectNoSecretsBelow } from "../support/left-files.ts";
import { expectNoSecrets } from "../support/no-secrets.ts";
import { folderOf } from "../support/target.ts";

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
