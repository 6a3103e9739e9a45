/** Several imports into one database at the same time. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openScene, type Rows, type Scene } from "../support/import-scene.ts";
import { withoutSshd } from "../support/sshd.ts";

describe.skipIf(withoutSshd)("imports at the same time", () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test("of the same name: one waits for the other, and every row is there once", {
    timeout: 60_000,
  }, async () => {
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
    for (let round = 1; round <= 3; round++) {
      // A fresh database: they make the tables at the same time, too.
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
    }
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
