/** 35: `.ts` in development and `.js` in production are two migrations, or one that is "corrupt". */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import type { Target } from "../../src/run/session/target.ts";
import { openBundle, writeBundle } from "../../src/source/bundle/bundle.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { down, folderOf, recorder, targetOf, up } from "../support/target.ts";

const TYPESCRIPT = {
  "0001_a.sql": "-- migrate:up\ncreate table a (n int);\n-- migrate:down\ndrop table a;",
  "0002_b.ts": `import type { MigrationContext } from "godwit";
export const up = async ({ sql }: MigrationContext): Promise<void> => { await sql\`insert into a values (1)\`; };
export const down = async ({ sql }: MigrationContext): Promise<void> => { await sql\`delete from a\`; };
`,
};
const JAVASCRIPT = {
  "0001_a.sql": TYPESCRIPT["0001_a.sql"],
  "0002_b.js": `"use strict";
exports.up = async ({ sql }) => { await sql\`insert into a values (1)\`; };
exports.down = async ({ sql }) => { await sql\`delete from a\`; };
`,
};
const nothingToDo = { outcome: "done", steps: [], warnings: [] };

describe("35: a migration written in TypeScript and shipped compiled", () => {
  test("is one migration, whichever of the two was applied, and when both are there", async ({ db }) => {
    const development = targetOf({ url: db.url, folder: folderOf(TYPESCRIPT) });
    const production = targetOf({ url: db.url, folder: folderOf(JAVASCRIPT) });
    const both = targetOf({ url: db.url, folder: folderOf({ ...TYPESCRIPT, ...JAVASCRIPT }) });
    await up(development);
    for (const target of [production, both, development]) expect(await up(target)).toMatchObject(nothingToDo);

    await migrate(production, down("-1"), recorder());
    expect(await db.sql("select from a")).toEqual([]);
    await up(both);
    for (const target of [production, development]) expect(await up(target)).toMatchObject(nothingToDo);
    expect(await db.sql("select n from a")).toEqual([{ n: 1 }]);
    expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
  });

  test("is the same one in a frozen bundle, whose originals are gone", async ({ db }) => {
    const folder = folderOf(TYPESCRIPT);
    const development = targetOf({ url: db.url, folder });
    const options = { cacheFolder: null };
    const out = join(folderOf({}), "bundle");
    await writeBundle(development.source, out, options);
    await up(development);
    rmSync(folder, { recursive: true });

    const production: Target = { ...development, source: openBundle({ ...options, folder: out }) };
    expect(await up(production)).toMatchObject(nothingToDo);
    await migrate(production, down("base"), recorder());
    expect(await appliedIn(db)).toEqual([]);
    expect((await up(production)).steps).toHaveLength(2);
  });
});
