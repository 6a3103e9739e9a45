/** Ctrl-C while a diff is under way on its scratch server: it ends at once, and neither prints nor writes anything. */
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

// Each call makes a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** More than the test would wait for. */
const HOUR = 3600;

test.each([["diff"], ["new", "--autogenerate", "-m", "never"]])("godwit %s", async (...words) => {
  const folder = folderOf({ "migrations/.gitkeep": "" });
  const begun = join(folder, "begun");
  chmodSync(folder, 0o777); // the scratch server may be another user
  writeFiles(folder, {
    "schema.sql": `create table t (id int);
copy (select 1) to program 'cat > "${begun}"';
do $$ begin perform pg_sleep(${HOUR}); end $$;`,
  });
  const running = commandIn({ folder }).start(...words, "--to", "schema.sql");
  await until(() => existsSync(begun));
  running.child.kill("SIGINT");
  const { stdout, stderr } = await running.exits(130);
  expect(stdout).toBe("");
  expect(stderr).toContain("SIGINT ended the run.");
  expect(readdirSync(join(folder, "migrations"))).toEqual([".gitkeep"]);
});
