/** What is not run among the migrations (other languages' programs, SQL that the layout leaves alone) is named, once, and stops nothing. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { type Files, folderOf } from "../support/target.ts";

const FOLDERS: Readonly<Record<string, Files>> = {
  "our own folder": {
    "migrations/0001_a.sql": "create table a (id int);",
    "migrations/0002_old.py": "x = 1",
  },
  "a folder of dbmate": {
    "db/migrations/20260101000000_a.sql":
      "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
    "db/migrations/20260102000000_old.rb": "class Old; end",
  },
  "a journal of Drizzle, and SQL outside of it": {
    "drizzle/0000_a.sql": "create table a (id int);",
    "drizzle/0001_draft.sql": "select nonsense;",
    "drizzle/meta/_journal.json": JSON.stringify({
      version: "5",
      dialect: "pg",
      entries: [{ idx: 0, version: "5", when: 1_700_000_000_000, tag: "0000_a", breakpoints: true }],
    }),
  },
  "a folder of Supabase with a file without a number": {
    "supabase/migrations/20260101000000_a.sql": "create table a (id int);",
    "supabase/migrations/later.sql": "select nonsense;",
  },
  "pairs of golang-migrate, and a file without a direction": {
    "go.mod": "module x",
    "godwit.config.json": JSON.stringify({ layout: "golang-migrate" }),
    "m/1_a.up.sql": "create table a (id int);",
    "m/2_b.sql": "select nonsense;",
  },
  "Flyway's undo": {
    "sql/V1__a.sql": "create table a (id int);",
    "sql/U1__a.sql": "drop table a;",
  },
};

test.for(Object.entries(FOLDERS))("in %s", async ([, files], { db }) => {
  const dir = Object.keys(files)
    .find((name) => name.endsWith(".sql"))
    ?.replace(/\/[^/]*$/, "");
  const godwit = commandIn({ folder: folderOf(files), url: db.url, env: { GODWIT_DIR: dir ?? "" } });
  for (const command of [["plan"], ["up", "--dry-run"], ["up"], ["status"]]) {
    const { stdout, stderr } = await godwit(...command);
    const said = `${stdout}\n${stderr}`.match(/\S+\.(?:py|rb|sql) is passed over/g);
    expect(said, command[0]).toHaveLength(1);
  }
  for (const command of [["plan"], ["status"], ["up", "--dry-run"]]) {
    const { json } = await godwit(...command, "--json");
    const { warnings } = json.plan ?? json.report ?? json;
    const found = warnings.filter(({ code }: { code: string }) => code === "SOURCE_FILE_NAME");
    expect(found, command[0]).toHaveLength(1);
  }
});

test("of many schemas that share the files, it is said once", async ({ db }) => {
  const names = ["a", "b", "c", "d"];
  await db.sql(names.map((name) => `create schema tenant_${name};`).join(""));
  const folder = folderOf({
    "migrations/0001_a.sql": "",
    "migrations/0002_old.py": "x = 1",
    "godwit.config.json": JSON.stringify({
      targets: { shop: { url: { variable: "SHOP_URL" }, schemas: names.map((name) => `tenant_${name}`) } },
    }),
  });
  const godwit = commandIn({ folder, env: { SHOP_URL: db.url, GODWIT_LEDGER_SCHEMA: "" } });
  const { stderr } = await godwit("up");
  expect(stderr.match(/0002_old\.py is passed over/g)).toHaveLength(1);
  expect(stderr.match(/0001_a\.sql does nothing/g)).toHaveLength(1);
});
