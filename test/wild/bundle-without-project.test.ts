/** 36: migrations in TypeScript cannot run in the image, which has no compiler. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../../src/run/session/target.ts";
import { openBundle, writeBundle } from "../../src/source/bundle/bundle.ts";
import { expect, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

test("36: a bundle runs without TypeScript, the project and its files", async ({ db }) => {
  const folder = folderOf({
    "package.json": '{ "type": "module" }',
    "0001_a.sql": "create table a (n int);",
    "0002_b.ts": `import { rows } from "./data/rows.ts";
export async function up({ sql }: { sql: (parts: TemplateStringsArray, ...values: unknown[]) => Promise<unknown> }) {
  for (const row of rows satisfies readonly number[]) await sql\`insert into a values (\${row})\`;
}
`,
    "data/rows.ts": "export const rows: readonly number[] = [1, 2];",
  });
  const target = targetOf({ url: db.url, folder });
  const out = join(folderOf({}), "bundle");
  const options = { cacheFolder: null };
  await writeBundle(target.source, out, options);
  rmSync(folder, { recursive: true });

  const files = readdirSync(out, { recursive: true }).map(String);
  expect(files.filter((file) => /\.[cm]?ts$/.test(file))).toEqual([]);

  const image: Target = { ...target, source: openBundle({ ...options, folder: out }) };
  await up(image);
  expect(await db.sql("select n from a order by n")).toEqual([{ n: 1 }, { n: 2 }]);
});
