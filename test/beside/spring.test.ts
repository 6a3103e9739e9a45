/** A Spring Boot project: its own settings say where the tool's history is, and nothing is run twice or elsewhere. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const RESOURCES = "src/main/resources";
const FLYWAY = `(installed_rank int primary key, version varchar(50), description varchar(200), type varchar(20), script varchar(1000),
  checksum int, installed_by varchar(100), installed_on timestamp default now(), execution_time int, success boolean)`;

test("Flyway's table and schema of application.yml are where its history is looked for", async ({ db }) => {
  const folder = folderOf({
    ".git/HEAD": "",
    [`${RESOURCES}/application.yml`]: "spring:\n  flyway:\n    default-schema: app\n    table: done\n",
    [`${RESOURCES}/db/migration/V1__a.sql`]: "create table a (id int);",
    [`${RESOURCES}/db/migration/V2__b.sql`]: "create table b (id int);",
  });
  await db.sql(`create schema app; create table app.a (id int); create table app.done ${FLYWAY};
    insert into app.done (installed_rank, version, description, type, script, success) values (1, '1', 'a', 'SQL', 'V1__a.sql', true)`);
  const godwit = commandIn({ folder, url: db.url });
  const options = ["--dir", `${RESOURCES}/db/migration`];
  expect((await godwit.fails(1, "up", ...options)).stderr).toContain("app.done");
  await godwit("adopt", ...options);
  // Names without a schema would go elsewhere.
  const { stderr } = await godwit.fails(1, "up", ...options);
  expect(stderr).toMatch(/\[LAYOUT_REFUSED\][\s\S]*--search-path app/);
  await godwit("up", ...options, "--search-path", "app");
  expect(await db.sql("select to_regclass('app.b') is not null as made")).toEqual([{ made: true }]);
});

test("Liquibase's default schema is refused by name until it is ours too", async ({ db }) => {
  const folder = folderOf({
    ".git/HEAD": "",
    "liquibase.properties": "defaultSchemaName=app\nchangeLogFile=db/changelog.sql\n",
    "db/changelog.sql": "--liquibase formatted sql\n--changeset ann:1\ncreate table a (id int);\n",
  });
  await db.sql("create schema app");
  const godwit = commandIn({ folder, url: db.url });
  const options = ["--dir", "db", "--layout", "liquibase"];
  const { stderr } = await godwit.fails(1, "up", ...options);
  expect(stderr).toMatch(/\[LAYOUT_REFUSED\][\s\S]*--search-path app/);
  await godwit("up", ...options, "--search-path", "app");
  expect(await db.sql("select to_regclass('app.a') is not null as made")).toEqual([{ made: true }]);
});
