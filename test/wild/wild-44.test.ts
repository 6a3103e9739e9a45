/** 44: the wrapper is killed (`timeout docker compose run …`), the container lives on and is at work; and the next one starts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

test("44: the next run waits for the one that lives on, finds nothing left, and ends well", async ({
  db,
}) => {
  const folder = folderOf({ "migrations/0001_a.sql": "select pg_sleep(1.5); create table a ();" });
  const godwit = commandIn({ folder, url: db.url });
  const orphan = godwit.start("up", "--json");
  await until(
    async () =>
      (
        await db.sql(
          "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ~ 'pg_sleep'",
        )
      ).length > 0,
  );
  const next = await godwit("up", "--json");
  expect(next.json.report).toMatchObject({ outcome: "done", steps: [] });
  expect((await orphan.exits(0)).json.report.steps).toMatchObject([{ revision: "0001_a" }]);
});

test("44: in the example the services wait for a job that ran to its end, and no name can clash", () => {
  const compose = readFileSync(join(root, "examples/meter-lab/compose.yaml"), "utf8");
  expect(compose).toMatch(/^ {2}migrate:\n {4}build: \.\n {4}restart: "no"$/m);
  expect(compose).toContain("migrate: { condition: service_completed_successfully }");
  expect(compose).not.toContain("container_name");
});
