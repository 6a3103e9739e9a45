/** Sqitch itself against us. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";
import { downOne, type Judge, judgeBeside, targetFor, upAll, withoutHistory } from "./judge.ts";

const missing = ["sqitch", "psql"].filter((command) => spawnSync(command, ["--version"]).status !== 0);
const reason = missing.length === 0 ? "" : ` (not here: ${missing.join(" and ")} not installed)`;
const HISTORY = /\bsqitch\b/;

// Perl starts slowly, and a project takes some ten commands.
test.skipIf(missing.length > 0)(
  `both make the same of a project, with the same ids${reason}`,
  async ({ db }) => {
    const folder = folderOf({
      "sqitch.conf": '[core]\n\tengine = pg\n[core "variables"]\n\twho = O\'Brien\n',
      "sqitch.plan": "%syntax-version=1.0.0\n%project=flipr\n%uri=HTTPS://Example.com:443\n\n",
    });
    const judge = await judgeBeside(db);
    const sqitch = (...args: string[]) =>
      judge.run("sqitch", args, { cwd: folder, environment: identity(folder) });
    const scripts: Record<string, readonly [up: string, down: string]> = {
      users: [
        "-- Deploy\nBEGIN;\ncreate table users (id int primary key, name text);\ninsert into users values (1, :'who');\nCOMMIT;\n",
        "BEGIN;\ndrop table users;\nCOMMIT;\n",
      ],
      "deep/index": [
        "create index concurrently users_name on users (name);\n",
        "drop index concurrently users_name;\n",
      ],
      named: [
        "BEGIN;\ncreate function named() returns text language sql as $$ select 'one;' $$;\nCOMMIT;\n",
        "drop function named();\n",
      ],
    };
    const write = (name: string, [up, down]: readonly [string, string]) =>
      writeFiles(folder, {
        [`deploy/${name}.sql`]: up,
        [`revert/${name}.sql`]: down,
        [`verify/${name}.sql`]: "",
      });
    await sqitch("add", "users", "-n", "Users, with a backslash \\ and a # sign");
    await sqitch("add", "deep/index", "-r", "users", "-x", "other:thing", "-n", "Two\nlines");
    await sqitch("add", "named", "-r", "users", "-r", "flipr:deep/index", "-n", "ünïcode");
    for (const [name, texts] of Object.entries(scripts)) write(name, texts);
    await sqitch("tag", "v1", "-n", "First");
    await sqitch("tag", "v1.1", "-n", "Second");
    await sqitch("rework", "named", "-n", "Again", "-r", "deep/index@v1");
    write("named", [
      "BEGIN;\ncreate or replace function named() returns text language sql as $$ select 'two;' $$;\nCOMMIT;\n",
      "create or replace function named() returns text language sql as $$ select 'one;' $$;\n",
    ]);
    await sqitch("tag", "v2", "-n", "Third");
    await sqitch("rework", "named", "-n", "And again");
    write("named", [
      "BEGIN;\ncreate or replace function named() returns text language sql as $$ select 'three;' $$;\nCOMMIT;\n",
      "create or replace function named() returns text language sql as $$ select 'two;' $$;\n",
    ]);

    await sqitch("deploy", `db:pg:${judge.url.slice("postgres:".length)}`);
    const target = await targetFor(db, { layout: "sqitch", folder });
    const { migrations, problems } = await target.source.list();
    expect(problems).toEqual([]);
    expect(migrations.map(({ id }) => id)).toEqual(["users", "deep/index", "named", "named#2", "named#3"]);
    const plan = readFileSync(`${folder}/sqitch.plan`, "utf8");
    expect(
      migrations.map(({ tool }) => tool?.columns),
      plan,
    ).toEqual(await changesIn(judge));
    await upAll(target);
    expect(await withoutHistory(db.admin, HISTORY)).toEqual(await withoutHistory(judge.query, HISTORY));

    await sqitch("revert", "-y", "--to", "users", `db:pg:${judge.url.slice("postgres:".length)}`);
    for (let count = 0; count < 4; count++) await downOne(target);
    const ours = await withoutHistory(db.admin, HISTORY);
    expect(ours).toEqual(await withoutHistory(judge.query, HISTORY));
    expect(ours.rows.users).toEqual(["(1,O'Brien)"]);
  },
  120_000,
);

/** Nothing of the person's own settings. */
function identity(home: string): Record<string, string> {
  return {
    HOME: home,
    SQITCH_FULLNAME: "Marge N. O’Vera",
    SQITCH_EMAIL: "marge@example.com",
    SQITCH_USER_CONFIG: "none",
    SQITCH_SYSTEM_CONFIG: "none",
    EDITOR: "true",
    TZ: "Europe/Berlin",
  };
}

function changesIn(judge: Judge): Promise<Record<string, unknown>[]> {
  return judge.query(`select change_id, script_hash, change, project, note,
      to_char(planned_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as planned_at, planner_name, planner_email
    from sqitch.changes order by committed_at`);
}
