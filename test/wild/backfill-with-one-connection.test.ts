/** FAILURES 61: a migration that reads by a cursor and writes beside it needs two connections, and waits for itself where it may have one. */
import { describe } from "vitest";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const TABLE =
  "create table products (id int primary key, name text, slug text); insert into products select n, 'Vase ' || n from generate_series(1, 500) n;";
const BY_STATEMENT =
  "-- godwit: backfill table=products\nupdate products set slug = lower(name) where :window;";
const BY_FUNCTION = `import { backfill } from "godwit";
export default backfill({
  table: "products",
  columns: ["name"],
  rows: (rows) => rows.map(({ name }) => ({ slug: name.toLowerCase() })),
});`;

/** The URL of a role that may have one connection. */
async function lonely(db: TestDatabase): Promise<string> {
  const role = `lonely_${db.name}`;
  await db.admin(`create role ${role} login connection limit 1`);
  await db.admin(`grant create on database ${db.name} to ${role}; grant create on schema public to ${role}`);
  const url = new URL(db.url);
  url.username = role;
  return url.href;
}

describe("a role that may have one connection", () => {
  test.for([
    ["0002_b.sql", BY_STATEMENT],
    ["0002_b.ts", BY_FUNCTION],
  ])("is enough for a backfill in %s", async ([name, text], { db }) => {
    const url = await lonely(db);
    const folder = folderOf({ "0001_a.sql": TABLE, [name ?? ""]: text ?? "" });
    expect((await up(targetOf({ url, folder }))).outcome).toBe("done");
    expect(await db.admin("select count(*)::int as n from products where slug = lower(name)")).toEqual([
      { n: 500 },
    ]);
  });
});
