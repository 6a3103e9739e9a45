/** 44: the wrapper is killed (`timeout docker compose run …`), the container lives on and is at work; and the next one starts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { parse } from "yaml";
import { root } from "../../scripts/fresh.mjs";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

test("44: the next run waits for the one that lives on, finds nothing left, and ends well", async ({
  db,
}) => {
  const gate = new pg.Client(db.url);
  await gate.connect();
  try {
    await gate.query("select pg_advisory_lock(44)");
    const folder = folderOf({
      "migrations/0001_a.sql": "select pg_advisory_xact_lock(44); create table a ();",
    });
    const godwit = commandIn({ folder, url: db.url, env: { GODWIT_LOCK_TIMEOUT: "none" } });
    const orphan = godwit.start("up", "--json");
    await until(
      async () =>
        (await db.sql("select from pg_locks where locktype = 'advisory' and objid = 44 and not granted"))
          .length > 0,
    );
    const next = godwit.start("up", "--json");
    await next.says("waiting");
    await gate.query("select pg_advisory_unlock(44)");
    expect((await next.exits(0)).json.report).toMatchObject({ outcome: "done", steps: [] });
    expect((await orphan.exits(0)).json.report.steps).toMatchObject([{ revision: "0001_a" }]);
  } finally {
    await gate.end();
  }
});

test("44: in the example the services wait for a job that ran to its end, and no name can clash", () => {
  const compose = readFileSync(join(root, "examples/meter-lab/compose.yaml"), "utf8");
  expect(parse(compose).services.migrate).toMatchObject({ restart: "no" });
  expect(compose).toContain("migrate: { condition: service_completed_successfully }");
  expect(compose).not.toContain("container_name");
});
