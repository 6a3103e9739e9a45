/** No column of a catalog is left out without a reason, in the oldest and the newest PostgreSQL and in one between. */
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { CATALOG_COLUMNS } from "../../src/schema/columns.ts";
import { snapshotSql } from "../../src/schema/snapshot.ts";
import { startServer } from "../support/server.ts";

const COLUMNS = `select c.relname as "table", a.attname as "column" from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relkind = 'r' and c.relnamespace = 'pg_catalog'::regnamespace and a.attnum > 0 and not a.attisdropped order by 1, a.attnum`;

const MAJORS = [13, 15, 18];

test("every column of the catalogs is compared, or excused with a reason", async () => {
  const seen = new Set<string>();
  for (const major of MAJORS) {
    const server = await startServer({ major });
    onTestFinished(() => server.stop());
    const client = new pg.Client(`postgres://postgres@127.0.0.1:${server.port}/postgres`);
    await client.connect();
    const { rows } = await client.query<{ table: string; column: string }>(COLUMNS);
    await client.end();
    const unknown = rows.filter(({ table, column }) => {
      seen.add(`${table}.${column}`);
      const known = (CATALOG_COLUMNS[table] ?? []).flatMap(({ columns }) => columns.split(" "));
      return !known.includes("*") && !known.includes(column);
    });
    expect(unknown, `PostgreSQL ${major}`).toEqual([]);
  }
  const listed = Object.entries(CATALOG_COLUMNS).flatMap(([table, rows]) =>
    rows.flatMap(({ columns }) => columns.split(" ").map((column) => `${table}.${column}`)),
  );
  expect(listed.filter((name) => !name.endsWith(".*") && !seen.has(name))).toEqual([]);
  expect(listed.filter((name, at) => listed.indexOf(name) !== at)).toEqual([]);
});

test("every attribute that a column is compared by is one of a snapshot", () => {
  const sql = snapshotSql({ version: 180_000, schema: null });
  const attributes = Object.values(CATALOG_COLUMNS).flatMap((rows) => rows.flatMap((row) => row.by ?? []));
  const missing = attributes.filter(
    (name) => !["name", "kind"].includes(name) && !sql.includes(`'${name}', `),
  );
  expect(missing).toEqual([]);
});
