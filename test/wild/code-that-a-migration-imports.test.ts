/** 37: a data migration imports the application's models, which move on. */
import { join } from "node:path";
import { describe } from "vitest";
import type { Target } from "../../src/run/session/target.ts";
import { openBundle, writeBundle } from "../../src/source/bundle/bundle.ts";
import { openPlain } from "../../src/source/plain/plain.ts";
import { expect, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const options = { cacheFolder: null };

const migrationThatUses = (model: string) => `import { defaultMood } from "${model}";
export async function up({ sql }: any) {
  await sql\`create table shops (mood text)\`;
  await sql\`insert into shops values (\${defaultMood})\`;
}
`;

describe("37: a migration and the code it imports", () => {
  test("from outside its folder is not frozen, and the import is shown", async () => {
    const project = folderOf({
      "src/model.ts": 'export const defaultMood = "calm";',
      "migrations/0001_shops.ts": migrationThatUses("../src/model.ts"),
    });
    const source = openPlain({ ...options, folder: join(project, "migrations") });
    const { problems } = await refusalOf(writeBundle(source, join(project, "out"), options));
    expect(problems).toMatchObject([
      { code: "SOURCE_MODULE_IMPORT", place: { file: "0001_shops.ts", line: 1, column: 29 } },
    ]);
  });

  test("means in a bundle for ever what it meant when it was frozen", async ({ db }) => {
    const folder = folderOf({
      "0001_shops.ts": migrationThatUses("./lib/model.ts"),
      "lib/model.ts": 'export const defaultMood = "calm";',
    });
    const target = targetOf({ url: db.url, folder });
    const out = join(folderOf({}), "bundle");
    await writeBundle(target.source, out, options);
    writeFiles(folder, { "lib/model.ts": 'export const defaultMood = "wild";' });

    const image: Target = { ...target, source: openBundle({ ...options, folder: out }) };
    await up(image);
    expect(await db.sql("select mood from shops")).toEqual([{ mood: "calm" }]);
  });
});
