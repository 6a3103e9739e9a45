/** A half-done backfill with old values whose text is corrected, or that the ledger shall forget: all old values come back. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, name text not null default 'old', slug text, hits int not null default 0);
insert into products (id) select generate_series(1, 2000);
create table before as select * from products;`;
const sql = (
  set: string,
  options = "",
) => `-- godwit: backfill table=products undo=yes max-rows=100 ${options}
update products set ${set} where :window;
`;
const BOTH = "hits = hits + 1, name = 'new'";
const DIFFERENT =
  "select count(*)::int as n from products p join before b using (id) where p is distinct from b";
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";

/** Half done, 200 rows of it. */
async function halfDone(db: TestDatabase, options = "") {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql(BOTH, options) });
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 2)
      recorded.abort(new Error("ended by the test"));
  });
  await expect(up(targetOf({ url: db.url, folder }), recorded)).rejects.toThrow();
  const godwit = commandIn({
    folder,
    url: db.url,
    env: { GODWIT_DIR: folder },
  });
  const repair = (kind: string) => godwit("repair", kind, "0002_b", "--confirm", db.name);
  return { folder, godwit, repair };
}

describe("an accepted text", () => {
  test("that sets fewer columns goes on, and one way back brings all of them back", async ({ db }) => {
    const { folder, godwit, repair } = await halfDone(db);
    writeFiles(folder, { "0002_b.sql": sql("hits = hits + 1") });
    expect((await godwit.fails(1, "up")).stderr).toContain("`godwit repair --accept 0002_b`");
    await repair("--accept");
    await godwit("up");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await db.sql("select count(*)::int as n from products where name = 'new'")).toEqual([{ n: 200 }]);
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(DIFFERENT)).toEqual([{ n: 0 }]);
  });

  test("that sets other columns is refused, and the way out ends", async ({ db }) => {
    const { folder, godwit, repair } = await halfDone(db);
    writeFiles(folder, { "0002_b.sql": sql("slug = 'new'") });
    await repair("--accept");
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json.problems).toMatchObject([
      {
        code: "BACKFILL_UNDO",
        hint: expect.stringContaining("`godwit backfill undo 0002_b`, then run again"),
      },
    ]);
    expect((await godwit.fails(1, "backfill", "forget", "0002_b")).stderr).toContain(
      "`godwit backfill undo 0002_b`",
    );
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(DIFFERENT)).toEqual([{ n: 0 }]);
    await godwit("up");
    expect(await db.sql("select count(*)::int as n from products where slug = 'new'")).toEqual([{ n: 2000 }]);
  });
});

test.for(["--retry", "--forget"])(
  "old values of an attempt that the ledger has forgotten are named, and come back (%s)",
  async (kind, { db }) => {
    const { godwit, repair } = await halfDone(db);
    await repair(kind);
    const { stderr } = await godwit.fails(1, "backfill", "undo", "0002_b");
    expect(stderr).toContain("neither whole nor in part");
    expect(stderr).toContain("`godwit up 0002_b`, then `godwit backfill undo 0002_b`");
    await godwit("up", "0002_b");
    await godwit("backfill", "undo", "0002_b");
    expect(await db.sql(DIFFERENT)).toEqual([{ n: 0 }]);
    await godwit("up");
    await godwit("backfill", "forget", "0002");
  },
);

test("what is declared done in ranges is said not to be, and its ranges are gone", async ({ db }) => {
  const { godwit, repair } = await halfDone(db, "parallel=2");
  expect((await repair("--mark-done")).stderr).toMatch(
    /not all of public\.products is: it had done [\d,]+ rows, and \d+ of its ranges of keys were not finished/,
  );
  expect(await db.sql(`select number from "${ledgerSchema}".migration_backfill_ranges`)).toEqual([]);
  await godwit("status", "--check");
});
