/** The Supabase CLI itself as the judge of its folders. */
import { join } from "node:path";
import { describe } from "vitest";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { supabase } from "../../src/source/layouts/supabase.ts";
import { supabaseStatements } from "../../src/source/layouts/supabase-statements.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, targetOf, up } from "../support/target.ts";
import { emptied, madeIn, succeed } from "../support/tool.ts";

const FILES: Files = {
  "20240101000000_shops.sql": `-- The shops.
create type kind as enum ('a', 'b');
create table shops (id int primary key, name text not null, kind kind default 'a');;
insert into shops values (1, 'A;b ä'), (2, 'it''s'); -- one; two
-- trailing
`,
  "20240102000000_slug_of_shop.sql": `alter table shops add slug text;
create function slug() returns trigger language plpgsql as $body$
begin
  new.slug := lower(new.name); -- a; b
  return new;
end $body$;
create function two() returns int language sql begin atomic select 1; select case when true then 2 else 3 end; end;
/* a /* nested; */ comment; */ create trigger slug before insert on shops for each row execute function slug();
insert into shops values (3, E'C\\';c')`,
  "20240103000000_index.sql":
    "create table later (id int);\ncreate index concurrently shops_slug on shops (slug);\ninsert into later values (1);",
  "20240104000000_own.sql": "begin;\ninsert into shops values (4, 'd');\ncommit;\n",
  "20240105000000_marked.sql":
    "-- pg-delta: transaction=false\ncreate index concurrently later_i on later (id);\ninsert into later values (2);\n",
  "20240106000000_windows.sql": "\ufeff-- a note\r\ninsert into later\r\n  values (3);\r\n",
  "20240107000000_nothing.sql": "-- nothing at all\n",
  "notes.sql": "nonsense",
};
const HISTORY = /supabase_migrations/;

async function push(db: TestDatabase, folder: string): Promise<string> {
  const args = ["db", "push", "--db-url", `${db.url}?sslmode=disable`, "--yes", "--workdir", folder];
  return succeed("supabase", args, { folder });
}

const projectOf = (files: Files) =>
  folderOf({
    "supabase/config.toml": 'project_id = "shop"\n',
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`supabase/migrations/${name}`, text])),
  });

const sourceIn = (folder: string) =>
  openInPlace(supabase, join(folder, "supabase/migrations"), { placeholders: {}, environment: {} });

describe("the Supabase CLI", () => {
  test("makes of a folder what we make of it, and keeps of it what we would keep", async ({ db }) => {
    const folder = projectOf(FILES);
    await push(db, folder);
    const there = await madeIn(db, HISTORY);
    expect(there.rows.shops).toHaveLength(4);
    const kept = await db.sql(
      "select version, name, statements from supabase_migrations.schema_migrations order by version",
    );

    await emptied(db, "supabase_migrations");
    const source = sourceIn(folder);
    await up({ ...targetOf({ url: db.url, folder }), source });
    expect(await madeIn(db, HISTORY)).toEqual(there);
    const { migrations } = await source.list();
    expect(
      migrations.map(({ tool, file }) => ({
        version: tool?.version,
        name: tool?.columns?.name,
        statements: supabaseStatements(FILES[file] ?? ""),
      })),
    ).toEqual(kept);
  });
});
