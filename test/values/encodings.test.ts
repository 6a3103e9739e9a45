/** A database of any encoding can be migrated; what its encoding cannot hold is kept all the same. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const ENCODINGS = ["LATIN1", "LATIN2", "KOI8R", "SQL_ASCII", "EUC_JP", "UTF8"];

/** A database of another encoding beside the test's own; nothing converts its locale. */
async function databaseOf(db: TestDatabase, encoding: string) {
  const name = `${db.name}_${encoding.toLowerCase()}`;
  const [server] = await db.admin<{ version: number }>(
    "select current_setting('server_version_num')::int as version",
  );
  const provider = (server?.version ?? 0) >= 150_000 ? "locale_provider libc" : "";
  await db.admin(
    `create database ${name} template template0 owner ${db.owner} encoding '${encoding}' ${provider} lc_collate 'C' lc_ctype 'C'`,
  );
  onTestFinished(async () => {
    const server = new pg.Client(db.adminUrl.replace(/[^/]+$/, "postgres"));
    await server.connect();
    await server.query(`drop database if exists ${name} with (force)`);
    await server.end();
  });
  return db.url.replace(/[^/]+$/, name);
}

const NAMES = {
  table: "0001_größe_😀",
  concurrently: "0002_Ж_日本",
  failing: "0003_łódź_☃",
};

for (const encoding of ENCODINGS)
  test(`the whole life of migrations with accents and emoji in a database of encoding ${encoding}`, async ({
    db,
  }) => {
    const url = await databaseOf(db, encoding);
    const { table, concurrently, failing } = NAMES;
    const folder = folderOf({
      [`migrations/${table}.up.sql`]: "create table a (id int, t text);",
      [`migrations/${table}.down.sql`]: "/* zurück */ drop table a;",
      [`migrations/${concurrently}.up.sql`]:
        "-- godwit: transaction=off\ncreate index concurrently a_id on a (id);\ninsert into a values (1, 'plain');\n",
      [`migrations/${concurrently}.down.sql`]: "drop index a_id; -- 日本",
      "migrations/repeatable/ansicht_ß.sql": "drop view if exists v; create view v as select 1 as one;",
    });
    const godwit = commandIn({ folder, url });
    await godwit("up");
    expect((await godwit("up", "--json")).json.report.steps).toEqual([]);
    const status = await godwit("status", "--check", "--json");
    expect(JSON.stringify(status.json)).toContain(table);

    // A failure is logged, whatever its text.
    const broken = {
      [`migrations/${failing}.down.sql`]: "/* zurück */ select 1;",
      [`migrations/${failing}.up.sql`]: "do $$ begin raise exception 'ascii only'; end $$;",
    };
    writeFiles(folder, broken);
    const failed = await godwit.fails(1, "up", "--json");
    expect(JSON.stringify(failed.json)).toContain(`${failing}.up.sql`);
    const log = (await godwit("history", "--log", "--json")).json.log;
    expect(log).toMatchObject([{ event: "failed", revision: failing }, {}, {}, {}]);
    expect(log[0].details.message).toContain(`${failing}.up.sql`);

    // The user's own character that the database cannot hold fails with the server's words.
    writeFiles(folder, { [`migrations/${failing}.up.sql`]: "insert into a values (2, '☃ 🦄');" });
    if (encoding === "UTF8" || encoding === "SQL_ASCII") await godwit("up");
    else {
      const own = await godwit.fails(1, "up", "--json");
      expect(own.json.problems[0].message).toMatch(/has no equivalent in encoding/);
      writeFiles(folder, { [`migrations/${failing}.up.sql`]: "select 1;" });
      await godwit("up");
    }

    // An edit is seen, and accepted.
    writeFiles(folder, { [`migrations/${failing}.up.sql`]: "select 2;" });
    const edited = await godwit.fails(1, "up", "--json");
    expect(edited.json.problems).toMatchObject([{ code: "PLAN_EDITED" }]);
    expect(edited.json.problems[0].message).toContain(failing);
    await godwit("repair", "--accept", failing, "--confirm", url.split("/").at(-1) ?? "");
    writeFiles(folder, {
      "migrations/repeatable/ansicht_ß.sql": "drop view if exists v; create view v as select 2 as one;",
    });
    expect((await godwit("up", "--json")).json.report.steps).toHaveLength(1);

    // The way back that the ledger keeps is the file's.
    const client = new pg.Client(url);
    await client.connect();
    const ledger = await client.query(
      `select revision, revert_script from ${ledgerSchema}.migration_history where revert_script is not null`,
    );
    await client.end();
    if (encoding === "UTF8")
      expect(ledger.rows).toContainEqual({ revision: table, revert_script: "/* zurück */ drop table a;" });
    for (const revision of [failing, concurrently])
      for (const direction of ["up", "down"])
        rmSync(join(folder, "migrations", `${revision}.${direction}.sql`));
    const down = await godwit("down", "base", "--json");
    expect(down.json.report.steps.map(({ revision }: { revision: string }) => revision)).toEqual([
      failing,
      concurrently,
      table,
    ]);
  });
