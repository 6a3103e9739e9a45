/** The statements that can be a backfill, beside a plain `UPDATE`: each does in windows what it would do at once. */
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const TABLES = `create table parent (id int primary key, n int not null default 0, said text);
create table child (cid int primary key, parent_id int not null, n int not null default 0);
insert into parent select n, n from generate_series(1, 500) n;
insert into child select n, n % 500 + 1, 0 from generate_series(1, 2000) n;`;

const CASES = [
  {
    name: "an UPDATE of another table, with the window in a sub-select",
    sql: "update child set n = child.n + 1 where parent_id in (select p.id from parent p where (:window(p)));",
    result: "select n, count(*)::int as rows from child group by 1",
  },
  {
    name: "an UPDATE behind a WITH, with marks in a string and a comment",
    sql: `with one as (select id from parent where :window) /* :window */
update parent set said = $$ :window $$ || ':window(x)' from one where one.id = parent.id -- :window
;`,
    result: "select said, count(*)::int as rows from parent group by 1",
  },
  {
    name: "a DELETE",
    sql: "delete from parent where :window and n % 2 = 0;",
    result: "select count(*)::int as rows, sum(n)::int from parent",
  },
  {
    name: "an INSERT … SELECT, with ON CONFLICT",
    sql: "insert into child select id + 1900, id, 7 from parent where :window on conflict (cid) do update set n = excluded.n;",
    result: "select n, count(*)::int as rows from child group by 1 order by 1",
  },
  {
    name: "a self-join with two windows",
    sql: "update parent a set n = a.n + b.n from parent b where a.id = b.id and :window(a) and :window(b);",
    result: "select sum(n)::int as n from parent",
  },
];

test.for(CASES.map(({ name, ...rest }) => [name, rest] as const))(
  "%s",
  async ([_, { sql, result }], { db }) => {
    const once = sql.replace(/(?<!\$\$ |'|\* |-- ):window(?:\(\w+\))?/g, "true");
    const folder = folderOf({
      "0001_a.sql": TABLES,
      "0002_b.sql": `-- godwit: backfill table=parent min-rows=30 max-rows=90\n${sql}`,
    });
    await up(targetOf({ url: db.url, folder }));
    const inWindows = await db.sql(result);
    expect(
      await db.sql(`select windows > 5 as several, rows::int from "${ledgerSchema}".migration_backfills`),
    ).toEqual([{ several: true, rows: 500 }]);
    await db.sql(`drop table parent, child; ${TABLES}`);
    await db.sql(once);
    expect(inWindows).toEqual(await db.sql(result));
  },
);
