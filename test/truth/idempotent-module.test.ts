/** A module that says that it may run again: whoever runs it again is asked nothing, and the advice says so. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { running } from "../support/sessions.ts";
import { folderOf } from "../support/target.ts";

const module = (end: string) =>
  `export default { transaction: false, idempotent: true, async up({ sql }) {
  await sql\`create table if not exists effects (n int)\`;
  await sql\`insert into effects values (1)\`;
  ${end}
} };`;

const ENDS = {
  "that throws": ["if ((await sql`select 1 from nap`).length > 0) throw new Error('not yet');", false],
  "that a signal ends": ["await sql`select pg_sleep(600) from nap`;", true],
} as const;

test.for(Object.entries(ENDS))(
  "one %s: run again, and nothing else",
  async ([, [end, interrupts]], { db }) => {
    await db.sql("create table nap as select 1");
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_m.ts": module(end) }), url: db.url });
    const first = godwit.start("up");
    if (interrupts) {
      await running(db, /from nap/);
      first.child.kill("SIGTERM");
    }
    const { stderr } = await first.exits(1, 143);
    expect(stderr).toMatch(/run again: it is idempotent, and runs from its beginning/i);
    expect(stderr).not.toMatch(/repair|declare it/);
    await db.sql("delete from nap");
    await godwit("up");
    expect(await db.sql("select count(*)::int as n from effects")).toEqual([{ n: 2 }]);
  },
);
