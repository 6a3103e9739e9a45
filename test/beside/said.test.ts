/** What commands say that they have written into another tool's history. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;

test("what was applied before, and what baseline writes again", async ({ db }) => {
  const folder = folderOf({
    ".git/HEAD": "",
    "migrations/20240101000000_a.sql": file("a"),
    "migrations/20240102000000_b.sql": file("b"),
  });
  const godwit = commandIn({ folder, url: db.url });
  await godwit("up");
  const told = await godwit("up", "--mirror", "dbmate");
  expect(told.stdout + told.stderr).toContain(
    "2 migrations, applied before, are now also in the history of dbmate",
  );
  await db.sql("delete from schema_migrations");
  const { stdout } = await godwit("baseline", "head", "--mirror", "dbmate");
  expect(stdout).toMatch(/^Written to the history of dbmate \(public\.schema_migrations\)\.\nAlready/);
  expect((await godwit("baseline", "head", "--mirror", "dbmate")).stdout).toMatch(
    /^Nothing to declare\.\nAlready/,
  );
});

test("plan says what up would adopt", async ({ db }) => {
  const folder = folderOf({ ".git/HEAD": "", "migrations/20240101000000_a.sql": file("a") });
  const godwit = commandIn({ folder, url: db.url });
  await db.sql(
    "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101000000')",
  );
  await godwit("adopt", "--mirror", "dbmate");
  writeFiles(folder, { "migrations/20240102000000_b.sql": file("b") });
  await db.sql("insert into schema_migrations values ('20240102000000')");
  const line =
    "dbmate has applied 20240102000000_b (public.schema_migrations): `godwit up` adopts it and does not run it.\nNothing to apply.";
  expect((await godwit("plan", "--mirror", "dbmate")).stdout).toContain(line);
  const { json } = await godwit("plan", "--mirror", "dbmate", "--json");
  expect(json).toMatchObject({ plan: { steps: [], adopts: { revisions: ["20240102000000_b"] } } });
  await godwit("up", "--mirror", "dbmate");
  expect((await godwit("plan", "--mirror", "dbmate")).stdout).toBe("Nothing to do.\n");
});
