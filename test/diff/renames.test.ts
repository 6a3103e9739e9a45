/** Renames that the desired schema tells, there and back: what is renamed keeps its rows, its place on the disk and all that hangs on it. */
import { type DiffInput, diffSchemas } from "../../src/diff/diff.ts";
import { renameHints, renamesOf } from "../../src/diff/hints.ts";
import { carryOut } from "../../src/diff/load.ts";
import { turned } from "../../src/diff/renames.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { expect, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";

interface Case {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Told on the command line. */
  readonly told?: readonly string[];
}

const FIRE = "create function fire() returns trigger language plpgsql as 'begin return new; end';";

const CASES: readonly Case[] = [
  {
    name: "a table with all that hangs on it",
    from: `${FIRE} create table posts (id serial primary key, author int check (author > 0), body text unique);
      create index posts_author_idx on posts (author); create index on posts (body);
      create trigger posts_t before insert on posts for each row execute function fire();
      create policy posts_p on posts as restrictive using (author = 1);
      create rule posts_r as on delete to posts where old.id = 1 do instead nothing;
      create statistics posts_s on id, author from posts; create view v as select id from posts;`,
    to: `${FIRE}
      -- renamed from posts
      create table articles (id serial primary key, author int check (author > 0), body text unique);
      create index articles_author_idx on articles (author); create index on articles (body);
      create trigger articles_t before insert on articles for each row execute function fire();
      create policy articles_p on articles as restrictive using (author = 1);
      create rule articles_r as on delete to articles where old.id = 1 do instead nothing;
      create statistics articles_s on id, author from articles; create view v as select id from articles;`,
  },
  {
    name: "a partitioned table, with partitions of partitions",
    from: `create table m (id int primary key, a int) partition by range (id);
      create table m_1 partition of m for values from (0) to (10) partition by range (id);
      create table m_1_1 partition of m_1 for values from (0) to (5); create index on m (a);`,
    to: `
      -- renamed from m
      create table q (id int primary key, a int) partition by range (id);
      -- renamed from m_1
      create table q_1 partition of q for values from (0) to (10) partition by range (id);
      -- renamed from m_1_1
      create table q_1_1 partition of q_1 for values from (0) to (5); create index on q (a);`,
  },
  {
    name: "a column that a check, an index, a key and a generated column name",
    from: `create table u (id int primary key, a int check (a > 0), c int generated always as (a + 1) stored);
      create index u_a_idx on u (a); create table w (a int references u (id));`,
    to: `create table u (id int primary key,
        b int check (b > 0), -- renamed from a
        c int generated always as (b + 1) stored);
      create index u_b_idx on u (b); create table w (
        b int references u (id) -- renamed from a
      );`,
  },
  {
    name: "a type and a value of it, a domain, a sequence, views",
    from: `create type mood as enum ('bad', 'good'); create domain dd as int; create sequence q1;
      create table t (m mood default 'good', d dd); create view v1 as select m from t;
      create materialized view mv1 as select m from t;`,
    to: `
      -- renamed from mood
      create type "Feeling" as enum ('bad',
        'it''s fine' -- renamed from good
      );
      -- renamed from dd
      create domain ee as int;
      -- renamed from q1
      create sequence q2;
      create table t (m "Feeling" default 'it''s fine', d ee);
      -- renamed from v1
      create view v2 as select m from t;
      -- renamed from mv1
      create materialized view mv2 as select m from t;`,
  },
  {
    name: "a schema, and a table that goes into it",
    from: `create schema old; create table old.t (id serial primary key, a int); create index on old.t (a);
      create table u (a serial); create type old.mood as enum ('a');`,
    to: `
      -- renamed from old
      create schema fresh;
      create table fresh.t (id serial primary key,
        b int -- renamed from a
      );
      create index on fresh.t (b);
      -- renamed from public.u
      create table fresh.w (a serial);
      create type fresh.mood as enum ('a');`,
  },
  {
    name: "told on the command line",
    from: "create schema s; create table t (a int, b int); create table s.t (a int); create type mood as enum ('good');",
    to: "create schema s; create table u (c int, b int); create table s.u (c int); create type mood as enum ('fine');",
    told: ["t=u", "u.a=c", "s.t=u", "s.u.a=c", "mood.good=fine"],
  },
];

const RENAMES = /^ALTER .* (?:RENAME (?:COLUMN .* |VALUE .* |CONSTRAINT .* )?TO|SET SCHEMA) /;

test.for(CASES)("renamed and nothing else: $name", async ({ from, to, told = [] }, { db }) => {
  const { names, drop } = await createDatabases(db, 3);
  const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
  try {
    await using present = await open(names[0]);
    await using desired = await open(names[1]);
    await using copy = await open(names[2]);
    for (const one of [present, copy]) await carryOut(one, [{ name: "from.sql", text: from }]);
    await carryOut(desired, [{ name: "to.sql", text: to }]);
    const hints = [...renameHints([{ name: "to.sql", text: to }]), ...told.flatMap(renamesOf)];
    const ways: readonly Pick<DiffInput, "desired" | "renames">[] = [
      { desired, renames: hints },
      { desired: present, renames: turned(hints) },
    ];
    for (const way of ways) {
      const { statements, left, refused } = await diffSchemas({ copy, compared: ALL, ...way });
      expect({ left, refused }).toEqual({ left: [], refused: null });
      expect(statements.length).toBeGreaterThan(0);
      expect(statements.map(({ text }) => text).filter((text) => !RENAMES.test(text))).toEqual([]);
    }
  } finally {
    await drop();
  }
});

test("a function whose text names a later one comes after it", async ({ db }) => {
  const { names, drop } = await createDatabases(db, 2);
  const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
  try {
    await using desired = await open(names[0]);
    await using copy = await open(names[1]);
    const text = `create function a() returns int language sql as 'select b()';
      create function b() returns int language sql as 'select c()';
      create function c() returns int language sql as 'select 1';`;
    await carryOut(desired, [{ name: "to.sql", text }]);
    const { statements, left, refused } = await diffSchemas({ copy, desired, compared: ALL });
    expect({ left, refused }).toEqual({ left: [], refused: null });
    expect(statements.map(({ text }) => /FUNCTION public\.(\w)/.exec(text)?.[1])).toEqual(["c", "b", "a"]);
  } finally {
    await drop();
  }
});
