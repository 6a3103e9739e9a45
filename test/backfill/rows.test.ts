/** `rows` of a backfill: what SQL cannot do, done by a function for the rows of each window. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id bigint primary key, name text not null, slug text, hits int not null default 0);
insert into products (id, name) select n * 3, 'Größe ' || n from generate_series(1, 2000) n;`;
const module = (rest: string) => `import { backfill } from "godwit";
export default backfill({ table: "products", columns: ["name"], ${rest} });
`;
const SLUG = `where: "slug is null",
  rows: (rows) => rows.map(({ name }) => ({ slug: String(name).normalize("NFD").replace(/[^\\w ]/g, "").toLowerCase() }))`;
const STATE = `select rows, changed, failed, finished_at is not null as finished from "${ledgerSchema}".migration_backfills`;

describe("rows of a backfill", () => {
  test("come in windows, and their patches are written; a row that has its values is not", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} update products set slug = 'groe 1' where id = 3;`,
      "0002_slug.ts": module(SLUG.replace('where: "slug is null",', "")),
    });
    const recorded = recorder();
    expect((await up(targetOf({ url: db.url, folder }), recorded)).outcome).toBe("done");
    expect(await db.sql("select id::int, slug from products where id in (3, 6000) order by id")).toEqual([
      { id: 3, slug: "groe 1" },
      { id: 6000, slug: "groe 2000" },
    ]);
    expect(await db.sql("select count(*)::int as n from products where slug is null")).toEqual([{ n: 0 }]);
    expect(await db.sql(STATE)).toEqual([{ rows: 2000, changed: 1999, failed: [], finished: true }]);
    const windows = recorded.events.filter(({ kind }) => kind === "backfill-progress");
    expect(windows.length).toBeGreaterThan(2);
  });

  test("may be answered by a Map, some columns of some rows, later, and after a look into other tables", async ({
    db,
  }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} create table words (id int, word text); insert into words values (6, 'six');`,
      "0002_slug.ts": module(`async rows(rows, { sql }) {
        const words = await sql\`select id, word from words\`;
        const patches = new Map();
        for (const row of rows) {
          const found = words.find(({ id }) => String(id) === row.id);
          if (found !== undefined) patches.set(row, { slug: found.word });
          if (row.id === "9") patches.set(row, { slug: null, hits: 7 });
        }
        return patches;
      }`),
    });
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
    expect(
      await db.sql(
        "select id::int, slug, hits from products where slug is not null or hits <> 0 order by id",
      ),
    ).toEqual([
      { id: 6, slug: "six", hits: 0 },
      { id: 9, slug: null, hits: 7 },
    ]);
    expect(await db.sql(STATE)).toMatchObject([{ rows: 2000, changed: 2 }]);
  });

  test("at which it throws, or which PostgreSQL refuses, are named; the others are done", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": `${TABLE} alter table products add check (slug <> 'groe 777');`,
      "0002_slug.ts": module(
        `where: "slug is null",
  rows: (rows) => rows.map(({ id, name }) => {
    if (id === "99") throw new Error("no word for " + name);
    return { slug: String(name).normalize("NFD").replace(/[^\\w ]/g, "").toLowerCase() };
  })`,
      ),
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_ROWS",
      message: expect.stringMatching(/2 rows of public.products \(id 99; id 2331\): no word for Größe 33/),
    });
    expect(await db.sql("select count(*)::int as n from products where slug is null")).toEqual([{ n: 2 }]);
    await db.sql("update products set name = 'Mended' where id = 2331");
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_ROWS", details: { failed: [["99"]] } });
    await db.sql("delete from products where id = 99");
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(STATE)).toEqual([{ rows: 2000, changed: 1999, failed: [], finished: true }]);
  });

  test("that were refused go through a corrected function alone, if a person says that the others may stay", async ({
    db,
  }) => {
    const text = (word: string, thrown = "") =>
      module(
        `where: "slug is null",
  rows: (rows) => rows.map(({ id, name }) => {
    ${thrown}
    return { slug: "${word} " + String(name) };
  })`,
      );
    const folder = folderOf({
      "migrations/0001_table.sql": TABLE,
      "migrations/0002_slug.ts": text(
        "first",
        `if (Number(id) % 500 === 99) throw new Error("no word for " + name);`,
      ),
    });
    const godwit = commandIn({ folder, url: db.url });
    expect((await godwit.fails(1, "up")).stderr).toContain(
      "Or correct the function, and say with `godwit repair --accept 0002_slug`",
    );
    const accept = ["repair", "--accept", "0002_slug", "--confirm", db.name] as const;
    expect((await godwit.fails(1, ...accept)).stderr).toContain("not edited");
    writeFiles(folder, { "migrations/0002_slug.ts": text("second") });
    const { stderr } = await godwit.fails(1, "up");
    expect(stderr).toMatch(/rows that were refused: `godwit repair --accept 0002_slug`, then run again/);
    const [{ failed } = { failed: [] }] = await db.sql<{ failed: string[][] }>(STATE);
    await godwit(...accept);
    // Which rows have which text stays in the log.
    expect(
      await db.sql(
        `select details -> 'backfill' as over from "${ledgerSchema}".migration_log where event = 'accepted'`,
      ),
    ).toMatchObject([
      { over: { table: "public.products", rows: 2000 - failed.length, refused: failed.length } },
    ]);
    await godwit("up");
    expect(
      await db.sql(
        "select split_part(slug, ' ', 1) as word, count(*)::int as n from products group by 1 order by 1",
      ),
    ).toEqual([
      { word: "first", n: 2000 - failed.length },
      { word: "second", n: failed.length },
    ]);
    expect(failed.length).toBeGreaterThan(0);
    expect((await godwit("status", "--json")).json.pending).toBe(0);
  });

  test.for([
    ["() => [null]", /returned one patch for 100 rows/],
    ["() => 7", /returned a number/],
    ["(rows) => rows.map(() => 'x')", /returned a string for a row/],
    ["(rows) => rows.map(() => ({ slugg: 'x' }))", /set slugg, which public.products does not have/],
    ["(rows) => rows.map(() => ({ id: 1 }))", /set id, a column of its key/],
    ["(rows) => new Map([[{ ...rows[0] }, { slug: 'x' }]])", /a patch for a row that is none of its window/],
  ] as const)("an answer that means nothing is refused: %s", async ([rows, message], { db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_slug.ts": module(`rows: ${rows}`) });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      code: "BACKFILL_PATCH",
      message: expect.stringMatching(message),
    });
    expect(await db.sql("select count(*)::int as n from products where slug is not null")).toEqual([
      { n: 0 },
    ]);
    expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(1);
  });

  test("its transaction cannot be ended by it, and what it left running is refused", async ({ db }) => {
    const folder = folderOf({
      "0001_table.sql": TABLE,
      "0002_slug.ts": module(
        "async rows(rows, { execute }) { await execute('commit'); return rows.map(() => null); }",
      ),
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toThrow(/commit/i);
    writeFiles(folder, {
      "0002_slug.ts": module(
        "rows(rows, { query }) { void query('select pg_sleep(0.2)'); return rows.map(() => null); }",
      ),
    });
    await expect(up(target)).rejects.toThrow("settled while a statement of it still ran");
    writeFiles(folder, { "0002_slug.ts": module("rows: () => process.exit(3)") });
    await expect(up(target)).rejects.toMatchObject({ code: "STEP_PROCESS_ENDED" });
    writeFiles(folder, { "0002_slug.ts": module(SLUG) });
    expect((await up(target)).outcome).toBe("done");
  });

  test("a declaration that contradicts itself, and a column that is not there, are refused", async ({
    db,
  }) => {
    const answer = async (rest: string) => {
      const folder = folderOf({ "0001_table.sql": TABLE, "0002_slug.ts": module(rest) });
      return up(targetOf({ url: db.url, folder })).then(
        () => "done",
        (error: Error) => error.message,
      );
    };
    expect(await answer('set: { slug: "name" }')).toContain("`columns`");
    expect(await answer('set: { slug: "name" }, rows: () => []')).toContain("`rows`");
    expect(await answer("rows: 7")).toContain("`rows`");
    expect(await answer('rows: () => [], columns: ["nam"]')).toContain("asks for the column nam");
  });
});

/** Types, and a value of each that is not what was there: what arrives is what `sql` would have sent. */
const VALUES: Readonly<Record<string, string>> = {
  bigint: "12345678901234567890n / 7n",
  "numeric(8,2)": "'1.5'",
  "varchar(9)": "'O\\'Neil \\\\'",
  "char(5)": "'ab'",
  bytea: "Buffer.from([0, 92, 255])",
  jsonb: "[1, { a: null, b: 'x' }]",
  json: "{ a: [] }",
  "int[]": "[1, null, 3]",
  "text[]": "[]",
  uuid: "'6f9619ff-8b86-d011-b42d-00c04fc964ff'",
  boolean: "false",
  "timestamptz(3)": "new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 250))",
  float8: "-0.1",
  point: "'(1,2)'",
  "bit(3)": "'101'",
  xml: "'<a/>'",
  mood: "'glad'",
  inet: "'10.0.0.1'",
};

