import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("a database that is read-only is a finding of doctor, with the statement that changes it", async ({
  db,
}) => {
  await db.admin(`alter database ${db.name} set default_transaction_read_only = on`);
  const folder = folderOf({ "migrations/0001_a.sql": "create table a (id int);" });
  const godwit = commandIn({ folder, url: db.url });
  for (const command of [["doctor"], ["up"]])
    expect(
      `${(await godwit.fails(1, ...command)).stdout}${(await godwit.fails(1, ...command)).stderr}`,
    ).toMatch(/is read-only for role[\s\S]*SET default_transaction_read_only = off/);
  await db.admin(`alter database ${db.name} set default_transaction_read_only = off`);
  await godwit("up");
});

test("a role that is read-only is told the statement for the role", async ({ db }) => {
  const role = `${db.name}_ro`;
  await db.admin(`create role ${role} login superuser`);
  await db.admin(`alter role ${role} set default_transaction_read_only = on`);
  try {
    const url = new URL(db.url);
    url.username = role;
    const godwit = commandIn({
      folder: folderOf({ "migrations/0001_a.sql": "create table a (id int);" }),
      url: url.href,
    });
    const { stderr } = await godwit.fails(1, "up");
    const statement = /To take it back: (ALTER [^;]*;)/.exec(stderr)?.[1] ?? "";
    expect(statement).toContain(`ALTER ROLE "${role}"`);
    await db.admin(statement);
    await godwit("up");
  } finally {
    await db.admin(`drop owned by ${role}; drop role ${role}`).catch(() => {});
  }
});
