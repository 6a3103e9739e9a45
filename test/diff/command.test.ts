/** `godwit diff` and `godwit new --autogenerate`, with the real binary and its own scratch server. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

// Each call makes servers of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const FIRST = `
create table posts (
  id bigint generated always as identity primary key,
  author integer not null references users,
  title text not null,
  mood mood default 'good'
);
create table users (id integer primary key, email varchar(200) unique);
create table tags (id serial primary key, name text);
create type mood as enum ('bad', 'good');
create view titles as select title from posts;
create function one() returns integer language sql as $$ select 1; $$;
grant select on posts to readers_of_this_test;
`;
const SECOND = `
-- renamed from posts
create table articles (
  id bigint generated always as identity primary key,
  author integer not null references users,
  headline text not null, -- renamed from title
  mood mood default 'fair'
);
create index articles_by_author on articles (author);
create table users (id integer primary key, email varchar(200) unique);
-- renamed from tags
create table labels (id serial primary key, name text);
create type mood as enum ('bad', 'fair', 'good');
create view titles as select headline from articles;
create function one() returns integer language sql as $$ select 1; $$;
grant select on articles to readers_of_this_test;
`;

const SIMPLE = `create table t (
  id integer primary key,
  name text
);
create view v as select id from t;
`;

function project(db: TestDatabase, files: Readonly<Record<string, string>>) {
  const folder = folderOf({ "migrations/.gitkeep": "", ...files });
  const godwit = commandIn({ folder, url: db.url });
  const written = () => readdirSync(join(folder, "migrations")).filter((name) => /^\d/.test(name));
  const read = (name: string) => readFileSync(join(folder, "migrations", name), "utf8");
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  return { folder, godwit, written, read, write };
}

const autogenerate = ["new", "--autogenerate", "--to", "schema.sql", "-m"] as const;

test("what a desired schema needs is written, applied, taken back, and needed no more", async ({ db }) => {
  await db.admin("create role readers_of_this_test");
  try {
    const { godwit, written, read, write } = project(db, { "schema.sql": FIRST });
    await godwit(...autogenerate, "first");
    expect(written()).toEqual(["0001_first.sql"]);
    expect(read("0001_first.sql")).not.toContain("postgres");
    await godwit("up");
    await db.sql("insert into users values (1, 'a')");
    await db.sql("insert into posts (author, title) values (1, 'kept')");
    await db.sql("insert into tags (name) values ('first')");

    const again = await godwit(...autogenerate, "nothing");
    expect(again.stdout).toContain("nothing was written");
    expect((await godwit("diff", "--to", "schema.sql", "--exit-code")).stdout).toContain("No differences");

    write("schema.sql", SECOND);
    await godwit.fails(1, "diff", "--to", "schema.sql", "--exit-code");
    await godwit(...autogenerate, "second");
    await godwit("up");
    expect(await db.sql("select headline, mood from articles")).toEqual([{ headline: "kept", mood: "good" }]);
    expect(await db.sql("insert into labels (name) values ('second') returning id")).toEqual([{ id: 2 }]);

    await godwit("down", "-1");
    expect(await db.sql("select title, mood from posts")).toEqual([{ title: "kept", mood: "good" }]);
    expect(await db.sql("insert into tags (name) values ('third') returning id")).toEqual([{ id: 3 }]);
  } finally {
    await db.admin("drop owned by readers_of_this_test; drop role readers_of_this_test");
  }
});

test("a database is compared as it is, with the rights of who asks", async ({ db }) => {
  const { godwit, write } = project(db, { "schema.sql": SIMPLE });
  await db.sql(SIMPLE);
  const same = await godwit("diff", "--from", "database", "--to", "schema.sql", "--json");
  expect(same.json).toMatchObject({ different: false, statements: [] });
  write("schema.sql", SIMPLE.replace("name text", "title text -- renamed from name"));
  const { json } = await godwit("diff", "--from", "database", "--to", "schema.sql", "--json");
  expect(json.statements.map(({ text }: { text: string }) => text)).toEqual([
    "ALTER TABLE public.t RENAME COLUMN name TO title",
  ]);
});

test("an owner that no file names is no difference, whoever asks", async ({ db }) => {
  const role = `asks_${db.name}`;
  await db.admin(`create role "${role}" login superuser`);
  try {
    const text =
      "grant create on schema public to pg_monitor; create table mine (id serial primary key); create view v as select id from mine;";
    const { folder, godwit } = project(db, {
      "migrations/0001_a.sql": `${text} create table theirs (); alter table theirs owner to pg_monitor;`,
      "schema.sql": `${text} create table theirs (); alter table theirs owner to pg_monitor;`,
    });
    await db.admin(`grant pg_monitor to ${db.owner}`);
    await godwit("up");
    const url = new URL(db.url);
    url.username = role;
    for (const own of [godwit, commandIn({ folder, url: url.href })])
      for (const files of ["migrations", "schema.sql"])
        for (const [from, to] of [
          ["database", files],
          [files, "database"],
        ] as const)
          expect((await own("diff", "--from", from, "--to", to)).stdout).toContain("No differences");
    await db.admin("alter table theirs owner to postgres; create table by_hand (id integer)");
    const { json } = await godwit("diff", "--from", "migrations", "--to", "database", "--json");
    const texts = json.statements.map(({ text }: { text: string }) => text);
    expect(texts.filter((one: string) => one.includes("OWNER TO")).join()).toMatch(/theirs\S* OWNER TO/);
  } finally {
    await db.admin(`revoke pg_monitor from ${db.owner}; drop role "${role}"`);
  }
});

test("what loses data waits for a word", async ({ db }) => {
  const { godwit, written, write } = project(db, {
    "schema.sql": "create table t (a integer, b text, c bigint);",
  });
  await godwit(...autogenerate, "first");
  write("schema.sql", "create table t (a integer, c integer);");
  const { stderr } = await godwit.fails(1, ...autogenerate, "second");
  expect(stderr).toContain("DIFF_LOSES_DATA");
  expect(stderr).toContain("column public.t.c: bigint becomes integer");
  expect(stderr).toContain('DROP COLUMN "b"');
  expect(written()).toEqual(["0001_first.sql"]);
  await godwit(...autogenerate, "second", "--allow-data-loss");
  expect(written()).toEqual(["0001_first.sql", "0002_second.sql"]);
});

test("what the way back loses is named too", async ({ db }) => {
  const { godwit, write } = project(db, { "a.sql": "create table t (c integer);" });
  write("b.sql", "create table t (c bigint, d text);");
  const ways = ["--from", "a.sql", "--to", "b.sql"] as const;
  expect((await godwit("diff", ...ways)).stdout).not.toContain("Loses data");
  const { stdout } = await godwit("diff", ...ways, "--down");
  expect(stdout).toContain("-- Loses data: column public.t.c: bigint becomes integer");
  expect(stdout).toContain('-- Loses data: ALTER TABLE "public"."t" DROP COLUMN "d"');
  const { json } = await godwit("diff", ...ways, "--json");
  expect(json).toMatchObject({ losses: [], backLosses: { length: 2 } });
});

test("a schema that cannot be made is refused with its place, and a kind that is not understood with its name", async ({
  db,
}) => {
  const { godwit, written, write } = project(db, {
    "schema.sql": "create table t (a integer);\n\ncreate view v as select nothing from t;\n",
  });
  const broken = await godwit.fails(1, "diff", "--to", "schema.sql");
  expect(broken.stderr).toContain("schema.sql:3:25");
  expect(broken.stderr).toContain('column "nothing" does not exist');
  write("schema.sql", "create language mine handler plpgsql_call_handler;");
  const refused = await godwit.fails(1, ...autogenerate, "language");
  expect(refused.stderr).toContain("language mine: added");
  expect(written()).toEqual([]);
  expect((await godwit.fails(2, "diff", "--to", "elsewhere")).stderr).toContain("There is no file or folder");
});

test("a migration may be a module, and tables are left out by a pattern", async ({ db }) => {
  const { godwit, written, read } = project(db, {
    "schema/b.sql": "create table b (a integer references a, t text default '`$' || '{x}\\n');",
    "schema/a.sql": "create table a (id integer primary key); create table spatial_ref_sys (id integer);",
  });
  await godwit(
    ...["new", "--autogenerate", "--to", "schema", "--exclude", "spatial_*", "--ts", "-m", "first"],
  );
  expect(written()).toEqual(["0001_first.ts"]);
  expect(read("0001_first.ts")).not.toContain("spatial");
  await godwit("up");
  const { json } = await godwit(
    ...["diff", "--from", "database", "--to", "schema", "--exclude", "spatial_*", "--json"],
  );
  expect(json.statements).toEqual([]);
});

test("what a role has set for its own sessions is not meant for whoever reads the schema", async ({ db }) => {
  const { godwit, write } = project(db, { "migrations/0001_a.sql": "create table t (a integer);" });
  await godwit("up");
  await db.sql("create view v as select a from t");
  write("schema.sql", "create table t (a integer, b text); create view v as select a from t;");
  for (const set of [
    "statement_timeout = '100ms'",
    "lock_timeout = '100ms'",
    "default_transaction_read_only = on",
  ])
    await db.admin(`alter role ${db.owner} in database ${db.name} set ${set}`);
  const [first, second] = [await db.connect({ as: "superuser" }), await db.connect({ as: "superuser" })];
  const waits = async (ofRole: string, longerThan: string) => {
    const found = await db.admin(
      `select from pg_stat_activity where datname = current_database() and usename = $1 and wait_event_type = 'Lock'
        and clock_timestamp() - query_start > $2::interval`,
      [ofRole, longerThan],
    );
    return found.length > 0;
  };
  const lock = "begin; lock table t in access exclusive mode";
  const words = [
    ["diff", "--from", "database", "--to", "schema.sql"],
    ["diff", "--from", db.url, "--to", "schema.sql"],
    ["drift", "--files", "--sql"],
    ["rehearse"],
  ];
  for (const each of words) {
    if (each[0] === "rehearse") write("migrations/0002_b.sql", "alter table t add b text;");
    await first.query(lock);
    const running = godwit.start(...each);
    let over = false;
    running.ended.then(() => {
      over = true;
    });
    // The text of the view waits for whoever locks its table: the first time it is read, and then the second time too.
    await until(async () => over || (await waits(db.owner, "0s")));
    const locked = second.query(lock);
    await until(() => waits("postgres", "0s"));
    await first.query("rollback");
    await locked;
    await until(async () => over || (await waits(db.owner, "300ms")));
    await second.query("rollback");
    const { stdout } = await running.exits(0, 1);
    expect(stdout, each.join(" ")).toMatch(/ADD COLUMN "b" text|view public\.v: added|0002_b/);
  }
});
