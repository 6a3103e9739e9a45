/** A half-done backfill whose table is another one by the next run: no row is taken for done that is not. */
import { describe } from "vitest";
import { forgetOldValues, undoBackfill } from "../../src/run/backfill-undo.ts";
import { tellBackfill } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000);`;
const sql = (options: string) => `-- godwit: backfill table=products undo=yes max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const ANOTHER = `alter table products rename to was; create table products (like was including all);
insert into products select id, 0 from was;`;
const AS_IT_WAS = "drop table products; alter table was rename to products;";

const placeOf = (db: TestDatabase, options: string) =>
  targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": TABLE, "0002_b.sql": sql(options) }) });

/** Ends a run after its second window. */
async function ended(run: (context: ReturnType<typeof recorder>) => Promise<unknown>): Promise<void> {
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && event.windows === 2)
      recorded.abort(new Error("ended by the test"));
  });
  await expect(run(recorded)).rejects.toThrow();
}

/** As a dump leaves it: the same rows, in tables with other oids. */
async function restored(db: TestDatabase, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const name = table.replace(/^.*\./, "");
    await db.sql(`alter table ${table} rename to copied`);
    const copied = `${table.slice(0, -name.length)}copied`;
    await db.sql(`create table ${table} (like ${copied} including all); insert into ${table} select * from ${copied};
drop table ${copied};`);
  }
}

describe.for(["", "parallel=2", "background=yes"])("a half-done backfill (%s)", (options) => {
  test("does not go on in another table of that name, and does in its own", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    await db.sql(ANOTHER);
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("Another table has that name now"),
      hint: expect.stringContaining("`godwit repair --retry 0002_b`"),
    });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    await db.sql(AS_IT_WAS);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("says that its table is gone, and how it ends", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    await db.sql("alter table products rename to was");
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("There is no such table any more"),
      hint: expect.stringContaining("`godwit repair --mark-done 0002_b`"),
    });
    const request = { kind: "mark-done", revision: "0002_b", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).steps).toEqual([]);
  });

  test("goes through the whole of another table with `repair --retry`", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    await db.sql(ANOTHER);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
    const request = { kind: "retry", revision: "0002_b", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    expect(await migrate(target, down("-1"), recorder())).toMatchObject({ outcome: "done", warnings: [] });
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
  });

  test("goes on after its tables and its ledger were restored from a dump", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    await restored(db, [`"${ledgerSchema}".migration_backfills`, "products"]);
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  });

  test("goes on in an early ledger, which does not say which table it was", async ({ db }) => {
    const target = placeOf(db, options);
    await ended((context) => up(target, context));
    await db.sql(
      `alter table "${ledgerSchema}".migration_backfills drop column table_oid, drop column ledger_oids`,
    );
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
    await ended((context) => migrate(target, down("-1"), context));
    await db.sql(ANOTHER);
    await expect(migrate(target, down("-1"), recorder())).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
    await db.sql(AS_IT_WAS);
    await migrate(target, down("-1"), recorder());
    await ended((context) => up(target, context));
    await db.sql(ANOTHER);
    await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
  });
});

test.for([
  ["another one has its name", ANOTHER],
  ["it is gone", "alter table products rename to was"],
] as const)(
  "old values of a half-done backfill stay where its table is another one, and come back into their own (%s)",
  async ([kind, change], { db }) => {
    const target = placeOf(db, "");
    const undo = () => undoBackfill(target, down("0002_b"), recorder());
    await ended((context) => up(target, context));
    await db.sql(change);
    await expect(undo()).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      hint: expect.stringContaining("Its old values stay."),
    });
    await db.sql(kind === "it is gone" ? "alter table was rename to products" : AS_IT_WAS);
    await undo();
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    expect((await up(target)).outcome).toBe("done");
  },
);

test("a half-done backfill whose table is gone for good is done in the one that has its name", async ({
  db,
}) => {
  const target = placeOf(db, "");
  await ended((context) => up(target, context));
  await db.sql(ANOTHER);
  await expect(undoBackfill(target, down("0002_b"), recorder())).rejects.toMatchObject({
    hint: expect.stringContaining("`godwit repair --retry 0002_b`"),
  });
  const request = { kind: "retry", revision: "0002_b", position: null } as const;
  await repair(target, request, { confirm: db.name }, recorder());
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
  await undoBackfill(target, down("0002_b"), recorder());
  expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
});

test("a way back does not go on in another table of that name, and says how it ends", async ({ db }) => {
  const target = placeOf(db, "");
  await up(target);
  await ended((context) => migrate(target, down("-1"), context));
  await db.sql(ANOTHER);
  await expect(migrate(target, down("-1"), recorder())).rejects.toMatchObject({
    code: "BACKFILL_EDITED",
    hint: expect.stringContaining("`godwit repair --mark-done 0002_b`"),
  });
  const request = { kind: "mark-done", revision: "0002_b", position: null } as const;
  await repair(target, request, { confirm: db.name }, recorder());
  await expect(up(target)).rejects.toMatchObject({
    code: "BACKFILL_UNDO",
    hint: expect.stringContaining("`godwit backfill forget 0002_b`"),
  });
  await forgetOldValues(target, "0002_b", recorder());
  expect((await up(target)).outcome).toBe("done");
});

describe.for(["", "parallel=2", "background=yes"])("while its windows run (%s),", (options) => {
  test.for(["with the same rows", "without rows"])(
    "another table under the name stops it, there and back, and has nothing changed (%s)",
    async (kind, { db }) => {
      const target = placeOf(db, options);
      const another = kind === "without rows" ? `${ANOTHER} delete from products;` : ANOTHER;
      const untouched = kind === "without rows" ? [] : [{ hits: 0, n: 2000 }];
      const replaced = () => {
        let replacing: Promise<unknown> | undefined;
        const context = recorder((event) => {
          if (event.kind === "backfill-progress" && event.windows >= 2) replacing ??= db.sql(another);
        });
        return { context, settled: () => replacing };
      };
      const rate = (value: number | null) =>
        tellBackfill(target, { revision: "0002_b", word: { kind: "rate", rate: value } }, recorder());
      await rate(400);
      const there = replaced();
      await expect(up(target, there.context)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
      await there.settled();
      expect(await db.sql(HITS)).toEqual(untouched);
      await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_EDITED" });
      await db.sql(AS_IT_WAS);
      await rate(null);
      expect((await up(target)).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 2000 }]);
      await rate(400);
      const back = replaced();
      await expect(migrate(target, down("-1"), back.context)).rejects.toMatchObject({
        code: "BACKFILL_EDITED",
      });
      await back.settled();
      expect(await db.sql(HITS)).toEqual(untouched);
      await db.sql(AS_IT_WAS);
      await rate(null);
      await migrate(target, down("-1"), recorder());
      expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
    },
  );
});
