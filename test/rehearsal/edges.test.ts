/** A rehearsal for a target that is newer than every scratch server, and for a role that may not read what others own. */
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { startNewer } from "../support/newer-server.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const FIRST = { "migrations/0001_a.sql": "create table a (id int primary key, body text);" };
const SECOND = { "migrations/0002_b.sql": "alter table a alter column id type bigint;" };

test("a target that is newer than every scratch server is rehearsed on the newest one, and that is said", async ({
  db,
}) => {
  const [{ version } = { version: "" }] = await db.sql<{ version: string }>(
    "select current_setting('server_version_num') as version",
  );
  const newer = await startNewer(db.port, version);
  const url = `${db.url.replace(`:${db.port}/`, `:${newer.port}/`)}?sslmode=disable`;
  const folder = folderOf(FIRST);
  const godwit = commandIn({ folder, url });
  await godwit("up");
  writeFiles(folder, SECOND);
  const { json } = await godwit("rehearse", "--json");
  expect(json).toMatchObject({ version: 25, otherVersion: true, counts: { rehearsed: 1, failed: 0 } });
  expect(json.steps).toMatchObject([{ revision: "0002_b", risk: "rewrites" }]);
  expect((await godwit("rehearse")).stdout).toContain("another version than the target's 25");
  expect((await godwit("test", "--json")).json.counts).toMatchObject({ passed: 2, failed: 0 });
});

test("a role that may not read the tables of others rehearses its own migrations", async ({ db }) => {
  const folder = folderOf(FIRST);
  const role = `${db.name}_own`;
  await db.admin(
    `create role ${role} login; grant create on database ${db.name} to ${role};
     create schema hidden; create table hidden.secret (id int); create view hidden.seen as select id from hidden.secret;
     create function hidden.f() returns int language sql as 'select id from hidden.secret';
     grant create, usage on schema public to ${role}`,
  );
  try {
    const url = new URL(db.url);
    url.username = role;
    const godwit = commandIn({ folder, url: url.href });
    await godwit("up");
    writeFiles(folder, SECOND);
    const { json } = await godwit("rehearse", "--json");
    expect(json).toMatchObject({ from: "catalog", gaps: [], counts: { rehearsed: 1, failed: 0 } });
    expect(json.steps).toMatchObject([{ revision: "0002_b", risk: "rewrites" }]);
  } finally {
    await db.admin(`drop schema ${ledgerSchema} cascade; drop owned by ${role}; drop role ${role}`);
  }
});
