/** Two projects in one database, each with its own ledger: the table of a tool that one of them has is not the other's. */
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf, writeFiles } from "../support/target.ts";

const file = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;
const SECOND = ["--ledger-schema", "second", "--allow-second-ledger"];
const versions = async (db: TestDatabase, table = "schema_migrations") =>
  (await db.sql(`select version from ${table} order by 1`)).map(({ version }) => version);
const projects = (db: TestDatabase) => ({
  first: commandIn({ folder: folderOf({ "migrations/0001_a.sql": file("a") }), url: db.url }),
  second: commandIn({
    folder: folderOf({ "migrations/0001_x.sql": file("x"), "migrations/0002_y.sql": file("y") }),
    url: db.url,
  }),
});
const DBMATE = ["--layout", "dbmate", "--mirror", "dbmate"];

test("kept in step by both: refused, and each way out leads on", async ({ db }) => {
  const { first, second } = projects(db);
  await first("up", ...DBMATE);
  for (const command of ["up", "adopt"]) {
    const { stderr } = await second.fails(1, command, ...DBMATE, ...SECOND);
    expect(stderr).toContain("[ADOPT_AMBIGUOUS]");
    expect(stderr).toContain("has 0001_a in it");
  }
  expect(await versions(db)).toEqual(["0001"]);
  // A table of its own.
  const own = ["--layout", "dbmate", "--mirror", "dbmate:public.second_migrations", ...SECOND];
  expect((await second("up", ...own)).stdout).toContain("2 migrations applied");
  expect(await versions(db)).toEqual(["0001"]);
  expect(await versions(db, "second_migrations")).toEqual(["0001", "0002"]);
  expect((await first("up", ...DBMATE)).stdout).toContain("nothing to do");
});

test("not kept in step by the second one: another project's by a word", async ({ db }) => {
  const { first, second } = projects(db);
  await first("up", ...DBMATE);
  const options = ["--layout", "dbmate", ...SECOND];
  expect((await second.fails(1, "up", ...options)).stderr).toContain("[ADOPT_AMBIGUOUS]");
  const none = ["--mirror", "none:public.schema_migrations"];
  expect((await second("up", ...options, ...none)).stdout).toContain("2 migrations applied");
  expect(await versions(db)).toEqual(["0001"]);
});

test("theirs all the same, says a person who names the table", async ({ db }) => {
  const { first, second } = projects(db);
  await first("up", ...DBMATE);
  const options = ["--layout", "dbmate", ...SECOND];
  await second("adopt", "--table", "public.schema_migrations", ...options);
  expect((await second("up", ...options)).stdout).toContain("1 migration applied");
});

test("not kept in step by either: what the tool applies for one of them is not taken over by the other", async ({
  db,
}) => {
  const { second } = projects(db);
  const folder = folderOf({ "migrations/0001_a.sql": file("a") });
  const first = commandIn({ folder, url: db.url });
  const [one, other] = [
    ["--layout", "dbmate"],
    ["--layout", "dbmate", ...SECOND],
  ];
  await db.sql("create table schema_migrations (version varchar primary key)");
  await first("up", ...one);
  await second("up", "0001_x", ...other);
  // Of the first one's files.
  await db.sql("insert into schema_migrations values ('0002'); create table b ()");
  writeFiles(folder, { "migrations/0002_b.sql": file("b") });
  await first("adopt", ...one);
  for (const command of ["up", "adopt"]) {
    const { stderr } = await second.fails(1, command, ...other);
    expect(stderr).toContain("[ADOPT_AMBIGUOUS]");
    expect(stderr).toContain("has 0002_b in it");
  }
  const none = ["--mirror", "none:public.schema_migrations"];
  expect((await second("up", ...other, ...none)).stdout).toContain("1 migration applied");
  expect((await first("up", ...one)).stdout).toContain("nothing to do");
});
