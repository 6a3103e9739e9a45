/** A script of `up --sql` says above each migration what is dangerous in it, and psql runs it all the same. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { psql } from "../support/psql.ts";
import { folderOf } from "../support/target.ts";

const RISKY = `-- migrate:up
-- godwit: lint-ignore=index-without-concurrently reason="it is small"
create index a_id on a (id);
create index a_n on a (n);
-- migrate:down
drop index a_id, a_n;
`;

test("each finding stands above its migration, in one direction, and one that is waived does not", async ({
  db,
}) => {
  const folder = folderOf({
    "migrations/0001_a.sql": "create table a (id bigint, n bigint);\n",
    "migrations/0002_index.sql": RISKY,
    "migrations/0003_é.ts": "export async function up({ sql }) { await sql`create table b ()`; }\n",
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up", "0001");
  const { stdout } = await godwit("up", "--sql", "--from", "0001");
  const lines = stdout.split("\n");
  const at = lines.findIndex((line) => line.includes("(index-without-concurrently)"));
  expect(lines[at]).toMatch(/^-- warning: 0002_index\.sql:4: /);
  expect(lines.filter((line) => line.includes("(index-without-concurrently)"))).toHaveLength(1);
  expect(lines.slice(at).find((line) => line.startsWith("-- up "))).toBe("-- up 0002_index (0002_index.sql)");
  expect(psql(db.url, stdout)).toBeNull();
  expect(await db.sql("select to_regclass('a_n')::text as a, to_regclass('b')::text as b")).toEqual([
    { a: "a_n", b: "b" },
  ]);
});
