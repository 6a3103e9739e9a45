/** The statements that can be a backfill: each does in windows what it would do at once, or is refused. */
import { describe } from "vitest";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { majorVersion } from "../support/version.ts";

const TABLES = `create table parent (id int primary key, n int not null default 0, said text);
create table child (cid int primary key, parent_id int not null, n int not null default 0);
create table log (id int, n int);
insert into parent select n, n from generate_series(1, 500) n;
insert into child select n, n % 500 + 1, 0 from generate_series(1, 2000) n;`;
const PARENT =
  "select count(*)::int as rows, sum(n)::int as n, count(distinct said)::int as said from parent";
const CHILD = "select n, count(*)::int as rows from child group by 1 order by 1";
const TOUCHED = `create function touch() returns trigger language plpgsql as $$ begin new.said := 'touched'; return new; end $$;
create trigger touches before update on parent for each row execute function touch();`;

interface Case {
  readonly name: string;
  readonly sql: string;
  readonly result: string;
  /** A part of the warning. Left out: there is none. */
  readonly warning?: string;
  /** Also before the backfill. */
  readonly before?: string;
  readonly since?: number;
}

const GOOD: readonly Case[] = [
  {
    name: "an UPDATE of another table, with the window in a sub-select",
    sql: "update child set n = child.n + 1 where parent_id in (select p.id from parent p where (:window(p)));",
    result: CHILD,
    warning: 'which rows of "child" its UPDATE changes outside the windows',
  },
  {
    name: "an UPDATE of another table that is joined to the window",
    sql: "update child c set n = c.n + 1 from parent p where p.id = c.parent_id and (:window(p));",
    result: CHILD,
  },
  {
    name: "an UPDATE behind a WITH, with marks in a string and a comment",
    sql: `with one as (select id from parent where :window) /* :window */
update parent set said = $$ :window $$ || ':window(x)' from one where one.id = parent.id -- :window
;`,
    result: PARENT,
  },
  {
    name: "an UPDATE with the window in a sub-select of its own table",
    sql: "update only parent as x set n = x.n + 1 where x.id in (select id from parent where :window);",
    result: PARENT,
  },
  {
    name: "an UPDATE that sets the key, and leaves it in its window",
    sql: "update parent set id = parent.id, n = n + 1 where :window;",
    result: PARENT,
  },
  {
    name: "an UPDATE with a RETURNING of its own",
    sql: "update parent p set n = n + 1 where (:window(p)) returning n, id as godwit, p.* -- end\n;",
    result: PARENT,
  },
  {
    name: "a DELETE",
    sql: "delete from parent where :window and n % 2 = 0;",
    result: PARENT,
  },
  {
    name: "a DELETE with its window in parentheses, beside a trigger",
    sql: "delete from parent a using child c where (:window(a)) and c.cid = a.id and c.cid % 3 = 0;",
    result: PARENT,
    before: TOUCHED,
  },
  {
    name: "a DELETE whose rows go into another table",
    sql: "with gone as (delete from parent where :window and n % 2 = 0 returning id, n) insert into log select * from gone;",
    result:
      "select count(*)::int as rows, sum(n)::int as n from log union all select count(*), sum(n) from parent",
    before: TOUCHED,
  },
  {
    name: "an UPDATE in a WITH, where a trigger changes the row",
    sql: "with done as (update parent set n = n + 1 where :window returning id, n) insert into log select * from done;",
    result:
      "select count(*)::int as rows, sum(n)::int as n from log union all select count(*), sum(n) from parent",
    before: TOUCHED,
    warning: 'which rows of "parent" its UPDATE changes',
  },
  {
    name: "an INSERT … SELECT",
    sql: "insert into log select id, n from parent where :window;",
    result: "select count(*)::int as rows, sum(n)::int as n from log",
  },
  {
    name: "an INSERT … SELECT, with ON CONFLICT",
    sql: "insert into child select id + 1900, id, 7 from parent where :window on conflict (cid) do update set n = excluded.n;",
    result: CHILD,
    warning: 'which rows of "child" its INSERT … ON CONFLICT DO UPDATE changes',
  },
  {
    name: "an INSERT … ON CONFLICT into its own table, of rows that are new too",
    sql: "insert into parent select p.id + d.d, 7 from parent p, (values (0), (1000)) d (d) where :window(p) on conflict (id) do update set n = excluded.n;",
    result: PARENT,
    since: 18,
  },
  {
    name: "a self-join with two windows",
    sql: "update parent a set n = a.n + b.n from parent b where a.id = b.id and :window(a) and :window(b);",
    result: PARENT,
  },
  {
    name: "a MERGE into its own table, of rows that are new too",
    sql: `merge into parent p using (select o.id + d.d as id from parent o, (values (0), (1000)) d (d) where :window(o)) o on p.id = o.id
when matched and p.n % 3 = 0 then delete when matched then update set n = p.n + 1 when not matched then insert (id, n) values (o.id, 7);`,
    result: PARENT,
    since: 17,
  },
  {
    name: "a SELECT that calls a function",
    sql: "select note(id) from parent where :window;",
    result: "select count(*)::int as rows from log",
    before:
      "create function note(int) returns void language sql as $$ insert into log select $1, 1 where $1 > 0 $$;",
  },
];

