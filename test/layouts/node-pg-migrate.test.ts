/** node-pg-migrate itself against us. */
import { resolve } from "node:path";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { downOne, judgeBeside, targetFor, upAll, withoutHistory } from "./judge.ts";

const TOOL = resolve("node_modules/.bin/node-pg-migrate");
const HISTORY = /\bpgmigrations/;

test("both make the same of a folder, in the same order, and on the way back", async ({ db }) => {
  const folder = folderOf({
    "migrations/1699999999999_first.sql":
      "-- Up Migration\ncreate table t (id int primary key, who text);\ninsert into t values (1, 'ä;b');\n\n-- Down Migration\ndrop table t;\n",
    // A time: 1700000000000, as the two below.
    "migrations/20231114221320000_second.sql": "alter table t add column second int default 2;\n",
    "migrations/1700000000000_a-10.sql":
      "-- up migration\ninsert into t select max(id) + 10, 'a-10' from t;\n",
    "migrations/1700000000000_a9.sql":
      "insert into t select max(id) + 9, 'a9' from t;\n-- down migration\n-- insert into t select max(id) + 100, 'back' from t;\n",
    "migrations/1700000000001_function.sql":
      "-- Down Migration\ndrop function f;\n-- Up Migration\ncreate function f() returns int language plpgsql as $$ begin return 1; -- ;\nend $$;\ncreate index t_who on t (who);\n",
    "migrations/.ignored.sql": "select nonsense",
  });
  const judge = await judgeBeside(db);
  const tool = (direction: string) =>
    judge.run(TOOL, [direction, "--migrations-dir", "migrations"], {
      cwd: folder,
      environment: { DATABASE_URL: judge.url },
    });
  const target = await targetFor(db, { layout: "node-pg-migrate", folder: `${folder}/migrations` });

  await tool("up");
  await upAll(target);
  expect(await withoutHistory(db.admin, HISTORY)).toEqual(await withoutHistory(judge.query, HISTORY));
  const { migrations } = await target.source.list();
  const rows = await judge.query("select name from pgmigrations order by id");
  expect(migrations.map(({ tool }) => tool?.columns)).toEqual(rows);

  await tool("down");
  await downOne(target);
  const ours = await withoutHistory(db.admin, HISTORY);
  expect(ours).toEqual(await withoutHistory(judge.query, HISTORY));
  expect(ours.schema.filter((line) => line.startsWith("function"))).toEqual([]);
});
