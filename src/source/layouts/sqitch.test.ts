import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openLayout, SPECIMENS } from "./layout.fixture.ts";
import { sqitch } from "./sqitch.ts";
import { parsePlan } from "./sqitch-plan.ts";

const HEAD = "%syntax-version=1.0.0\n%project=flipr\n";
const WHO = "2024-01-02T10:15:00Z Marge <marge@example.com>";
const planOf = (...lines: string[]) =>
  `${HEAD}\n${lines.map((line) => line.replace("WHO", WHO)).join("\n")}\n`;

test("an id is the one that Sqitch documents", () => {
  const plan = parsePlan(
    `%syntax-version=1.0.0\n%project=flipr\n%uri=https://github.com/theory/sqitch-intro/\n\nappschema 2013-12-30T23:19:45Z Marge N. O’Vera <marge@example.com> # Add schema for all flipr objects.\n`,
    "sqitch.plan",
  );
  expect(plan?.problems).toEqual([]);
  expect(plan?.changes[0]).toMatchObject({
    id: "c7981df861183412b01be706889e508a63d445ca",
    note: "Add schema for all flipr objects.",
    plannerName: "Marge N. O’Vera",
    plannedAt: "2013-12-30T23:19:45Z",
  });
});

test("the hash of a script is over its bytes, and other line ends are known", async () => {
  const names = Object.keys(SPECIMENS);
  const { migrations } = await openLayout(sqitch, {
    "sqitch.plan": planOf(...names.map((name) => `${name} WHO`)),
    ...Object.fromEntries(Object.entries(SPECIMENS).map(([name, bytes]) => [`deploy/${name}.sql`, bytes])),
  });
  const hashes = migrations.map(({ tool }) => tool?.checksums[0]);
  expect(hashes).toEqual([
    "cf252ea34af24bd399648d0576f5080b9774e94c",
    "88b151392e197cec33c77dd68e949e0f69e6e16a",
    "3f3a60a8a8879ce1cc59e09c4faab3e603f9afe7",
    "aa7c7ae2e10ed300ac199a91bb4db24b4e2db27b",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  ]);
  expect(migrations[1]?.tool?.checksums).toContain(hashes[0]);
});

test("the plan gives the order; a change that was reworked keeps its name, the new one gets a number", async () => {
  const files = {
    "sqitch.conf": '[core]\n\tengine = pg\n\ttop_dir = db # here\n[engine "pg"]\n\tclient = psql\n',
    "db/sqitch.plan": planOf(
      "b WHO # first",
      "# a comment",
      "a [b] WHO",
      "@v1 WHO",
      "@v1.1 WHO",
      "c WHO",
      "a [a@v1 !x other:y] WHO",
    ),
    "db/deploy/b.sql": "select 'b'",
    "db/deploy/a@v1.sql": "select 'old a'",
    "db/deploy/c.sql": "select 'c'",
    "db/deploy/a.sql": "select 'new a'",
    "db/deploy/stray.sql": "select nonsense",
    "db/revert/a.sql": "select 'back'",
    "db/revert/b.sql": "-- nothing",
    "db/verify/b.sql": "select nonsense",
  };
  const { ids, wrong, up, down, migrations } = await openLayout(sqitch, files);
  expect(wrong).toEqual([]);
  expect(ids).toEqual(["b", "a", "c", "a#2"]);
  expect([await up("a"), await up("a#2"), await down("a#2")]).toEqual([
    "select 'old a'",
    "select 'new a'",
    "select 'back'",
  ]);
  expect(migrations.map(({ revertible }) => revertible)).toEqual([false, false, false, true]);
  expect(migrations[1]).toMatchObject({
    file: "db/deploy/a@v1.sql",
    tool: {
      columns: {
        change: "a",
        project: "flipr",
        script_hash: createHash("sha1").update("select 'old a'").digest("hex"),
      },
    },
  });
});

test.each([
  ["a line that is nothing", ["what is this"], /has no time|neither a change/],
  ["a name like an id", [`${"a".repeat(40)} WHO`], /is no name/],
  ["a change twice without a tag between", ["a WHO", "a WHO"], /a is there twice/],
  ["a tag twice", ["a WHO", "@x WHO", "@x WHO"], /@x is there twice/],
  ["a tag before all changes", ["@x WHO"], /before all changes/],
  ["a dependency that comes later", ["a [b] WHO", "b WHO"], /a requires b/],
  ["a conflict with one before it", ["a WHO", "b [!a] WHO"], /b conflicts with a/],
  ["a dependency on itself", ["a [a] WHO"], /a requires a/],
  ["a name that ends in punctuation", ["a- WHO"], /neither a change nor a tag/],
] as const)("%s is refused with its line", async (_, lines, says) => {
  const { problems } = await openLayout(sqitch, {
    "sqitch.plan": planOf(...lines),
    "deploy/a.sql": "",
    "deploy/b.sql": "",
  });
  expect(problems[0]?.message).toMatch(says);
  expect(problems[0]?.place).toMatchObject({ file: "sqitch.plan" });
});

test("commands of psql are refused with their place, wherever they stand", async () => {
  const { migrations, wrong } = await openLayout(sqitch, {
    "sqitch.plan": planOf("a WHO", "b WHO", "c WHO"),
    "deploy/a.sql": "\\set x 1\nselect 1;",
    "deploy/b.sql": "select '\\set', $$ \\i $$, E'\\n'; -- \\x\nselect 1 \\gexec\n",
    "deploy/c.sql": "select '\\set', $$ \\i $$, E'\\n'; -- \\x\n",
  });
  expect(wrong).toHaveLength(2);
  expect(migrations[0]?.problem).toMatchObject({
    code: "SOURCE_PSQL_COMMAND",
    place: { line: 1, column: 1 },
  });
  expect(migrations[1]?.problem).toMatchObject({
    message: "deploy/b.sql contains the psql command \\gexec.",
    place: { line: 2, column: 10 },
  });
});

test("variables are psql's: by name, as a literal or a name; one that is not set stays, or is refused", async () => {
  const files = {
    "sqitch.conf":
      '[core "variables"]\nowner = core\n[deploy "variables"]\nowner = O\'Brien\n[revert "variables"]\nowner = reverter\n',
    "sqitch.plan": planOf("a WHO", "b WHO"),
    "deploy/a.sql":
      "select :'owner', :\"owner\", ':owner', x[1:n], y::owner, :\"registry\", :tenant; -- :owner\n",
    "revert/a.sql": "select :'owner';",
    "deploy/b.sql": "select 1,\n :'nobody';",
  };
  const { up, down, migrations } = await openLayout(sqitch, files, { tenant: "t1" });
  expect(await up("a")).toBe(
    "select 'O''Brien', \"O'Brien\", ':owner', x[1:n], y::owner, \"sqitch\", t1; -- :owner\n",
  );
  expect(await down("a")).toBe("select 'reverter';");
  expect(migrations[1]?.problem).toMatchObject({
    code: "SOURCE_PLACEHOLDER",
    place: { file: "deploy/b.sql", line: 2, column: 2 },
  });
});

test("another engine, a plan without a project and a folder without a plan are refused", async () => {
  const open = (files: Record<string, string>) => openLayout(sqitch, files);
  await expect(open({ "sqitch.conf": "[core]\nengine = mysql\n" })).rejects.toThrow(/its engine is mysql/);
  await expect(open({ "sqitch.plan": "%syntax-version=1.0.0\n\n" })).rejects.toThrow(/no %project/);
  await expect(open({ "deploy/a.sql": "" })).rejects.toThrow(/no sqitch\.plan/);
});
