/** What is said of a single row: no text speaks of several. */
import { migrate } from "../../src/run/migrate.ts";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products values (1), (2); analyze products;`;
const FILL = `-- godwit: backfill table=products undo=yes max-rows=1
update products set hits = hits + 1 where :window;
`;
const SEVERAL =
  /\b1 (?:\w+ )?(?:rows|indexes|ranges|windows)\b|\b1 rows\b|\bone rows\b|\b1 (?:are|have|do)\b/i;

function placed(db: TestDatabase, fill = FILL) {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": fill });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_DIR: folder } });
  const heard: string[] = [];
  const says = async (codes: readonly number[], ...words: readonly string[]) => {
    const { stdout, stderr } = await godwit.start(...words).exits(...codes);
    const text = `${stdout}\n${stderr}`.replaceAll(/\s+/g, " ");
    expect(text, words.join(" ")).not.toMatch(SEVERAL);
    heard.push(text);
    return text;
  };
  return { folder, target: targetOf({ url: db.url, folder }), says };
}

/** Ends a run after its first window. */
async function ended(run: (context: ReturnType<typeof recorder>) => Promise<unknown>): Promise<void> {
  const recorded = recorder((event) => {
    if (event.kind === "backfill-progress") recorded.abort(new Error("ended by the test"));
  });
  await expect(run(recorded)).rejects.toThrow();
}

test("of a half-done backfill, its other text, its other table and its end by the hour", async ({ db }) => {
  const { folder, target, says } = placed(db);
  await up(target);
  await migrate(target, down("-1"), recorder());
  expect(await says([0], "plan", "--sample")).toContain("A sample of 2 rows");
  await ended((context) => up(target, context));
  expect(await says([0], "plan", "--sample")).toContain("1 row is done, and about 1 is left");
  expect(await says([0], "status")).toContain("1 of about 2 rows done");
  expect(await says([0], "backfill")).toContain("1 row of public.products");
  expect(await says([1], "up", "--until", "2000-01-01T00:00Z")).toContain(
    "1 row of public.products up to id 1 is done and stays",
  );
  writeFiles(folder, { "0002_b.sql": FILL.replace("hits + 1", "hits + 2") });
  expect(await says([1], "up")).toContain("1 row of public.products up to id 1 has what");
  expect(await says([2], "repair", "--retry", "0002_b")).toContain(
    "1 row of public.products is done already",
  );
  writeFiles(folder, { "0002_b.sql": FILL });
  await db.sql("alter table products rename to was");
  expect(await says([1], "up")).toContain("half done: 1 row of public.products up to id 1.");
  await db.sql("alter table was rename to products; alter table products add check (id <> 2 or hits = 0)");
  expect(await says([1], "up")).toContain("could not change a row");
  expect(await says([0], "backfill")).toContain("1 row refused");
  expect(await says([0], "plan")).toContain("PostgreSQL has refused 1 row");
  await db.sql("alter table products drop constraint products_check");
  await says([0], "up");
});

test("of a way back", async ({ db }) => {
  const { target, says } = placed(db);
  await up(target);
  await ended((context) => migrate(target, down("-1"), context));
  expect(await says([0], "backfill")).toContain("1 row of public.products has its old values again");
  expect(await says([1], "down", "-1", "--until", "2000-01-01T00:00Z")).toContain("has its old values again");
  await db.sql("update products set hits = 7 where id = 2");
  expect(await says([0], "down", "-1")).toContain("and 1 does not: 1 row was changed since");
});
