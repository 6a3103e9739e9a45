/** A privilege that is missing is named with the statement that grants it, and that statement is enough. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const MISSING: Readonly<Record<string, readonly [before: string, migration: string]>> = {
  "to create in a schema": ["create schema shop", "create table shop.a (id int);"],
  "to read a table": ["create table stock (id int)", "create table a as select * from stock;"],
  "to call a function": [
    "create function price() returns int language sql as 'select 1'; revoke execute on function price() from public",
    "create table a as select price();",
  ],
};

test.for(Object.entries(MISSING))(
  "%s: the hint's GRANT is enough",
  async ([, [before, migration]], { db }) => {
    const role = `migrator_${db.name}`;
    await db.admin(`create role ${role} login`);
    try {
      await db.admin(`grant create on database ${db.name} to ${role}`);
      await db.admin(`grant usage, create on schema public to ${role}`);
      await db.admin(before);
      const url = new URL(db.url);
      url.username = role;
      const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": migration }), url: url.href });
      const { stderr } = await godwit.fails(1, "up");
      const grant = /GRANT .* TO "[^"]+"/.exec(stderr)?.[0];
      expect(grant, stderr).toBeDefined();
      await db.admin(grant ?? "");
      await godwit("up");
    } finally {
      await db.admin(`drop owned by ${role}`);
      await db.admin(`drop role ${role}`);
    }
  },
);

test("of a table of the ledger: the hint's GRANTs are enough, one after the other", async ({ db }) => {
  const role = `reader_${db.name}`;
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
  const env = { GODWIT_LEDGER_SCHEMA: "Our ledger" };
  await commandIn({ folder, url: db.url, env })("up");
  await db.admin(`create role ${role} login`);
  try {
    const url = new URL(db.url);
    url.username = role;
    const godwit = commandIn({ folder, url: url.href, env });
    for (let tables = 0; ; ) {
      const { code, stderr } = await godwit.start("status").exits(0, 1);
      if (code === 0) {
        expect(tables).toBeGreaterThan(1);
        return;
      }
      expect(stderr).toContain("[DATABASE_PRIVILEGE]");
      const grant = /GRANT .* TO "[^"]+"/.exec(stderr)?.[0] ?? "";
      expect(grant, stderr).toMatch(/ON (?:SCHEMA "Our ledger"|TABLE "Our ledger"\.migration_\w+) TO/);
      if (grant.includes("TABLE")) tables++;
      await db.admin(grant);
    }
  } finally {
    await db.admin(`drop owned by ${role}`);
    await db.admin(`drop role ${role}`);
  }
});
