/** Many containers start at once over HTTPS: one migrates, and all become ready. */
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { installFunction, startPostgrest } from "../support/postgrest.ts";
import { folderOf } from "../support/target.ts";

/** Each is a process; of the twenty that a deployment may start, as many as show it. */
const CONTAINERS = 6;

test("processes that start at once: each migration runs once, and every one ends with 0", {
  timeout: 120_000,
}, async ({ db }) => {
  await installFunction(db);
  await db.sql("create table effects (what text)");
  await using api = await startPostgrest(db);
  const command = commandIn({
    folder: folderOf({
      "migrations/0001_a.sql": "insert into effects values ('a');",
      "migrations/0002_b.sql": "insert into effects values ('b');",
    }),
    env: api.env,
  });
  const ended = await Promise.all(Array.from({ length: CONTAINERS }, () => command("up", "--json")));
  const steps = ended.flatMap(({ json }) =>
    json.report.steps.map(({ revision }: { revision: string }) => revision),
  );
  expect(steps).toEqual(["0001_a", "0002_b"]);
  expect(await db.sql("select what from effects order by 1")).toEqual([{ what: "a" }, { what: "b" }]);
  expect(
    await db.sql(`select count(distinct run_id)::int as runs from "${ledgerSchema}".migration_history`),
  ).toEqual([{ runs: 1 }]);
});
