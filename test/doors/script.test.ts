/** The law of `--sql`: its script, run by psql, does what `up` and `down` do, whatever psql has been told to do by itself. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { stateOf } from "../support/state.ts";
import { type Files, folderOf } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

function projectOf(db: TestDatabase, files: Files) {
  const folder = folderOf(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])),
  );
  return { folder, godwit: commandIn({ folder, url: db.url }), offline: commandIn({ folder }) };
}

function psql(db: TestDatabase, script: string, more: readonly string[] = []): void {
  const file = join(folderOf({}), "script.sql");
  writeFileSync(file, script);
  execFileSync("psql", ["--no-psqlrc", "--quiet", ...more, "--file", file, db.url], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", PGCLIENTENCODING: "SQL_ASCII" },
  });
}

/** Schema, rows, and of the ledger what is the same for every run. */
async function stateIn(db: TestDatabase) {
  const { schema, rows, ledger } = await stateOf(db.admin);
  return { schema, rows, ledger: ledger.filter((line) => /^(?:history|log)/.test(line)) };
}

const SESSION: Files = {
  "0001_leaves.sql": `create schema mine;
create temporary table t (id int); prepare p as select 1; listen c; declare cur cursor with hold for select 1;
set search_path = mine; set lock_timeout = '1ms'; set row_security = on; set default_transaction_isolation = 'serializable';`,
  "0002_temporary_again.sql": `create temporary table t (id int);
create table lands_in_public as select current_setting('lock_timeout') as lock_timeout, current_setting('row_security') as row_security,
  current_setting('transaction_isolation') as isolation, current_setting('search_path') as path;`,
  "0003_outside.sql": `create table indexed (id int);
create temporary table t as select 1 as id;
set search_path = mine, public;
create index concurrently i on indexed (id);
create table in_mine as select id, current_setting('search_path') as path from t;
create index concurrently j on in_mine (id);`,
  "0004_back_in_public.sql": "create table back (id int); create type mood as enum ('a');",
  "0005_enum.sql": "alter type mood add value 'b';\ncreate table moods as select 'b'::mood as mood;",
  "0006_level.sql": `set transaction isolation level serializable;
create table level as select current_setting('transaction_isolation') as level;`,
  "0007_directives.sql": `-- godwit: statement-timeout=7s lock-timeout=9s
create table limits as select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock;`,
  "0008_down.sql": `-- migrate:up
create table gone (id int);
-- migrate:down
drop table gone;`,
};

const TEXT: Files = {
  "0001_variables.sql": `create table words (port int, "USER" int, w text);
insert into words values (2, 2, 'a');
create table slices as select (array[1,2,3])[1:PORT] as a, (array[1,2,3])[:"USER"] as b, (array[1,2,3])[1:'2'] as c,
  (array[1,2,3])[:port]::text as d, ':USER' as e, $$:'PORT' \\gset $$ as f, 1::int as g from words;`,
  "0002_backslashes.sql": `create table slashes as select 'a
\\! rm -rf nothing
\\q' as a, E'\\\\q\\n' as b, $x$
\\connect nowhere
;$x$ as c /* \\q ; */ -- \\q ;
`,
  "0003_module.ts": `export async function up({ sql, execute, schema }: any) {
  await schema.createTable("made").addColumn("id", "integer").addColumn("t", "text").execute();
  await sql\`insert into made values (\${-1}, \${"it's $1 \\\\ ä 😀"})\`;
  await sql\`insert into made select 2, '$1' || \${"x"}\`;
  await execute("insert into made values (3, ':USER'); insert into made select (array[4,5])[1], 'y' -- end");
}`,
  "0004_function.sql": `create function f() returns text language plpgsql as $f$ begin return ':USER;'; end $f$;
create or replace view v as select f() as f -- no semicolon`,
  "0005_umlaute_ä.sql": "create table umlaute as select 'ä😀' as ä;",
  "repeatable/v.sql": "create or replace view total as select count(*) as n from made;",
};

