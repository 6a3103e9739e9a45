/** Whatever a migration calls, a rehearsal reaches no file, no program and no other session; and what only makes objects goes on. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, vi } from "vitest";
import { commandIn, type Json } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** Each would write the file `here`, or do something else to the machine. Texts alone do not show it. */
const REACHING = (here: string): Readonly<Record<string, string>> => ({
  "0101_block": `do $$ begin execute 'co' || 'py (select 1) to pro' || 'gram ''cat > ${here}'''; end $$;`,
  "0102_function": `create function reach() returns void language plpgsql as $$ begin execute 'co' || 'py (select 1) to ''${here}'''; end $$;
select reach();`,
  "0103_definer": `create function owned() returns void language plpgsql security definer as $$ begin execute 'co' || 'py (select 1) to ''${here}'''; end $$;
select owned();`,
  "0104_read": "do $$ begin perform pg_read_file('/etc/passwd'); end $$;",
  "0113_relative": "select pg_read_file('postgresql.conf');",
  "0105_list": "select count(*) from pg_ls_dir('/');",
  "0106_reload": "select pg_reload_conf();",
  "0107_sessions":
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = 'postgres';",
  "0108_default": `create table with_default (id int); alter table with_default add column body text default pg_read_file('/etc/hostname');`,
  "0109_present": "select from_present();",
  "0110_as_role": `set local role some_role; do $$ begin execute 'co' || 'py (select 1) to pro' || 'gram ''cat > ${here}'''; end $$;`,
  "0111_as_superuser": `set local role postgres; do $$ begin execute 'co' || 'py (select 1) to pro' || 'gram ''cat > ${here}'''; end $$;`,
  "0112_system": "-- godwit: transaction=off\nalter system set work_mem = '8MB';",
});

/** Only a superuser may do these, or the one who owns what they name. */
const GOING_ON: Readonly<Record<string, string>> = {
  "0201_extension":
    "create extension pg_stat_statements; create extension hstore; drop extension pg_stat_statements;",
  "0202_role": `do $$ begin if not exists (select from pg_roles where rolname = 'made_here') then create role made_here; end if; end $$;
create table of_role (id int); alter table of_role owner to made_here; alter table of_role add column body text;
set local role made_here; insert into of_role values (1, 'a'); reset role;
grant made_here to current_user;`,
  "0203_replica": "set local session_replication_role = replica; create table r (id int);",
  "0204_publication": "create publication everything for all tables;",
  "0205_event": `create function on_ddl() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger watch_ddl on ddl_command_end execute function on_ddl(); drop event trigger watch_ddl;`,
  "0206_database":
    "do $$ begin execute format('alter database %I set work_mem = %L', current_database(), '8MB'); end $$;",
  "0207_privileges": `alter default privileges grant select on tables to made_here; comment on database postgres is 'x';
create schema of_made authorization made_here; grant all on schema of_made to public;`,
  "0208_as_postgres":
    "set local role postgres; create table of_postgres (id int); reset role; drop table of_postgres;",
  "0209_superuser": "create role grand superuser; alter role grand createdb; alter table r owner to grand;",
  "0210_index": "-- godwit: transaction=off\ncreate index concurrently on r (id);\nvacuum r;",
  "0211_present": "alter table present add column more int; alter view present_view rename to other_view;",
};

const files = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [`migrations/${name}.sql`, text]));

describe("a rehearsal", () => {
  test("reaches nothing of the machine, and says so of each statement", async ({ db }) => {
    const folder = folderOf({});
    const here = join(folder, "here");
    writeFiles(folder, {
      "migrations/0001_present.sql": `create table present (id int); create view present_view as select id from present;
create function from_present() returns void language plpgsql security definer as $$ begin execute 'co' || 'py (select 1) to ''${here}'''; end $$;`,
    });
    const godwit = commandIn({ folder, url: db.url });
    await db.admin(
      "do $$ begin if not exists (select from pg_roles where rolname = 'some_role') then create role some_role; end if; end $$",
    );
    await godwit("up");
    writeFiles(folder, files({ ...REACHING(here), ...GOING_ON }));
    const { json } = await godwit("rehearse", "--json");
    expect(existsSync(here)).toBe(false);
    expect(json).toMatchObject({ from: "catalog", gaps: [] });
    for (const step of json.steps as Json[]) {
      const states = step.statements.map(({ state, why, text }: Json) =>
        state === "rehearsed" ? state : `${state}: ${text}: ${why}`,
      );
      const reached = states.filter((state: string) => state !== "rehearsed");
      if (step.revision in GOING_ON) expect(reached, step.revision).toEqual([]);
      else {
        expect(step.risk, step.revision).not.toBe("safe");
        expect(reached, step.revision).toEqual([expect.stringMatching(/^not rehearsed/)]);
      }
      expect(step.notRehearsed, step.revision).toBeNull();
    }
  });

  test("nor does a test file that goes back to the superuser, which is the role of migrations there", async () => {
    const folder = folderOf({ "migrations/0001_t.sql": "create table t (id int);" });
    const here = join(folder, "here");
    const godwit = commandIn({ folder });
    const reset = "create role other; set role other; set role postgres; insert into t values (1);";
    writeFiles(folder, { "migrations/0001_t.test.sql": `${reset} select count(*) = 1 from t;` });
    await godwit("test");
    writeFiles(folder, { "migrations/0001_t.test.sql": `${reset} copy t to '${here}';` });
    const { stdout } = await godwit.fails(1, "test");
    expect(stdout).toContain("failed, without the rights of a superuser: permission denied to COPY");
    expect(existsSync(here)).toBe(false);
  });

  test("and neither does the test of a folder", async () => {
    const folder = folderOf({});
    const here = join(folder, "here");
    const { "0109_present": _, "0110_as_role": __, ...reaching } = REACHING(here);
    const { "0211_present": ___, ...goingOn } = GOING_ON;
    writeFiles(folder, files({ ...reaching, ...goingOn }));
    const { json } = await commandIn({ folder }).start("test", "--json").exits(0, 1);
    expect(existsSync(here)).toBe(false);
    for (const { revision, state, because, problems } of json.migrations as Json[])
      expect(`${state} ${because} ${JSON.stringify(problems)}`, revision).toMatch(
        revision in goingOn ? /^passed null \[\]$/ : /^not tested .* \[\]$/,
      );
  });
});
