/** Who waits says so quietly, and says for whom. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

test("a container that waits for another says one line, without the way to end it", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_slow.sql": "select pg_advisory_xact_lock(4711);" });
  const blocker = await db.connect();
  await blocker.query("select pg_advisory_lock(4711)");
  const godwit = commandIn({ folder, url: db.url });
  const first = godwit.start("up");
  await first.says("waiting for process");
  const second = godwit.start("up");
  await second.says("waiting for another run");
  await blocker.query("select pg_advisory_unlock(4711)");
  await first.exits(0);
  const { stderr } = await second.exits(0);
  expect(stderr.match(/waiting/g)).toHaveLength(1);
  expect(stderr).not.toContain("to end it");
});

test("another tool that holds its own lock is named", async ({ db }) => {
  const folder = folderOf({ "prisma/migrations/1_a/migration.sql": "create table a (id int);" });
  const prisma = await db.connect();
  await prisma.query("select pg_advisory_lock(72707369)");
  const running = commandIn({ folder, url: db.url }).start(
    ...["up", "--dir", "prisma/migrations", "--layout", "prisma"],
  );
  await running.says("waiting for Prisma, which holds its own lock: process");
  await prisma.query("select pg_advisory_unlock(72707369)");
  const { stderr } = await running.exits(0);
  expect(stderr).not.toContain("another run");
});
