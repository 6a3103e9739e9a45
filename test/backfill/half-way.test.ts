/** A table that is empty, or that becomes another one while a backfill is half done: by a drop, a new name, or partitions. */
import { describe } from "vitest";
import { tellBackfill } from "../../src/run/backfills.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const TABLE = `create table products (id int primary key, name text not null default 'a', hits int not null default 0);
insert into products (id) select generate_series(1, 2000); analyze products;`;
const fill = (options: string) => `-- godwit: backfill table=products min-rows=100 max-rows=100 ${options}
-- godwit: where hits = 0
update products set hits = hits + 1 where :window and hits = 0;
`;
const HITS = "select hits, count(*)::int as n from products group by hits order by hits";
const DONE = [{ hits: 1, n: 2000 }];
/** The rows stay where they are, and become the first partition. */
const PARTITIONED = `alter table products rename to products_first;
create table products (like products_first including all) partition by range (id);
alter table products attach partition products_first for values from (0) to (2001);
create table products_rest partition of products default;`;

const KINDS = ["", "parallel=2", "background=yes", "undo=yes"];

/** A run that stands still between two windows until it is told to go on. */
async function standsStill(target: ReturnType<typeof targetOf>) {
  const tell = (word: Parameters<typeof tellBackfill>[1]["word"]) =>
    tellBackfill(target, { revision: "0002_fill", word }, recorder());
  await tell({ kind: "rate", rate: 500 });
  let pausing: Promise<unknown> | undefined;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") pausing ??= tell({ kind: "pause" });
  });
  const run = up(target, recorded);
  run.catch(() => {});
  await Promise.race([recorded.once("backfill-paused"), run]);
  await pausing;
  return {
    run,
    async resume() {
      await tell({ kind: "rate", rate: null });
      await tell({ kind: "resume" });
    },
  };
}

describe.for(KINDS)("a table that becomes another one between two windows (%s)", (options) => {
  test("that is dropped ends the run, which says what stays and how it ends", async ({ db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill(options) });
    const target = targetOf({ url: db.url, folder });
    const { run, resume } = await standsStill(target);
    await db.sql("drop table products");
    await resume();
    const gone = {
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("no such table any more"),
      hint: expect.stringContaining("`godwit repair --mark-done 0002_fill`"),
    };
    await expect(run).rejects.toMatchObject(gone);
    await expect(up(target)).rejects.toMatchObject(gone);
    const request = { kind: "mark-done", revision: "0002_fill", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).steps).toEqual([]);
  });

  test("that is partitioned ends the run, and is done as a whole when a person says so", async ({ db }) => {
    const folder = folderOf({ "0001_table.sql": TABLE, "0002_fill.sql": fill(options) });
    const target = targetOf({ url: db.url, folder });
    const { run, resume } = await standsStill(target);
    await db.sql(PARTITIONED);
    await resume();
    await expect(run).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("another table has got the name public.products"),
    });
    await expect(up(target)).rejects.toMatchObject({
      code: "BACKFILL_EDITED",
      message: expect.stringContaining("Another table has that name now"),
    });
    const [half] = await db.sql("select count(*)::int as n from products where hits = 1");
    expect(half?.n).toBeGreaterThan(0);
    const request = { kind: "retry", revision: "0002_fill", position: null } as const;
    await repair(target, request, { confirm: db.name }, recorder());
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql(HITS)).toEqual(DONE);
    if (!options.includes("undo")) return;
    await migrate(target, down("-1"), recorder());
    expect(await db.sql(HITS)).toEqual([{ hits: 0, n: 2000 }]);
  });
});

test("partitions that come and go half-way: what is there at the end is done", async ({ db }) => {
  const folder = folderOf({
    "0001_table.sql": `${TABLE} ${PARTITIONED} create table late (like products including all);
insert into late (id) select generate_series(-500, -1);`,
    "0002_fill.sql": fill(""),
  });
  const target = targetOf({ url: db.url, folder });
  const { run, resume } = await standsStill(target);
  await db.sql("alter table products detach partition products_first");
  await db.sql("alter table products attach partition late for values from (-500) to (0)");
  await resume();
  // Its keys lie behind the place to which the windows had come.
  await expect(run).rejects.toMatchObject({ code: "BACKFILL_REMAINDER" });
  const request = { kind: "retry", revision: "0002_fill", position: null } as const;
  await repair(target, request, { confirm: db.name }, recorder());
  expect((await up(target)).outcome).toBe("done");
  expect(await db.sql(HITS)).toEqual([{ hits: 1, n: 500 }]);
});

describe("an empty table", () => {
  test.for([...KINDS, "rows"])(
    "is done at once, and PostgreSQL has read the statement (%s)",
    async (options, { db }) => {
      const byFunction = `import { backfill } from "godwit";
export default backfill({ table: "products", columns: ["name"], rows: () => { throw new Error("no row"); } });
`;
      const folder = folderOf({
        "0001_table.sql": TABLE.replace(/insert .*/, ""),
        ...(options === "rows"
          ? { "0002_fill.ts": byFunction }
          : { "0002_fill.sql": fill(options).replace("hits + 1", "hitz + 1") }),
      });
      const target = targetOf({ url: db.url, folder });
      if (options !== "rows") {
        await expect(up(target)).rejects.toThrow(/column "hitz" does not exist/);
        const corrected = folderOf({
          "0001_table.sql": TABLE.replace(/insert .*/, ""),
          "0002_fill.sql": fill(options),
        });
        expect((await up(targetOf({ url: db.url, folder: corrected }))).outcome).toBe("done");
      } else expect((await up(target)).outcome).toBe("done");
      expect(await db.sql(HITS)).toEqual([]);
    },
  );
});
