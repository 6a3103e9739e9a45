/** Twenty containers of Brands in Blooms that start at once: one migrates, and all become ready. */
import { container, openProject, variablesOf, WAYS } from "../support/brands.ts";
import { expect, test } from "../support/database.ts";
import { startPostgrest } from "../support/postgrest.ts";

const CONTAINERS = 20;

for (const way of WAYS)
  test(`${way}: of twenty containers that start at once one migrates, and all become ready`, {
    timeout: 300_000,
  }, async ({ db }) => {
    await openProject(db);
    await using api = await startPostgrest(db);
    const { godwit } = container(variablesOf(way, { db, api }));
    const app = ["--wait", "--", process.execPath, "-e", "console.log('ready')"];
    // Each has a status file of its own, as each container has a /tmp of its own.
    const all = await Promise.all(
      Array.from({ length: CONTAINERS }, (_, n) =>
        godwit
          .with({ GODWIT_STATUS_FILE: "" })
          .launch(...app, String(n))
          .exits(0),
      ),
    );
    expect(all.map(({ stdout }) => stdout)).toEqual(Array(CONTAINERS).fill("ready\n"));
    const steps = all.flatMap(({ stderr }) => stderr.match(/\d+_\w+ applied/g) ?? []);
    expect(steps).toHaveLength(4);
    expect(all.filter(({ stderr }) => stderr.includes("everything is applied"))).toHaveLength(CONTAINERS - 1);
    expect(
      await db.sql(
        "select count(*)::int as files, count(distinct run_id)::int as runs from migration_history",
      ),
    ).toEqual([{ files: 4, runs: 1 }]);
  });
