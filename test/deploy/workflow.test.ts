/** The workflow of `godwit init --github-actions`: read by GitHub's parser, and its commands run on pull requests. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { BINARY, type Json } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { yamlOf } from "../support/manifests.ts";
import { type Files, folderOf, writeFiles } from "../support/target.ts";
import { runSteps, workflowProblems } from "../support/workflow.ts";

const FILE = "deploy/.github/workflows/migrations.yml";
const BASE: Files = { "migrations/0001_shops.sql": "create table shops (id int);" };

test("GitHub's parser has nothing to say against it, and finds a mistake", async () => {
  const text = readFileSync(join(root, FILE), "utf8");
  expect(await workflowProblems(text)).toEqual([]);
  expect(await workflowProblems(text.replace("timeout-minutes", "timeout-minuts"))).toHaveLength(1);
  const { permissions, jobs } = yamlOf(FILE) as Json;
  expect(permissions).toEqual({ contents: "read" });
  // What comes from a pull request is never a part of a command.
  for (const { run = "" } of jobs.migrations.steps) expect(run).not.toContain("${{");
});

function git(folder: string, ...words: readonly string[]): void {
  const own = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
  const { status, stderr } = spawnSync("git", [...own, ...words], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${words.join(" ")}: ${stderr}`);
}

function commit(folder: string, files: Files): void {
  writeFiles(folder, files);
  git(folder, "add", "--all");
  git(folder, "commit", "--quiet", "--message", "a change");
}

/** What the workflow does with a pull request that makes these changes to the base. */
function check(db: TestDatabase, base: Files, change: Files) {
  const place = folderOf({
    "bin/godwit": `#!/bin/sh\nexec "${process.execPath}" "${BINARY}" "$@"\n`,
    summary: "",
  });
  chmodSync(join(place, "bin/godwit"), 0o755);
  const [origin, folder] = [join(place, "origin"), join(place, "change")];
  mkdirSync(origin);
  git(origin, "init", "--quiet");
  commit(origin, { "README.md": "a shop", ...base });
  git(place, "clone", "--quiet", origin, folder);
  commit(folder, change);
  const path = [join(place, "bin"), dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);
  const env = {
    ...{ PATH: path, HOME: place, RUNNER_TEMP: place, GITHUB_STEP_SUMMARY: join(place, "summary") },
    ...{ DATABASE_URL: db.url, GODWIT_LEDGER_SCHEMA: ledgerSchema },
  };
  const { migrations } = (yamlOf(FILE) as Json).jobs;
  const steps = runSteps(migrations, { folder, env, expressions: { "github.base_ref": "main" } });
  return { steps, last: steps.at(-1), summary: readFileSync(join(place, "summary"), "utf8") };
}

test("a pull request that is right is migrated on top of its base, and its plan is in the summary", async ({
  db,
}) => {
  const { last, summary } = check(db, BASE, {
    "migrations/0002_slug.sql": "alter table shops add slug text;",
  });
  expect(last).toMatchObject({ name: "Everything is applied, and every index is valid", status: 0 });
  expect(summary).toContain("apply 0002_slug");
  expect(summary).not.toContain("0001_shops");
  expect(await db.sql("select slug from shops")).toEqual([]);
});

test("migrations below it may import packages, which are installed once", async ({ db }) => {
  const installed = {
    "node_modules/sizes/package.json": '{ "name": "sizes", "type": "module", "main": "a.js" }',
  };
  const base: Files = {
    ".gitignore": "node_modules",
    "migrations/0001_a.ts": 'import { a } from "sizes"; export const up = ({ execute }) => execute(a);',
  };
  const change = { ...installed, "node_modules/sizes/a.js": 'export const a = "create table a (id int)";' };
  const { last } = check(db, base, { ...change, "migrations/0002_b.sql": "alter table a add b int;" });
  expect(last).toMatchObject({ name: "Everything is applied, and every index is valid", status: 0 });
});

test("the first pull request with migrations has no base to begin with", async ({ db }) => {
  expect(check(db, {}, BASE).last?.status).toBe(0);
});

test.for<[wrong: string, change: Files, step: string, says: string]>([
  [
    "edits a file that is applied",
    { "migrations/0001_shops.sql": "create table s ();" },
    "Lint",
    "PLAN_EDITED",
  ],
  ["comes too late", { "migrations/0000_late.sql": "select 1;" }, "Lint", "PLAN_LATE"],
  ["has a broken module", { "migrations/0002_bad.ts": "export default {{" }, "Lint", "0002_bad"],
  ["fails", { "migrations/0002_bad.sql": "create tabel a ();" }, "Try", "0002_bad.sql:1:8"],
])("one that %s fails, at the step that says so", async ([, change, step, says], { db }) => {
  const { last } = check(db, BASE, change);
  expect(last).toMatchObject({ name: step, output: expect.stringContaining(says) });
  expect(last?.status).not.toBe(0);
});
