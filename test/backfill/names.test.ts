/** Names that SQL allows: of tables, schemas and keys, wherever the server reads them as a text and not as SQL. */
import { describe } from "vitest";
import { identifier, quotedName } from "../../src/core/sql/quote.ts";
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const NAMES = [
  ["letters beyond ASCII", "größe", "schöma", "schlüssel"],
  ["63 bytes", `${"ü".repeat(31)}x`, "s".repeat(63), `${"日".repeat(21)}`],
  ["blanks and quotes", 'My "Table', "A schema", "The id"],
  // Statements of ours have columns of these names.
  ["a key that is called key", "rows", "left", "key"],
  ["a key that is called part", "part", "changed", "part"],
  ["an emoji, and a backslash", "\u{1f600}", "back\\slash", "1"],
] as const;

describe.for(NAMES)("%s", ([_, table, schema, key]) => {
  const name = `${quotedName(schema)}.${quotedName(table)}`;
  const rows = `create schema ${quotedName(schema)};
create table ${name} (${quotedName(key)} int primary key, n int not null default 0);
insert into ${name} select generate_series(1, 500); analyze ${name};`;
  const changed = `select n, count(*)::int as rows from ${identifier(schema)}.${identifier(table)} group by 1`;

  test("in SQL, with several windows at once, and with old values that come back", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": rows,
      "0002_b.sql": `-- godwit: backfill table=${name} key=${quotedName(key)} undo=yes parallel=2 min-rows=50
update ${name} set n = n + 1 where :window(${quotedName(table)});`,
    });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    expect(await db.sql(changed)).toEqual([{ n: 1, rows: 500 }]);
    const { warnings } = await migrate(target, down("-1"), recorder());
    expect(warnings).toEqual([]);
    expect(await db.sql(changed)).toEqual([{ n: 0, rows: 500 }]);
    expect(await db.sql(`select * from "${ledgerSchema}".migration_backfill_undo`)).toEqual([]);
  });

  test("with a function, and in a plan", async ({ db }) => {
    const module = `import { backfill } from "godwit";
export default backfill({
  table: ${JSON.stringify(name)},
  key: ${JSON.stringify(key)},
  columns: ["n"],
  rows: (rows) => rows.map(({ n }) => ({ n: Number(n) + 1 })),
});
`;
    const folder = folderOf({ "migrations/0001_a.sql": rows, "migrations/0002_b.ts": module });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up", "0001_a");
    expect((await godwit("plan")).stdout).toContain("about 500 rows");
    await godwit("up");
    expect(await db.sql(changed)).toEqual([{ n: 1, rows: 500 }]);
  });

  test("a statement that changes another such table is refused", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": `${rows} create table other (id int primary key); insert into other values (1);`,
      "0002_b.sql": `-- godwit: backfill table=other
update ${name} set n = n + 1 where :window;`,
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({ code: "BACKFILL_TABLE" });
    expect(await db.sql(changed)).toEqual([{ n: 0, rows: 500 }]);
  });
});

describe("a table with children by inheritance", () => {
  const TABLES = `create table parent (id int primary key, n int not null default 0); create table child () inherits (parent);
insert into parent select generate_series(1, 300); insert into child select generate_series(200, 500);`;
  const SQL = "update parent set n = n + 1 where :window;";

  test("has each row changed once", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLES,
      "0002_b.sql": `-- godwit: backfill table=parent min-rows=7 max-rows=20\n${SQL}`,
    });
    await up(targetOf({ url: db.url, folder }));
    expect(await db.sql("select n, count(*)::int as rows from parent group by 1")).toEqual([
      { n: 1, rows: 601 },
    ]);
  });

  test("keeps no old values, because two rows may have one key", async ({ db }) => {
    const folder = folderOf({
      "0001_a.sql": TABLES,
      "0002_b.sql": `-- godwit: backfill table=parent undo=yes\n${SQL}`,
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "BACKFILL_KEY",
      message: expect.stringContaining("public.child inherits from it"),
    });
    expect(await db.sql("select max(n) from parent")).toEqual([{ max: 0 }]);
  });
});
