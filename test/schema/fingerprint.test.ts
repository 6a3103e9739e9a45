/** A run reads the whole schema only where a row of a catalog has changed, and every change of the schema is one. */
import { fingerprintOf } from "../../src/schema/fingerprint.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { majorVersion } from "../support/version.ts";
import { OBJECT_CHANGES } from "./object-changes.ts";
import { ALL, connectionTo } from "./snapshots.ts";
import { TABLE_CHANGES } from "./table-changes.ts";

test("each change of a schema gives it another fingerprint", { timeout: 600_000 }, async ({ db }) => {
  await using connection = await connectionTo(db.adminUrl);
  const unseen: string[] = [];
  const known = ({ since = 0 }: { readonly since?: number }) => since <= majorVersion();
  for (const { name, setup, change } of [...TABLE_CHANGES, ...OBJECT_CHANGES].filter(known)) {
    try {
      await connection.execute(`begin; create schema s; set local search_path = s; ${setup}`);
      const before = await fingerprintOf(connection, ALL);
      expect(await fingerprintOf(connection, ALL), name).toBe(before);
      await connection.execute(`set local search_path = s; ${change}`);
      const after = await fingerprintOf(connection, ALL);
      if (after === before && after !== null) unseen.push(name);
    } finally {
      await connection.execute("rollback");
    }
  }
  expect(unseen).toEqual([]);
});

test("what changes no schema leaves the fingerprint as it is", async ({ db }) => {
  await db.sql(
    "create table t (id int primary key, a text); insert into t select n, n from generate_series(1, 100) n",
  );
  await using connection = await connectionTo(db.adminUrl);
  const before = await fingerprintOf(connection, ALL);
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  for (const statement of ["analyze", "vacuum t", "delete from t", "select 1"]) {
    await connection.execute(statement);
    expect(await fingerprintOf(connection, ALL), statement).toBe(before);
  }
  const others = [{ schema: "public" }, { schema: null }];
  expect(new Set(await Promise.all(others.map((one) => fingerprintOf(connection, one)))).size).toBe(2);
});

test("a run that meets the schema as it was kept does not read what was kept; drift is told as ever", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_one.sql": "create table one (id int);" });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  writeFiles(folder, { "migrations/0002_two.sql": "create table two (id int);" });
  await godwit("up");
  const unreadable = `update ${ledgerSchema}.migration_schema set content = 'x.' || split_part(content, '.', 2)`;
  await db.sql(unreadable);
  writeFiles(folder, { "migrations/0003_three.sql": "create table three (id int);" });
  expect((await godwit("up", "--require-no-drift")).stderr).not.toContain("could not be seen");
  await db.sql("alter table one add by_hand int");
  await godwit.fails(1, "drift");
  writeFiles(folder, { "migrations/0004_four.sql": "create table four (id int);" });
  expect((await godwit("up")).stderr).toContain("column public.one.by_hand: added");
  // What is carried is told by the next run too, though nothing has changed since.
  writeFiles(folder, { "migrations/0005_five.sql": "create table five (id int);" });
  expect((await godwit("up")).stderr).toContain("column public.one.by_hand: added");
  await godwit("drift", "--accept");
  await godwit("status", "--check");
});
