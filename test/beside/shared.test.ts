/** A registry that several projects share: what is another's is not ours, and is asked about once at most. */
import { describe } from "vitest";
import { type AdoptOptions, adopt } from "../../src/run/adopt.ts";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, up } from "../support/target.ts";
import { targetIn } from "../support/tools.ts";

const ADOPT: AdoptOptions = { assume: false, dryRun: false };
const REGISTRY = `create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, change text not null,
  project text not null, note text not null default '', committed_at timestamptz not null default clock_timestamp(),
  committer_name text not null, committer_email text not null, planned_at timestamptz not null, planner_name text not null, planner_email text not null);`;
const row = (project: string, change: string, id: string) =>
  `insert into sqitch.changes values ('${id}', '${id}', '${change}', '${project}', '', now(), 'me', 'me@x', now(), 'me', 'me@x');`;
const PLAN =
  "%syntax-version=1.0.0\n%project=shop\n\nusers 2024-01-02T10:15:00Z Me <me@example.com> # users\n";

const sqitchIn = (db: TestDatabase) =>
  targetIn("sqitch", {
    url: db.url,
    folder: folderOf({ "sqitch.plan": PLAN, "deploy/users.sql": "create table users (id int);" }),
  });

describe("Sqitch", () => {
  test("a change of another project is not ours, though it has the same name", async ({ db }) => {
    await db.sql(`${REGISTRY} ${row("billing", "users", "aaaa")}`);
    const target = await sqitchIn(db);
    const { steps } = await up(target);
    expect(steps.map(({ revision }) => revision)).toEqual(["users"]);
    expect((await up(target)).steps).toEqual([]);
  });

  test("beside rows of another project ours is adopted, and nothing of theirs", async ({ db }) => {
    const target = await sqitchIn(db);
    const { migrations } = await target.source.list();
    await db.sql(`${REGISTRY} ${row("billing", "users", "aaaa")} ${row("billing", "bills", "bbbb")}
      ${row("shop", "users", migrations[0]?.tool?.version ?? "")} create table users (id int)`);
    expect((await refusalOf(up(target))).codes).toEqual(["ADOPT_NEEDED"]);
    const report = await adopt(target, ADOPT, recorder());
    expect(report.applied.map(({ revision }) => revision)).toEqual(["users"]);
    expect(report.missing).toEqual([]);
    expect((await up(target)).steps).toEqual([]);
  });
});

test("Liquibase: of a changelog with changesets of another project alone it is asked once", async ({
  db,
}) => {
  await db.sql(`create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null,
    dateexecuted timestamp not null default now(), orderexecuted int not null, exectype varchar(10) not null, md5sum varchar(35),
    description varchar(255), comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10));
    insert into databasechangelog (id, author, filename, orderexecuted, exectype) values ('7', 'bob', 'billing.sql', 1, 'EXECUTED')`);
  const folder = folderOf({
    "migrations/a.sql": "--liquibase formatted sql\n--changeset ann:1\ncreate table a (id int);\n",
  });
  const godwit = commandIn({ folder, url: db.url });
  expect((await godwit.fails(1, "up")).stderr).toContain("[ADOPT_CONFLICT]");
  const refused = (await godwit.fails(1, "adopt")).stderr.replaceAll(/\s+/g, " ");
  const [, answer = ""] = /`(--mirror none:[^`]+)`/.exec(refused) ?? [];
  expect((await godwit("up", ...answer.split(" "))).stdout).toContain("1 migration applied");
  expect((await godwit("up")).stdout).toContain("nothing to do");
  expect((await godwit("adopt")).stdout).toContain("Nothing new to adopt.");
});

test("`godwit init` and then `godwit up` work in a project that uses sqlx", async ({ db }) => {
  const folder = folderOf({ "Cargo.toml": '[dependencies]\nsqlx = "0.8"\n', ".git/HEAD": "" });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("init");
  expect((await godwit("up")).stdout).toContain("1 migration applied");
  await godwit("new", "second");
  expect((await godwit("up")).stderr).toContain("0002_second.sql does nothing");
});
