/** Many rows that PostgreSQL refuses: a run stops at a hundred of them, and each run that follows gets further. */
import { describe } from "vitest";
import type { GodwitError } from "../../src/errors.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, name text not null, slug text);
insert into products (id, name) select n, case when n % 8 = 0 then '' else 'Name ' || n end from generate_series(1, 2000) n;
alter table products add check (slug <> '');`;
const ROWS = 2000;
const BAD = 250;
const sql = (
  options: string,
  value = "name",
) => `-- godwit: backfill table=products min-rows=1 max-rows=8 ${options}
update products set slug = ${value} where :window;
`;
const module = (value: string) => `import { backfill } from "godwit";
export default backfill({ table: "products", columns: ["name"], minRows: 1, maxRows: 1,
  rows: (rows) => rows.map(({ name }) => { if (${value} === "") throw new Error("no word"); return { slug: ${value} }; }) });
`;
const DONE = "select count(*)::int as n from products where slug is not null";
const STATE = `select rows::int, failed from "${ledgerSchema}".migration_backfills`;

type Failed = readonly (readonly string[])[];

async function done(db: TestDatabase): Promise<number> {
  const [{ n }] = (await db.sql(DONE)) as [{ n: number }];
  return n;
}

describe.for([
  ["one after the other", "0002_b.sql", sql(""), sql("", "name || id")],
  ["in several at once", "0002_b.sql", sql("parallel=3"), sql("parallel=3", "name || id")],
  ["in the background", "0002_b.sql", sql("background=yes"), sql("background=yes", "name || id")],
] as const)("windows %s", ([, file, text, corrected]) => {
  const placed = (db: TestDatabase) => {
    const folder = folderOf({ "0001_a.sql": TABLE, [file]: text });
    return { folder, target: targetOf({ url: db.url, folder }) };
  };
  /** A run that stops, and the keys that it names. */
  const stopped = async (db: TestDatabase, target: ReturnType<typeof placed>["target"]) => {
    const error = (await up(target).catch((thrown: unknown) => thrown)) as GodwitError;
    expect(error).toMatchObject({
      code: "BACKFILL_ROWS",
      details: { key: ["id"], table: "public.products" },
      place: { file },
    });
    const failed = error.details?.failed as Failed;
    // Workers end the window that they are in.
    expect(failed.length).toBeLessThan(100 + 8 * 3);
    expect(await db.sql(STATE)).toEqual([{ rows: await done(db), failed }]);
    return { failed, error };
  };

  test("each run passes over a hundred others, once those before are corrected", async ({ db }) => {
    const { target } = placed(db);
    const counts: number[] = [];
    let runs = 0;
    for (let left = BAD; left > 0; runs++) {
      const { failed, error } = await stopped(db, target);
      const isLast = failed.length === left;
      expect(failed.length).toBeGreaterThanOrEqual(Math.min(100, left));
      expect(error.message).toMatch(isLast ? /more\): / : /more\), and has stopped there: /);
      // Nothing was corrected, so nothing more is done.
      const before = await done(db);
      const again = await stopped(db, target);
      expect(again.failed).toEqual(failed);
      expect(await done(db)).toBe(before);
      await db.sql(`update products set name = 'Mended' where id = any ('{${failed.flat().join()}}')`);
      left -= failed.length;
      counts.push(failed.length);
    }
    expect(runs).toBeLessThanOrEqual(3);
    expect((await up(target)).outcome).toBe("done");
    expect(await done(db)).toBe(ROWS);
    expect(await db.sql(STATE)).toEqual([{ rows: ROWS, failed: [] }]);
  });

  test("a corrected text goes through refused rows first, and then through the rest", async ({ db }) => {
    const { folder, target } = placed(db);
    const { failed, error } = await stopped(db, target);
    expect(error.hint).toContain("which the next run tries first");
    expect(error.hint).toContain("`godwit repair --accept 0002_b`");
    expect(error.hint).toMatch(/\d+ rows of public\.products .* are done and stay/);
    const before = await done(db);
    writeFiles(folder, { [file]: corrected });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
    await godwit("repair", "--accept", "0002_b", "--confirm", db.name);
    await godwit("up");
    expect(await db.sql(DONE)).toEqual([{ n: ROWS }]);
    const [{ n }] = (await db.sql(
      `select count(*)::int as n from products where slug = name and id <> all ('{${failed.flat().join()}}')`,
    )) as [{ n: number }];
    expect(n).toBe(before);
  });
});

test("a corrected function goes through refused rows first, and then through the rest", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": `${TABLE} delete from products where id > 40 and id % 8 <> 0 or id > 1000;`,
    "0002_b.ts": module("name"),
  });
  const target = targetOf({ url: db.url, folder });
  await expect(up(target)).rejects.toMatchObject({
    code: "BACKFILL_ROWS",
    message: expect.stringContaining("could not change 100 rows"),
    hint: expect.stringContaining("Or correct the function, and say with `godwit repair --accept 0002_b`"),
  });
  expect(await db.sql(DONE)).toEqual([{ n: 35 }]);
  writeFiles(folder, { "0002_b.ts": module('name + "x"') });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  await godwit("repair", "--accept", "0002_b", "--confirm", db.name);
  await godwit("up");
  expect(await db.sql("select count(*)::int as n from products where slug = name || 'x'")).toEqual([
    { n: 125 },
  ]);
});

test("where no row is done, nothing of it is kept, and the hint is about the text and the rows", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": `${TABLE} update products set name = '';`, "0002_b.sql": sql("") });
  const target = targetOf({ url: db.url, folder });
  const error = (await up(target).catch((thrown: unknown) => thrown)) as GodwitError;
  expect(error).toMatchObject({
    code: "BACKFILL_ROWS",
    message: expect.stringContaining("could not change 100 rows of public.products (id 1; id 2;"),
    hint: expect.stringContaining("Correct the statement, or those rows."),
  });
  expect(error.hint).not.toContain("--accept");
  expect(await db.sql(STATE)).toEqual([]);
  writeFiles(folder, { "0002_b.sql": sql("", "name || id") });
  expect((await up(target)).outcome).toBe("done");
});

test("a row that has to wait for another is done in the same run", async ({ db }) => {
  const folder = folderOf({
    "0001_a.sql": `create table seats (id int primary key, place int unique);
insert into seats select n, n from generate_series(1, 50) n;`,
    // Each takes the place of the next, which is free only behind it.
    "0002_b.sql":
      "-- godwit: backfill table=seats min-rows=1 max-rows=1\nupdate seats set place = place + 1 where :window and id >= 49;\n",
  });
  const recorded = recorder();
  expect((await up(targetOf({ url: db.url, folder }), recorded)).outcome).toBe("done");
  expect(await db.sql("select place from seats where id >= 49 order by id")).toEqual([
    { place: 50 },
    { place: 51 },
  ]);
});
