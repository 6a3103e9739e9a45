/** A way back that somebody declares done, or undone: what is not so is said with its numbers, before and after. */
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 2000);`;
const FILL = `-- godwit: backfill table=products undo=yes max-rows=100
update products set hits = hits + 1 where :window;
`;

/** 200 rows are taken back, one of them was changed since and one is deleted; one of the others, too. */
async function halfBack(db: TestDatabase) {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": FILL });
  const target = targetOf({ url: db.url, folder });
  await up(target);
  await db.sql("update products set hits = 9 where id = 7; delete from products where id = 8");
  let windows = 0;
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress" && ++windows === 2) recorded.abort(new Error("ended by the test"));
  });
  await expect(migrate(target, down("-1"), recorded)).rejects.toThrow();
  const [{ done }] = (await db.sql(
    `select (restored + changed + gone)::int as done from "${ledgerSchema}".migration_backfill_undo`,
  )) as [{ done: number }];
  return { folder, target, done, godwit: commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } }) };
}

const number = (value: number) => value.toLocaleString("en-US");

test("`repair --mark-done` of it names the rows that are not taken back, and where their old values are", async ({
  db,
}) => {
  const { godwit, target, done } = await halfBack(db);
  const said = `The way back of 0002_b counts as done: ${done - 2} rows of public.products have their old values again, ${number(2000 - done)} have what the backfill wrote, 1 was changed since, 1 is deleted. It is pending again`;
  // Nobody can be asked here, and what would be asked is said.
  const asked = await godwit.fails(2, "repair", "--mark-done", "0002_b");
  expect(asked.stderr.replaceAll(/\s+/g, " ")).toContain(said);
  const { json } = await godwit("repair", "--mark-done", "0002_b", "--confirm", db.name, "--json");
  expect(json.report.warnings).toMatchObject([
    {
      code: "BACKFILL_UNDO_LEFT",
      message: expect.stringContaining(said),
      hint: expect.stringMatching(
        /Their old values stay in .*migration_undo_.*`godwit backfill forget 0002_b`/,
      ),
      details: { restored: done - 2, changed: 1, gone: 1, open: 2000 - done },
    },
  ]);
  await expect(up(target)).rejects.toMatchObject({ code: "BACKFILL_UNDO" });
  await godwit("backfill", "forget", "0002_b");
  expect((await up(target)).outcome).toBe("done");
});

test("`repair --retry` of it names the rows that are taken back, and what it advises takes all back", async ({
  db,
}) => {
  const { godwit, target, done } = await halfBack(db);
  const { json } = await godwit("repair", "--retry", "0002_b", "--confirm", db.name, "--json");
  expect(json.report.warnings).toMatchObject([
    {
      code: "BACKFILL_REMAINDER",
      message: expect.stringContaining(
        `${done - 2} rows of public.products have their old values again, up to id ${done}`,
      ),
      hint: expect.stringContaining("`godwit backfill undo 0002_b`"),
    },
  ]);
  await godwit("backfill", "undo", "0002_b");
  expect(await db.sql("select distinct hits from products where id <> 7")).toEqual([{ hits: 0 }]);
  expect((await up(target)).steps).toHaveLength(1);
  expect(await db.sql("select distinct hits from products where id <> 7")).toEqual([{ hits: 1 }]);
});

test("`repair --mark-done` of old values that are gone says that it is not known", async ({ db }) => {
  const { godwit, done } = await halfBack(db);
  const [{ name }] = (await db.sql(
    `select values_table as name from "${ledgerSchema}".migration_backfill_undo`,
  )) as [{ name: string }];
  await db.sql(`drop table "${ledgerSchema}".${name}`);
  const { stderr } = await godwit("repair", "--mark-done", "0002_b", "--confirm", db.name);
  expect(stderr.replaceAll(/\s+/g, " ")).toContain(
    `${done - 2} rows of public.products have their old values again, which of the others do is not known`,
  );
});

test("`repair --retry` of a half-done backfill names the rows that are done twice, and their old values stay", async ({
  db,
}) => {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": FILL });
  const target = targetOf({ url: db.url, folder });
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") recorded.abort(new Error("ended by the test"));
  });
  await expect(up(target, recorded)).rejects.toThrow();
  const [{ done }] = (await db.sql("select count(*)::int as done from products where hits = 1")) as [
    { done: number },
  ];
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  const said = `The backfill 0002_b counts as not begun, and ${done} rows of public.products are done already, up to id ${done}. The next run goes through them again.`;
  for (const kind of ["--retry", "--forget"]) {
    const asked = await godwit.fails(2, "repair", kind, "0002_b");
    expect(asked.stderr.replaceAll(/\s+/g, " ")).toContain(said);
  }
  const { json } = await godwit("repair", "--retry", "0002_b", "--confirm", db.name, "--json");
  expect(json.report.warnings).toMatchObject([
    {
      code: "BACKFILL_REMAINDER",
      message: said,
      hint: expect.stringContaining("behind the next run, `godwit backfill undo 0002_b`"),
      details: { rows: done, position: [`${done}`] },
    },
  ]);
  await godwit("up");
  await godwit("backfill", "undo", "0002_b");
  expect(await db.sql("select distinct hits from products")).toEqual([{ hits: 0 }]);
});