/** Files of which no text tells whether they end their transaction. */
const UNTOLD: Files = {
  "0001_procedures.sql": `create table calls (who text);
create table parts (id int) partition by range (id); create table part partition of parts for values from (0) to (9);
create index on parts (id);
create procedure ends() language plpgsql as $$ begin insert into calls (who) values ('ends'); commit; end $$;
create procedure stays() language plpgsql as $$ begin insert into calls (who) values ('stays'); end $$;`,
  "0002_ends.sql": "call ends();",
  "0003_stays.sql": "call stays();",
  "0004_off.sql": "-- godwit: transaction=off\ninsert into calls (who) values ('off');\ncall ends();",
  "0005_do.sql": "do $$ begin call ends(); end $$;",
  "0006_reindex.sql": "reindex table parts;",
  "0007_several.sql": "call stays();\ninsert into calls (who) values ('several');",
};

describe.skipIf(withoutPsql)("a script does what up does", () => {
  test.for([
    ["the state of the session between files", SESSION, []],
    ["what may end its transaction by itself", UNTOLD, []],
    ["variables, backslashes and quotes of psql", TEXT, []],
    [
      "a psql that its owner has told otherwise",
      TEXT,
      ["-v", "AUTOCOMMIT=off", "-v", "PORT=3", "-v", "ON_ERROR_ROLLBACK=on"],
    ],
    ["a psql that takes each line for a statement", SESSION, ["--single-line"]],
  ] as const)("%s", async ([, files, more], { db }) => {
    const { godwit, offline } = projectOf(db, files);
    psql(db, (await offline("up", "--sql")).stdout, more);
    const byScript = await stateIn(db);
    expect((await godwit("up", "--json")).json.report).toMatchObject({
      outcome: "done",
      steps: [],
      warnings: [],
    });
    await db.admin(`drop schema "${ledgerSchema}" cascade; drop schema if exists mine cascade; drop schema public cascade;
      create schema public; alter schema public owner to pg_database_owner; grant usage on schema public to public`);
    await godwit("up");
    expect(byScript).toEqual(await stateIn(db));
  });

  test("down, one and all, also where a way back runs statement by statement", async ({ db }) => {
    const { godwit, offline } = projectOf(db, {
      "0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
      "0002_i.sql":
        "-- migrate:up\ncreate index concurrently i on a (id);\n-- migrate:down\ndrop index concurrently i;\ncreate table was_down (id int);",
      "0003_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;",
    });
    await godwit("up");
    psql(db, (await offline("down", "0001_a", "--sql", "--from", "0003_b")).stdout);
    const byScript = await stateIn(db);
    await db.sql("drop table was_down");
    await godwit("up");
    await godwit("down", "0001_a");
    const byRun = await stateIn(db);
    expect({ ...byScript, ledger: [] }).toEqual({ ...byRun, ledger: [] });
    expect((await godwit("status", "--json")).json).toMatchObject({ current: ["0001_a"], pending: 2 });
    psql(db, (await offline("down", "base", "--sql", "--from", "0001_a")).stdout);
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  test("one that stops in the middle of a file leaves behind what a run leaves, and up goes on from there", async ({
    db,
  }) => {
    const broken =
      "create table log (n int);\ninsert into log values (1);\ncreate index concurrently i on missing (n);\ninsert into log values (2);";
    const { godwit, offline } = projectOf(db, { "0001_a.sql": broken });
    const { stdout } = await offline("up", "--sql");
    expect(stdout).toMatch(/^-- godwit up --sql: from \S+ to \S+, 1 migration$/m);
    expect(() => psql(db, stdout)).toThrow(/missing/);
    await db.sql("create table missing (n int)");
    expect((await godwit("status", "--json")).json.migrations).toMatchObject([{ state: "partial" }]);
    await godwit.start("up", "--json").exits(0);
    expect(await db.sql("select n from log order by n")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("the example echomind, a graph of revisions", async ({ db, skip }) => {
    if (Number(process.env.GODWIT_TEST_POSTGRES ?? 18) < 15) skip("its views need PostgreSQL 15");
    const folder = folderOf({});
    cpSync(join(root, "examples", "echomind"), folder, {
      recursive: true,
      filter: (path) => !path.includes(".godwit/"),
    });
    const script = await commandIn({ folder })("up", "--sql");
    psql(db, script.stdout);
    const byScript = await stateIn(db);
    const { json } = await commandIn({ folder, url: db.url })
      .start("up", "--json", "--phase", "startup", "import", "complex")
      .exits(0, 1);
    expect(json.report.steps).toEqual([]);
    expect(byScript.ledger.length).toBeGreaterThan(2);
  });
});
