/** Many statements go to the server in few messages, and what a refusal means stays what it is of each alone. */
import type { Connection } from "../../src/database/connection.ts";
import { diffSchemas } from "../../src/diff/diff.ts";
import { carryOut } from "../../src/diff/load.ts";
import { SourceError } from "../../src/errors.ts";
import { ALL, connectionTo } from "../schema/snapshots.ts";
import { expect, test } from "../support/database.ts";
import { createDatabases } from "../support/databases.ts";

const TABLES = 250;
const schema = Array.from(
  { length: TABLES },
  (_, at) => `create table many_${at} (n integer) -- number ${at}\n;\n`,
);

test("250 tables of a file, and of a copy, are made in three transactions", async ({ db }) => {
  const { names, drop } = await createDatabases(db, 2);
  const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
  try {
    await using desired = await open(names[0]);
    await using copy = await open(names[1]);
    await carryOut(desired, [{ name: "schema.sql", text: schema.join("") }]);
    expect(await transactions(desired)).toBe(3);
    const { statements, left, refused } = await diffSchemas({ copy, desired, compared: ALL });
    expect({ left, refused }).toEqual({ left: [], refused: null });
    expect(statements.length).toBeGreaterThanOrEqual(TABLES);
    expect(await transactions(copy)).toBe(3);
  } finally {
    await drop();
  }
});

test("a statement that fails among many is named, and one that needs a later one waits for it", async ({
  db,
}) => {
  const { names, drop } = await createDatabases(db, 2);
  const open = (name = "") => connectionTo(db.adminUrl.replace(/[^/]+$/, name));
  try {
    await using waits = await open(names[0]);
    const late = "create table early (n integer, m integer references late);\n";
    const text = [late, ...schema, "create table late (id integer primary key);"].join("");
    await carryOut(waits, [{ name: "schema.sql", text }]);
    const { rows } = await waits.query<{ n: number }>(
      "select count(*)::int as n from pg_class where relname ~ '^(many_|early$|late$)' and relkind = 'r'",
    );
    expect(rows).toEqual([{ n: TABLES + 2 }]);

    await using fails = await open(names[1]);
    const broken = schema.with(56, "create table broken (n nothing);\n");
    const error = await carryOut(fails, [{ name: "schema.sql", text: broken.join("") }]).catch((e) => e);
    expect(error).toBeInstanceOf(SourceError);
    expect(error.problems[0]).toMatchObject({
      code: "SCHEMA_FILE_FAILED",
      place: { file: "schema.sql", line: 2 * 56 + 1 },
    });
  } finally {
    await drop();
  }
});

/** Each has made some of the tables. */
async function transactions(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ n: number }>(
    "select count(distinct xmin::text)::int as n from pg_class where relname ~ '^many_[0-9]+$'",
  );
  return rows[0]?.n;
}