/** Rows from outside each window have a key of it afterwards. */
const MOVES = {
  sql: "update parent set id = parent.id - 10002 from (select id from parent where :window) w where parent.id = w.id + 10001;",
  before: `delete from parent; insert into parent select n * 2, n from generate_series(1, 250) n;
insert into parent select 10001 + (n - 250) * 2, n from generate_series(251, 500) n;`,
};

/** Each would change rows outside its window. */
const OUTSIDE: readonly Omit<Case, "result">[] = [
  { name: "an UPDATE", sql: "update parent set n = n + 1 where :window or true;" },
  {
    name: "an UPDATE with an AND of a CASE",
    sql: "update parent set n = n + 1 where case when n < 0 and :window and n = 0 then false else true end;",
  },
  { name: "a DELETE", sql: "delete from parent where :window or true;" },
  {
    name: "an UPDATE with RETURNING",
    sql: "update parent set n = n + 1 where :window or true returning id;",
  },
  { name: "a DELETE with RETURNING", sql: "delete from parent p where :window(p) or true returning *;" },
  {
    name: "an UPDATE behind a WITH",
    sql: "with one as (select id from parent where :window) update parent set n = n + 1;",
  },
  {
    name: "a DELETE behind a WITH",
    sql: "with one as (select id from parent where :window) delete from parent where exists (select from one);",
  },
  {
    name: "an UPDATE with its window in a sub-select",
    sql: "update parent set n = n + 1 where exists (select from parent where :window);",
  },
  {
    name: "an UPDATE with the window of the table beside it",
    sql: "update parent a set n = a.n + 1 from parent b where a.id >= b.id and :window(b);",
  },
  {
    name: "a DELETE with the window of the table beside it",
    sql: "delete from parent a using parent b where a.id >= b.id and :window(b);",
  },
  {
    name: "an UPDATE of a joined table",
    sql: "update child c set n = c.n + 1 from parent p where c.parent_id = p.id and (:window(p) or true);",
  },
  { name: "an UPDATE that gives rows from outside a key of the window", ...MOVES, since: 18 },
  {
    name: "a MERGE",
    sql: "merge into parent p using (select id from parent where :window) o on p.id >= o.id and p.id % 100 = o.id when matched then update set n = 7 when not matched by source then delete;",
    since: 17,
  },
  {
    name: "an INSERT … ON CONFLICT",
    sql: "insert into parent select id + 400, 7 from parent where :window on conflict (id) do update set n = excluded.n;",
    since: 18,
  },
];

