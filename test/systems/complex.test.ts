/** Complex migrations of PrintPilot: the example that its document gives its authors, as it stands there and as a backfill. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { example, OLD } from "../support/example.ts";
import { folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const USERS = `create table users (id int primary key, first_name text not null, last_name text not null, display_name text);
insert into users select n, 'First ' || n, 'Last ' || n from generate_series(1, 4500) n;`;
const LEFT = "select count(*)::int as n from users where display_name is null";

/** A thousand rows at a time, and the next page by OFFSET. */
const LOOP = `import { migration } from "godwit";
export default migration({
  async up({ sql }) {
    for (let offset = 0; ; offset += 1000) {
      const users = await sql\`select id, first_name, last_name from users
        where display_name is null order by id limit 1000 offset \${offset}\`;
      if (users.length === 0) break;
      for (const { id, first_name, last_name } of users)
        await sql\`update users set display_name = \${\`\${first_name} \${last_name}\`} where id = \${id}\`;
    }
  },
});
`;
const BACKFILL = `import { backfill } from "godwit";
export default backfill({
  table: "users",
  columns: ["first_name", "last_name"],
  where: "display_name is null",
  maxRows: 1000,
  rows: (users) => users.map((user) => ({ display_name: \`\${user.first_name} \${user.last_name}\` })),
});
`;

test("SYSTEMS 2.17: rows are transformed in batches of at most 1,000, each with its progress", async ({
  db,
}) => {
  const folder = folderOf({ "0001_users.sql": USERS, "0002_names.ts": BACKFILL });
  const recorded = recorder();
  expect((await up(targetOf({ url: db.url, folder }), recorded)).outcome).toBe("done");
  const told = recorded.events.flatMap((event) => (event.kind === "backfill-progress" ? [event] : []));
  expect(Math.max(...told.map(({ windowRows }) => windowRows))).toBeLessThanOrEqual(1000);
  expect(told.length).toBeGreaterThanOrEqual(5);
  expect(told.at(-1)).toMatchObject({ rows: 4500, changed: 4500, table: "public.users" });
  expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
});

test("SYSTEMS 2.18: paging by OFFSET is no option of a backfill, and a loop that does it is warned of by its line", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_users.sql": USERS, "migrations/0002_names.ts": LOOP });
  const godwit = commandIn({ folder, url: db.url });
  const { stdout, stderr } = await godwit("plan");
  expect(stdout + stderr).toMatch(
    /0002_names\.ts:6.*\n?.*pages users by OFFSET|pages users by OFFSET[\s\S]*0002_names\.ts:6/,
  );
  writeFiles(folder, { "migrations/0002_names.ts": BACKFILL.replace("maxRows: 1000", "offset: 1000") });
  expect((await godwit.fails(1, "up")).stderr).toContain("declares `offset`, which a backfill does not have");
  writeFiles(folder, { "migrations/0002_names.ts": BACKFILL });
  expect((await godwit("plan")).stdout).not.toContain("OFFSET");
  await godwit("up");
  expect(await db.sql(LEFT)).toEqual([{ n: 0 }]);
});

describe.skipIf(OLD)("the example", () => {
  test("gives every shop a slug of its own by a backfill", async ({ db }) => {
    const { godwit } = example("craftflow", db);
    await godwit("up");
    const [state] = await db.admin(
      `select rows, changed from "${ledgerSchema}".migration_backfills where revision = 'backfill_shop_slugs'`,
    );
    const [shops] = await db.admin(
      "select count(*)::int as n, count(distinct slug)::int as slugs from shops",
    );
    expect(state).toEqual({ rows: shops?.n, changed: shops?.n });
    expect(shops?.slugs).toBe(shops?.n);
  });
});
