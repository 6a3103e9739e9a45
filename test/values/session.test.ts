/** The session at a statement is what the statements before it have left, whatever happened to the connection in between. */
import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const OFF = "-- godwit: transaction=off\n";
const SHOW = `create table seen as select current_setting('search_path') as path, current_setting('app.tenant', true) as tenant,
  current_setting('statement_timeout') as timeout, current_setting('work_mem') as memory, current_user::text as role`;

interface Case {
  readonly name: string;
  readonly statements: readonly string[];
  readonly seen: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    name: "what a DO block sets",
    statements: [
      "do $$ begin perform set_config('search_path', 'app', false); perform set_config('app.tenant', 'seven', false); set work_mem = '8MB'; end $$",
    ],
    seen: { path: "app", tenant: "seven", memory: "8MB" },
  },
  {
    name: "what a function sets that a SELECT calls",
    statements: [
      "create function app.go() returns void language plpgsql as $$ begin set search_path = app, public; end $$",
      "select app.go()",
    ],
    seen: { path: "app, public" },
  },
  {
    name: "what SET and RESET say",
    statements: [
      `set search_path = app, "$user"`,
      "set app.tenant = 'it''s'",
      "set work_mem = '8MB'",
      "reset work_mem",
    ],
    seen: { path: `app, "$user"`, tenant: "it's", memory: "4MB" },
  },
  {
    name: "nothing of what is set for a transaction",
    statements: [
      "set search_path = app",
      "do $$ begin set local work_mem = '8MB'; perform set_config('statement_timeout', '77s', true); end $$",
    ],
    seen: { path: "app", memory: "4MB", timeout: "0" },
  },
];

describe("the next statement sees", () => {
  test.for(CASES)("$name", async ({ statements, seen }, { db }) => {
    await db.sql("create schema app");
    const folder = folderOf({ "0001_session.sql": `${OFF}${statements.join(";\n")};\n${SHOW};` });
    await up(targetOf({ url: db.url, folder }));
    const [schema] = await db.sql(
      "select relnamespace::regnamespace::text as schema from pg_class where relname = 'seen'",
    );
    expect(await db.sql(`select * from "${schema?.schema}".seen`)).toMatchObject([seen]);
    expect(schema?.schema).toBe("app");
  });

  test.for(CASES)("on resuming in another session too: $name", async ({ statements, seen }, { db }) => {
    await db.sql("create schema app");
    const gate = "do $$ begin perform 1 / n from public.gate; end $$";
    await db.sql("create table gate (n int); insert into gate values (0); grant select on gate to public");
    const folder = folderOf({ "0001_session.sql": `${OFF}${[...statements, gate].join(";\n")};\n${SHOW};` });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({ report: { failures: [{ committed: "some" }] } });
    await db.sql("update gate set n = 1");
    await up(target);
    expect(await db.sql("select * from app.seen")).toMatchObject([seen]);
  });
});

test("the role that a file has taken is taken again, and the ledger is written as our own", async ({
  db,
}) => {
  await db.sql("create schema app");
  const role = `r_${db.name}`;
  await db.admin(
    `create role ${role}; grant ${role} to ${db.owner}; grant usage, create on schema app to ${role}`,
  );
  try {
    const text = `${OFF}do $$ begin set search_path = app; set role ${role}; end $$;\n${SHOW};\nvacuum seen;`;
    await up(targetOf({ url: db.url, folder: folderOf({ "0001_role.sql": text }) }));
    expect(await db.sql("select tableowner as owner from pg_tables where tablename = 'seen'")).toEqual([
      { owner: role },
    ]);
  } finally {
    await db.admin(`drop owned by ${role}; drop role ${role}`);
  }
});

test("a setting of a block with its own BEGIN and COMMIT ends as the block said", async ({ db }) => {
  await db.sql("create schema app");
  const text = `${OFF}set search_path = app;\ndo $$ begin set local search_path = public; end $$;\n${SHOW};`;
  await up(targetOf({ url: db.url, folder: folderOf({ "0001_local.sql": text }) }));
  const rows = await db.sql(
    `select position, before from "${ledgerSchema}".migration_statements where revision = '0001_local' order by position`,
  );
  expect(rows.map(({ before }) => before)).toEqual([
    { session: { search_path: "app" } },
    { session: { search_path: "app" } },
    { session: { search_path: "app" } },
  ]);
});

test("between two files nothing stays: prepared statements, cursors, sequences, customized options", async ({
  db,
}) => {
  const file = `prepare p as select 1; set app.tenant = 'one'; create temporary table t (id int);
declare c cursor with hold for select 1;`;
  const look = `do $$ begin
  if coalesce(current_setting('app.tenant', true), '') <> '' then raise 'tenant'; end if;
  if exists (select from pg_prepared_statements) then raise 'prepared'; end if;
  if exists (select from pg_cursors where name = 'c') then raise 'cursor'; end if;
  if to_regclass('t') is not null then raise 'table'; end if; end $$;`;
  const folder = folderOf({
    "0001_a.sql": file,
    "0002_look.sql": look,
    "0003_again.sql": `${OFF}${file.replace("for select 1", "for select 2")}`,
    "0004_look.sql": look,
    "0005_uses.sql": `${OFF}prepare p as select 1;\nexecute p;`,
  });
  expect((await up(targetOf({ url: db.url, folder }))).steps).toHaveLength(5);
});
