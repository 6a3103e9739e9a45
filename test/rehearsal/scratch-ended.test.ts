/** A scratch server that somebody kills, as a machine without memory does: one error says so at once, and nothing stays behind. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** Everywhere but on the target it says that it is under way, and is so when the server is killed. */
const under = (name: string) => `create table a (id int);
do $$ begin
  if current_database() <> '${name}' then
    execute format('copy (select 1) to %L', current_setting('data_directory') || '/under-way');
    perform pg_sleep(600);
  end if;
end $$;`;

test.for<[when: "starts" | "runs", ...words: readonly string[]]>([
  ["starts", "rehearse"],
  ["starts", "test"],
  ["starts", "diff", "--to", "schema.sql"],
  ["runs", "diff", "--to", "schema.sql"],
  ["runs", "drift", "--files"],
])("as it %s: %s", async ([when, ...words], { db }) => {
  const folder = folderOf({
    "schema.sql": "create table a (id int);",
    "migrations/0001_a.sql": under(db.name),
  });
  const temporary = join(folder, "temporary");
  mkdirSync(temporary);
  chmodSync(folder, 0o711); // the server may have to be another user
  const godwit = commandIn({ folder, url: db.url, env: { TMPDIR: temporary } });
  await godwit("up");
  writeFiles(folder, { "migrations/0002_b.sql": "select pg_sleep(600);" });
  const scratches = () => readdirSync(temporary).filter((one) => /^godwit-scratch-/.test(one));
  const running = godwit.start(...words);
  const pid = await until(() => {
    const data = join(temporary, scratches()[0] ?? "none", "data");
    if (!existsSync(join(data, when === "runs" ? "under-way" : "postmaster.pid"))) return false;
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
    return /^ready/.test(lines[7] ?? "") && Number(lines[0]);
  });
  process.kill(pid, "SIGKILL");
  const { stderr } = await running.exits(1);
  expect(stderr).toContain("The scratch PostgreSQL has ended while it was used");
  expect(stderr).toContain("[EMBEDDED_FAILED]");
  expect(stderr).not.toMatch(/DATABASE_|Not begun|godwit status/);
  expect(scratches()).toEqual([]);
});
