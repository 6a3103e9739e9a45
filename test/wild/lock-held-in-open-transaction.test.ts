import { expect, test } from "../support/database.ts";
import { lockHolder } from "../support/sessions.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { until } from "../support/until.ts";

test("5: A lock held in an open transaction blocks work that cannot be in one", async ({ db }) => {
  await db.sql("create table orders (id int); create table let_go (n int)");
  const folder = folderOf({
    "0001_outside.ts": `export const transaction = false;
export async function up({ sql, log }: any) {
  log.info("at work");
  while ((await sql\`select from let_go\`).count === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}`,
    "0002_vacuum.sql": "vacuum orders;\ncreate index concurrently orders_id on orders (id);",
  });
  const events = recorder();
  const run = up(targetOf({ url: db.url, folder }), events);
  await events.once("log");
  const pid = await lockHolder(db);
  expect(pid).toBeTypeOf("number");
  // Between two statements the holder has no transaction open, so nobody has to wait for it.
  await until(
    async () => {
      const [row] = await db.admin<{ state: string; xact_start: Date | null }>(
        "select state, xact_start from pg_stat_activity where pid = $1",
        [pid],
      );
      return row?.state === "idle" && row.xact_start === null;
    },
    { what: "the holder to be idle, in no transaction" },
  );
  await db.sql("set statement_timeout = '20s'");
  await db.sql("create index concurrently other_id on orders (id)");
  await db.sql("insert into let_go values (1)");
  expect((await run).steps.map((step) => step.transactional)).toEqual([false, false]);
});
