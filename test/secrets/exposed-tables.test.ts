/** In a schema that an API shows to everybody, the tables of Godwit are the owner's alone. */
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** As Supabase does it: every new table in `public` is everybody's. */
async function exposed(db: TestDatabase): Promise<void> {
  await db.admin(`do $$ begin
    perform pg_advisory_xact_lock(77007);
    if not exists (select from pg_roles where rolname = 'anon') then create role anon; create role authenticated; end if;
  end $$`);
  await db.admin("grant usage on schema public to anon, authenticated");
  await db.sql(
    "alter default privileges in schema public grant all on tables to public, anon, authenticated",
  );
}

const OPEN = `select relname, relrowsecurity as closed, relacl::text as acl from pg_class
  where relkind = 'r' and relnamespace = 'public'::regnamespace and relname ~ '^(migration|import|duplicate)_' order by 1`;

test("a ledger in public, and the tables about images: row-level security, and nothing granted", async ({
  db,
}) => {
  await exposed(db);
  const folder = folderOf({ "pictures/shop/template/none.txt": "" });
  const godwit = commandIn({ folder, url: db.url, env: { GODWIT_LEDGER_SCHEMA: "public" } });
  await godwit("init", "--import");
  await godwit("up");
  await godwit("import", "--from", "./pictures");
  const tables = await db.sql<{ relname: string; closed: boolean; acl: string }>(OPEN);
  expect(tables.map(({ relname }) => relname)).toEqual(
    expect.arrayContaining(["import_files", "migration_history", "migration_locks", "migration_tool_rows"]),
  );
  for (const { relname, closed, acl } of tables) {
    expect(closed, relname).toBe(true);
    expect(acl, relname).not.toMatch(/[{,](?:=|anon=|authenticated=)/);
  }
  // The table of the migration itself is the author's business.
  expect(await db.sql("select has_table_privilege('anon', 'design_images', 'select') as open")).toEqual([
    { open: true },
  ]);
});

test("a role that may use them but does not own them is told so by name, and how it becomes able to", async ({
  db,
}) => {
  await exposed(db);
  const role = `deployer_${db.name}`;
  await db.admin(`create role ${role} login`);
  try {
    await db.admin(`grant create, usage on schema public to ${role}`);
    const godwit = commandIn({
      folder: folderOf({ "migrations/0001_a.sql": "select 1;" }),
      url: db.url,
      env: { GODWIT_LEDGER_SCHEMA: "public" },
    });
    await godwit("up");
    await db.admin(`grant all on all tables in schema public to ${role}`);
    const other = new URL(db.url);
    other.username = role;
    const { stderr } = await godwit.fails(1, "up", "--database-url", other.href);
    expect(stderr).toContain("DATABASE_PRIVILEGE");
    expect(stderr).toContain('Only the owner of table "migration_locks" can do this');
    await db.admin(`grant ${db.owner} to ${role}`);
    await godwit("up", "--database-url", other.href);
  } finally {
    await db.admin(`drop owned by ${role}`);
    await db.admin(`drop role ${role}`);
  }
});
