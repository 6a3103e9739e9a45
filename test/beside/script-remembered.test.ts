/** A script of `--sql` goes by what the ledger remembers of a tool's history: it stops where `up` and `down` do. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const withoutPsql = spawnSync("psql", ["--version"]).status !== 0;

const names = ["20240101000000_x1", "20240102000000_x2", "20240103000000_x3"] as const;
const [, X2, X3] = names;
const file = (n: 1 | 2 | 3) => ({
  [`migrations/${names[n - 1]}.sql`]: `-- migrate:up\ncreate table if not exists eff (n int); insert into eff values (${n});\n-- migrate:down\ndelete from eff where n = ${n};\n`,
});
const TABLE = "schema_migrations";
const row = (n: 1 | 2 | 3, table = TABLE) =>
  `insert into ${table} values ('2024010${n}000000'); insert into eff values (${n});`;

/** The tool has applied two, they are adopted, and a third file has come. */
async function adopted(
  db: TestDatabase,
  { table = TABLE, flags = [] }: { table?: string; flags?: readonly string[] } = {},
) {
  await db.sql(
    `create table eff (n int); create table ${table} (version varchar primary key); ${row(1, table)} ${row(2, table)}`,
  );
  const folder = folderOf({ ".git/HEAD": "", ...file(1), ...file(2) });
  const godwit = commandIn({ folder, url: db.url });
  const from = table === TABLE ? [] : ["--table", `public.${table}`];
  const adopting = flags.includes("plain") ? ["--tool", "dbmate", ...from] : from;
  await godwit("adopt", ...adopting, ...flags);
  writeFiles(folder, file(3));
  return {
    godwit: (...args: readonly string[]) => godwit(...args, ...flags),
    fails: (...args: readonly string[]) => godwit.fails(1, ...args, ...flags),
    script: async (...args: readonly string[]) => (await godwit(...args, ...flags, "--sql")).stdout,
    psql: (script: string) => psql(db.url, script),
  };
}

const effects = async (db: TestDatabase) =>
  (await db.sql("select n from eff order by n")).map(({ n }) => Number(n));

const MIRRORED = ["--mirror", "dbmate"];

describe.skipIf(withoutPsql)("up --sql beside an adopted history", () => {
  const GONE = "the history of dbmate, public.schema_migrations, is gone";
  const BACK = `${X2} was in the history of dbmate (public.schema_migrations) and is no longer there`;
  test.for([
    ["renamed", [], `alter table ${TABLE} rename to hist; ${row(3, "hist")}`, GONE],
    ["renamed, mirrored", MIRRORED, `alter table ${TABLE} rename to hist; ${row(3, "hist")}`, GONE],
    ["dropped, mirrored", MIRRORED, `drop table ${TABLE}; insert into eff values (3);`, GONE],
    [
      "in our own layout, renamed",
      ["--layout", "plain"],
      `alter table ${TABLE} rename to hist; alter table hist add more int; insert into hist values ('x'); insert into eff values (3);`,
      GONE,
    ],
    [
      "a view now",
      [],
      `alter table ${TABLE} rename to smx; alter table smx add service int; create view ${TABLE} as select version from smx; ${row(3)}`,
      "public.schema_migrations is a view, where dbmate",
    ],
    [
      "a row taken back",
      [],
      `delete from ${TABLE} where version = '20240102000000'; insert into eff values (3)`,
      BACK,
    ],
    [
      "the same, mirrored",
      MIRRORED,
      `delete from ${TABLE} where version = '20240102000000'; insert into eff values (3)`,
      BACK,
    ],
  ] as const)("%s: it stops by name, before anything", async ([, flags, sql, message], { db }) => {
    const { script, psql } = await adopted(db, { flags });
    const written = await script("up", "--from", X2);
    await db.sql(sql);
    const before = await db.sql("select relname from pg_class order by 1");
    expect(psql(written)).toContain(message);
    expect(await effects(db)).toEqual([1, 2, 3]);
    expect(await db.sql("select relname from pg_class order by 1")).toEqual(before);
  });

  test("a history that was adopted under another name is asked for the step", async ({ db }) => {
    const { script, psql } = await adopted(db, { table: "done" });
    const written = await script("up", "--from", X2);
    await db.sql(row(3, "done"));
    expect(psql(written)).toContain(`${X3} is in the history of dbmate (public.done)`);
    expect(await effects(db)).toEqual([1, 2, 3]);
  });

  test.for([[], MIRRORED])("an untouched history lets it through (%s)", async (flags, { db }) => {
    const { godwit, script, psql } = await adopted(db, { flags });
    expect(psql(await script("up", "--from", X2))).toBe(null);
    expect(await effects(db)).toEqual([1, 2, 3]);
    expect((await godwit("up")).stdout).toContain("nothing to do");
  });

  test("the ways out: the table is named, the row is decided about, the tool is given up", async ({ db }) => {
    const { godwit, script, psql } = await adopted(db);
    await db.sql(`alter table ${TABLE} rename to hist`);
    await godwit("adopt", "--table", "public.hist");
    await db.sql("delete from hist where version = '20240102000000'");
    const written = await script("up", "--from", X2);
    expect(psql(written)).toContain(`godwit repair --mark-done ${X2}`);
    await godwit("repair", "--mark-done", X2, "--confirm", db.name);
    await db.sql("drop table hist");
    expect(psql(written)).toContain("public.hist, is gone");
    expect(psql(await script("up", "--from", X2, "--mirror", "none"))).toBe(null);
    expect(await effects(db)).toEqual([1, 2, 3]);
  });
});

describe.skipIf(withoutPsql)("down --sql beside an adopted history", () => {
  test.for([[], MIRRORED])("what was adopted is not taken back (%s)", async (flags, { db }) => {
    const { godwit, fails, script, psql } = await adopted(db, { flags });
    const message = `does not take it back: ${X2}`;
    expect(psql(await script("down", "-1", "--from", X2))).toContain(message);
    expect((await fails("down", "-1")).stderr).toContain(message);
    await godwit("up");
    const both = psql(await script("down", "-2", "--from", X3));
    expect(both).toContain(message);
    expect(both).toContain(`\`godwit down ${X2}\` goes`);
    expect(await effects(db)).toEqual([1, 2, 3]);
    await godwit("down", X2);
    expect(await effects(db)).toEqual([1, 2]);
  });

  test.for([
    ["in its own layout", {}],
    ["under another name", { table: "done" }],
    ["in a folder of ours", { flags: ["--layout", "plain"] }],
  ] as const)("what the tool has by now is not taken back, %s", async ([, options], { db }) => {
    const { godwit, fails, script, psql } = await adopted(db, options);
    await godwit("up");
    const back = await script("down", "-1", "--from", X3);
    const table = "table" in options ? options.table : TABLE;
    await db.sql(`insert into ${table} values ('20240103000000')`);
    const message = `${X3} would be taken back here, and stay in the history of `;
    expect(psql(back)).toContain(message);
    expect((await fails("down", "-1")).stderr).toContain(message);
    expect(await effects(db)).toEqual([1, 2, 3]);
    expect(psql(await script("down", "-1", "--from", X3, "--mirror", "none"))).toBe(null);
  });

  test("what the tool does not have is taken back", async ({ db }) => {
    const { godwit, script, psql } = await adopted(db);
    await godwit("up");
    expect(psql(await script("down", "-1", "--from", X3))).toBe(null);
    expect(await effects(db)).toEqual([1, 2]);
  });
});
