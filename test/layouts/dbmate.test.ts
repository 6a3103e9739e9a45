/** dbmate itself as the judge of its folders. */
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import { dbmate } from "../../src/source/layouts/dbmate.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { down, type Files, folderOf, recorder, targetOf, up } from "../support/target.ts";
import { emptied, madeIn, runTool, succeed } from "../support/tool.ts";

const FILES: Files = {
  "20240101000000_shops.sql": `-- The shops.
-- migrate:up
create type kind as enum ('a', 'b');
create table shops (id int primary key, name text not null, kind kind default 'a');
insert into shops values (1, 'A;b ä'), (2, 'b');
-- migrate:down
drop table shops;
drop type kind;
`,
  "20240102000000_slug.sql": `-- migrate:up transaction:true
alter table shops add slug text;
create function slug() returns trigger language plpgsql as $$
begin
  new.slug := lower(new.name); -- a; b
  return new;
end $$;
create trigger slug before insert on shops for each row execute function slug();
insert into shops values (3, 'C');
-- migrate:down
drop trigger slug on shops;
drop function slug();
alter table shops drop slug;
`,
  "20240103000000_index.sql": `-- migrate:up transaction:false
create index concurrently shops_slug on shops (slug);

-- migrate:down transaction:false
drop index concurrently shops_slug;
`,
  "20240104000000_nothing.sql": "-- migrate:up\n-- migrate:down\n",
  "1_first_by_name.sql":
    "-- migrate:up\ncreate table first (id int);\n\n-- migrate:down\ndrop table first;\n",
  "notes.sql": "nonsense",
};
const HISTORY = /schema_migrations/;

const toolIn = (db: TestDatabase, folder: string, ...args: readonly string[]) =>
  [
    "dbmate",
    ["--url", `${db.url}?sslmode=disable`, "--migrations-dir", folder, "--no-dump-schema", ...args],
    { folder },
  ] as const;

const targetIn = (db: TestDatabase, folder: string) => ({
  ...targetOf({ url: db.url, folder }),
  source: openInPlace(dbmate, folder, { placeholders: {}, environment: {} }),
});

describe("dbmate", () => {
  test("makes of a folder what we make of it, up and one back", async ({ db }) => {
    const folder = folderOf(FILES);
    await succeed(...toolIn(db, folder, "migrate"));
    const there = await madeIn(db, HISTORY);
    const versions = await db.sql("select version from schema_migrations order by version");
    expect(there.rows.shops).toHaveLength(3);
    await succeed(...toolIn(db, folder, "rollback"));
    await succeed(...toolIn(db, folder, "rollback"));
    const back = await madeIn(db, HISTORY);

    await emptied(db);
    const target = targetIn(db, folder);
    await up(target);
    expect(await madeIn(db, HISTORY)).toEqual(there);
    // One that does nothing back has no way back here; the tool takes it out of its history and does nothing.
    const { migrations } = await target.source.list();
    expect(migrations.map(({ tool }) => ({ version: tool?.version }))).toEqual(
      expect.arrayContaining(versions),
    );
    expect(migrations.filter(({ revertible }) => !revertible).map(({ id }) => id)).toEqual([
      "20240104000000_nothing",
    ]);

    await emptied(db);
    const shorter = folderOf(
      Object.fromEntries(Object.entries(FILES).filter(([name]) => !name.includes("nothing"))),
    );
    await up(targetIn(db, shorter));
    await migrate(targetIn(db, shorter), down("-1"), recorder());
    expect(await madeIn(db, HISTORY)).toEqual(back);
  });

  test.for([
    ["no marks", "select 1;"],
    ["no way back", "-- migrate:up\nselect 1;"],
    ["no way there", "-- migrate:down\nselect 1;"],
    ["the way back first", "-- migrate:down\n-- migrate:up\nselect 1;"],
    ["a statement in front", "select 1;\n-- migrate:up\n-- migrate:down\n"],
    ["two pairs", "-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down\n"],
    ["a mark that is indented", "  -- migrate:up\nselect 1;\n-- migrate:down\n"],
    ["a mark in capitals", "-- MIGRATE:UP\nselect 1;\n-- migrate:down\n"],
    ["a mark that goes on", "-- migrate:uptown\nselect 1;\n-- migrate:down\n"],
    ["a mark without a space", "--migrate:up\nselect 1;\n--migrate:down\n"],
    ["a comment in front", "/* block */\n-- migrate:up\nselect 1;\n-- migrate:down\n"],
    ["a comment line in front", "-- line\n\n-- migrate:up\nselect 1;\n-- migrate:down\n"],
    ["an unknown word behind a mark", "-- migrate:up shiny\nselect 1;\n-- migrate:down\n"],
    ["an unknown option", "-- migrate:up color:red\nselect 1;\n-- migrate:down\n"],
    ["Windows line ends", "-- migrate:up\r\nselect 1;\r\n-- migrate:down\r\n"],
  ] as const)("refuses what we refuse: %s", async ([, text], { db }) => {
    const folder = folderOf({ "1_a.sql": text });
    const tool = await runTool(...toolIn(db, folder, "migrate"));
    await emptied(db);
    const ours = await up(targetIn(db, folder)).then(
      () => "done",
      (error) => String(error.message),
    );
    expect({ refused: ours !== "done", ours, tool: tool.text }).toMatchObject({ refused: tool.code !== 0 });
  });
});