test("a value of any type arrives as `sql` would send it, and only once", async ({ db }) => {
  const types = Object.keys(VALUES);
  const columns = types.map((type, at) => `c${at} ${type}`).join(", ");
  const patch = Object.values(VALUES).map((value, at) => `c${at}: ${value}`);
  const by = (name: string) => `import { backfill } from "godwit";
export default backfill({ table: "things", columns: ["id"], rows: (rows) => rows.map(() => ({ ${patch.join(", ")} })) }); // ${name}
`;
  const folder = folderOf({
    "0001_table.sql": `create type mood as enum ('sad', 'glad'); create table things (id int primary key, ${columns});
create table told (like things); insert into things select generate_series(1, 3);`,
    "0002_sql.ts": `import { migration } from "godwit";
export default migration({ async up({ query }) {
  const patch = { ${patch.join(", ")} };
  await query("insert into told values (1, ${types.map((_, at) => `$${at + 1}`).join(", ")})", Object.values(patch));
} });
`,
    "0003_rows.ts": by("first"),
    "0004_rows.ts": by("second"),
  });
  expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
  const [told] = await db.sql("select (told.*)::text as row from told");
  const things = await db.sql("select (things.*)::text as row from things");
  expect(things.map((each) => String(each.row).replace(/^\(\d/, "(1"))).toEqual([
    told?.row,
    told?.row,
    told?.row,
  ]);
  expect(
    await db.sql(`select revision, changed from "${ledgerSchema}".migration_backfills order by 1`),
  ).toEqual([
    { revision: "0003_rows", changed: 3 },
    { revision: "0004_rows", changed: 0 },
  ]);
});
