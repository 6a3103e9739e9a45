/** Several targets: all are connected to before the first is changed. */

import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFleet } from "../support/watched.ts";

const GONE = "postgres://nobody@127.0.0.1:1/gone";

const place = (db: TestDatabase, more = {}) =>
  folderOf({
    "m/0001_a.sql": "create table a (id int);",
    "godwit.config.json": JSON.stringify({
      connectAttempts: 1,
      ...more,
      targets: { one: { url: db.url, dir: "m" }, two: { url: GONE, dir: "m" } },
    }),
  });
const made = (db: TestDatabase) => db.sql("select to_regclass('a') is not null as made");

test("one that cannot be reached keeps the others from being changed, and is named", async ({ db }) => {
  const { stderr } = await commandIn({ folder: place(db) }).fails(1, "up");
  expect(stderr).toContain("gone cannot be reached");
  expect(stderr).toContain("two cannot be used");
  expect(await made(db)).toEqual([{ made: false }]);
});

test("the library does the same", async ({ db }) => {
  const folder = place(db);
  await using fleet = createFleet({
    root: folder,
    connectAttempts: 1,
    environment: {},
    targets: { one: { url: db.url, dir: "m" }, two: { url: GONE, dir: "m" } },
  });
  const error = await fleet.up().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "DATABASE_UNREACHABLE",
    report: { targets: [{ state: "not begun", because: "two cannot be used" }, { state: "failed" }] },
  });
  expect(await made(db)).toEqual([{ made: false }]);
});

test("who has chosen to continue goes on with the others", async ({ db }) => {
  const folder = place(db, { onTargetFailure: "continue" });
  await commandIn({ folder }).fails(1, "up");
  expect(await made(db)).toEqual([{ made: true }]);
});

test("an import of one that is configured wrong keeps the others from being changed too", async ({ db }) => {
  const imports = { nas: { from: ".", pattern: "<shop>/<colour>/<file>" } };
  const folder = folderOf({
    "m/0001_a.sql": "create table a (id int);",
    "godwit.config.json": JSON.stringify({
      targets: {
        one: { url: db.url, dir: "m" },
        two: { url: db.url, dir: "m", ledgerSchema: "second", imports },
      },
    }),
  });
  const { stderr } = await commandIn({ folder }).fails(1, "up");
  expect(stderr).toContain("<colour>");
  expect(await made(db)).toEqual([{ made: false }]);
});