/** What nobody can ask is refused by name when it begins. */
const REFUSED: readonly (Omit<Case, "result"> & { readonly until?: number })[] = [
  {
    name: "a MERGE before PostgreSQL 17",
    sql: "merge into parent p using (select id from parent where :window) o on p.id = o.id when matched then delete;",
    until: 16,
  },
  {
    name: "an INSERT … ON CONFLICT before PostgreSQL 18",
    sql: "insert into parent select id, 7 from parent where :window on conflict (id) do update set n = 7;",
    until: 17,
  },
  { name: "an UPDATE that gives rows a key of the window before PostgreSQL 18", ...MOVES, until: 17 },
  {
    name: "an INSERT … ON CONFLICT with RETURNING",
    sql: "insert into parent select id, 7 from parent where :window on conflict (id) do update set n = 7 returning id;",
  },
  {
    name: "a DELETE in a WITH, whose window need not hold",
    sql: "with gone as (delete from parent where :window or true returning *) select count(*) from gone;",
  },
  {
    name: "an UPDATE beside a WITH that changes data",
    sql: "with one as (insert into log select id from parent where :window returning id) update parent set n = n + 1;",
  },
];

test.for(GOOD.map(({ name, ...rest }) => [name, rest] as const))(
  "%s",
  async ([_, { sql, result, warning, before = "", since = 0 }], { db, skip }) => {
    if (majorVersion() < since) skip(`PostgreSQL ${since} knows it`);
    const once = sql.replace(/(?<!\$\$ |'|\* |-- ):window(?:\(\w+\))?/g, "true");
    const { folder, recorded } = scene(sql, before);
    await up(targetOf({ url: db.url, folder }), recorded);
    expect(warningsOf(recorded)).toEqual(warning === undefined ? [] : [expect.stringContaining(warning)]);
    const inWindows = await db.sql(result);
    expect(
      await db.sql(`select windows > 5 as several, rows::int from "${ledgerSchema}".migration_backfills`),
    ).toMatchObject([{ several: true }]);
    await db.sql(`drop table parent, child, log; ${TABLES}`);
    if (before.includes("trigger")) await db.sql(before.slice(before.indexOf("create trigger")));
    await db.sql(once);
    expect(inWindows).toEqual(await db.sql(result));
  },
);

describe("a statement that ignores its window is refused, and nothing of it is kept", () => {
  test.for(OUTSIDE.map(({ name, ...rest }) => [name, rest] as const))(
    "%s",
    async ([_, { sql, before, since = 0 }], { db, skip }) => {
      if (majorVersion() < since) skip(`PostgreSQL ${since} knows it`);
      const { folder } = scene(sql, before);
      await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "BACKFILL_OUTSIDE" });
      await untouched(db);
    },
  );

  test.for(REFUSED.map(({ name, ...rest }) => [name, rest] as const))(
    "%s, which cannot be asked",
    async ([_, { sql, before, until = 99 }], { db, skip }) => {
      if (majorVersion() > until) skip("it can be asked here");
      const { folder } = scene(sql, before);
      await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
        code: "BACKFILL_STATEMENT",
        message: expect.stringContaining("which rows outside its window it changes"),
        place: { file: expect.stringContaining("0002_b.sql") },
      });
      await untouched(db);
    },
  );
});

test("a mistake leads to its place in the author's statement", async ({ db }) => {
  const sql =
    "with one as (select id from parent where :window)\ndelete from parent where idd in (select id from one) returning *;";
  const { folder } = scene(sql);
  await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
    message: expect.stringContaining('column "idd" does not exist'),
    place: { line: 3, column: 26 },
  });
});

function scene(sql: string, before = "") {
  const folder = folderOf({
    "0001_a.sql": TABLES + before,
    "0002_b.sql": `-- godwit: backfill table=parent min-rows=30 max-rows=90\n${sql}`,
  });
  return { folder, recorded: recorder() };
}

function warningsOf({ events }: ReturnType<typeof recorder>): readonly string[] {
  return events.flatMap((event) => (event.kind === "warning" ? [event.problem.message] : []));
}

async function untouched(db: TestDatabase): Promise<void> {
  expect(await db.sql(PARENT)).toEqual([{ rows: 500, n: 125250, said: 0 }]);
  expect(await db.sql(CHILD)).toEqual([{ n: 0, rows: 2000 }]);
  expect(await db.sql("select from log")).toEqual([]);
  expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
    { revision: "0001_a" },
  ]);
}
