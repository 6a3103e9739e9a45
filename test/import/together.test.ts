/** Several imports into one database at the same time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ledgerSchema } from "../support/database.ts";
import { openScene, type Rows, type Scene } from "../support/import-scene.ts";
import { withoutSshd } from "../support/sshd.ts";

describe.skipIf(withoutSshd)("imports at the same time", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("of the same name: one waits for the other, and every row is there once", async () => {
    const { rows, report } = await scene.undisturbed();
    const place = await scene.place();
    const runs = [1, 2].map(() => place.command().start("import", "--json"));
    await Promise.race(runs.map((run) => run.says("waiting")));
    const reports = await Promise.all(runs.map(async (run) => (await run.exits(0)).json.imports[0]));
    expect(await place.rows()).toEqual(rows);
    expect(reports.map(({ stored }) => stored).sort((a, b) => a - b)).toEqual([0, report.stored]);
    expect(reports.map(({ bytesRead }) => bytesRead).sort((a, b) => a - b)).toEqual([0, report.bytesRead]);
  });

  test("of different names with the same pictures: nobody fails, and contents are shared", {
    timeout: 120_000,
  }, async () => {
    const { rows } = await scene.undisturbed();
    const names = ["nas", "second", "third", "fourth"];
    const place = await scene.place();
    const command = place.command({
      imports: Object.fromEntries(names.map((name) => [name, { workers: 1 }])),
    });
    const runs = names.map((name) => command.start("import", name, "--json"));
    await Promise.all(runs.map((run) => run.exits(0)));
    const found = await place.rows();
    expect(found.contents).toEqual(rows.contents);
    expect(found.hashes).toEqual(rows.hashes);
    for (const name of names) expect(ownRows(found, name), name).toEqual(ownRows(rows, "nas"));
  });
});

describe.skipIf(withoutSshd)("first imports and a migration at the same time", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({
      designs: 1,
      trouble: false,
      migrations: { "0001_counted.sql": "create table counted (n int);" },
    });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const schema = `"${ledgerSchema}"`;
  for (const [what, { count, before, blocker, pooling, waiting }] of Object.entries({
    "the schema": {
      ...{ count: 10, before: "", pooling: "session", waiting: 11 },
      blocker: `create schema ${schema}`,
    },
    "the locks' table": {
      ...{ count: 4, before: `create schema ${schema}`, pooling: "session", waiting: 5 },
      blocker: `create table ${schema}.migration_locks (n int)`,
    },
    "the images' tables": {
      ...{ count: 4, before: `create schema ${schema}`, pooling: "session", waiting: 4 },
      blocker: `create table ${schema}.import_hashes (n int)`,
    },
    // For a lease nobody waits longer than a second at a time.
    "everything, under leases,": {
      ...{ count: 4, before: "", pooling: "transaction", waiting: 3 },
      blocker: `create schema ${schema}`,
    },
  }))
    test(`make ${what} at once, each under a lock of its own: nobody fails`, {
      timeout: 120_000,
    }, async () => {
      const names = Array.from({ length: count }, (_, n) => `import${n}`);
      const place = await scene.place();
      const command = place.command({
        imports: Object.fromEntries(names.map((name) => [name, { workers: 1 }])),
        env: { GODWIT_POOLING: pooling },
      });
      await using gate = await place.transaction(before, blocker);
      const runs = [
        ...names.map((name) => command.start("import", name, "--json")),
        command.with({ MIGRATION_MODE: "startup" }).start("up", "--json"),
      ];
      await gate.untilWaiting(waiting);
      await gate.rollback();
      await Promise.all(runs.map((run) => run.exits(0)));
      expect((await place.rows()).images).toHaveLength(count * scene.manifest.files.length);
      expect(await place.sql("select from counted")).toEqual([]);
    });
});

/** The rows of one import, as if it were called something else. */
function ownRows({ images, files }: Rows, name: string) {
  const called = `"import_name": "${name}"`;
  return {
    images: images.filter((row) => row.includes(called)).map((row) => row.replace(called, "")),
    files: files.filter((row) => row.startsWith(`${name} `)).map((row) => row.slice(name.length)),
  };
}
