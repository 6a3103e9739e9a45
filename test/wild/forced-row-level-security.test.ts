import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const TABLES = `create table shops (id int primary key);
create table tokens (id int, shop int, used boolean default false);
insert into tokens select n, n from generate_series(1, 100) n;
alter table tokens enable row level security;
alter table tokens force row level security;
create policy mine on tokens using (shop = current_setting('app.shop', true)::int);
`;

describe("53: FORCE ROW LEVEL SECURITY makes an UPDATE of nothing a success", () => {
  for (const header of ["", "-- godwit: transaction=off\n"])
    test(`what rows would be hidden from is an error${header && ", outside a transaction too"}`, async ({
      db,
    }) => {
      const folder = folderOf({
        "0001_tables.sql": TABLES,
        "0002_used.sql": `${header}update tokens set used = true;`,
      });
      await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
        code: "STEP_FAILED",
        place: { file: "0002_used.sql" },
        message: expect.stringContaining("row-level security"),
        hint: expect.stringContaining("-- godwit: row-security=on"),
      });
      expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toEqual([
        { revision: "0001_tables" },
      ]);
    });

  test("a module is told so as well", async ({ db }) => {
    const folder = folderOf({
      "0001_tables.sql": TABLES,
      "0002_used.ts": "export async function up({ sql }: any) { await sql`update tokens set used = true`; }",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      message: expect.stringContaining("row-level security"),
    });
  });

  test("a file that sets what its policies ask for says so, and only for itself", async ({ db }) => {
    const folder = folderOf({
      "0001_tables.sql": TABLES,
      "0002_used.sql": "-- godwit: row-security=on\nset app.shop = '7';\nupdate tokens set used = true;",
      "0003_more.sql": "update tokens set used = true;",
    });
    await expect(up(targetOf({ url: db.url, folder }))).rejects.toMatchObject({
      place: { file: "0003_more.sql" },
    });
    expect(await db.admin("select shop from tokens where used")).toEqual([{ shop: 7 }]);
  });

  test("a foreign key is not called valid over orphans that it could not see", async ({ db }) => {
    const folder = folderOf({
      "0001_tables.sql": TABLES,
      "0002_key.sql": "alter table tokens add foreign key (shop) references shops (id);",
    });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      place: { file: "0002_key.sql" },
      message: expect.stringContaining("row-level security"),
    });
    const keys =
      "select convalidated from pg_constraint where conrelid = 'tokens'::regclass and contype = 'f'";
    expect(await db.sql(keys)).toEqual([]);

    // Out of sight no more, the orphans are found by the server itself.
    writeFiles(folder, {
      "0002_key.sql": `alter table tokens no force row level security;
alter table tokens add foreign key (shop) references shops (id);
alter table tokens force row level security;`,
    });
    await expect(up(target)).rejects.toMatchObject({ details: { sqlState: "23503" } });
    await db.admin("insert into shops select shop from tokens");
    await up(target);
    expect(await db.sql(keys)).toEqual([{ convalidated: true }]);
  });
});
