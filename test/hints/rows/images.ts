/** Duplicates, and the import that makes them known. */
import { join } from "node:path";
import sharp from "sharp";
import { imageTables } from "../../../src/images/sql.ts";
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import { makeImageTable, picture, put } from "../../support/import-place.ts";
import { until } from "../../support/until.ts";

const CONFIGURED = { "godwit.config.json": JSON.stringify({ imports: { nas: { from: "pictures" } } }) };
const t = imageTables(ledgerSchema);

const one = await picture(1);
const two = await picture(2);
const COPIES = { "a.png": one, "b.png": one };
/** One design in two formats. */
const FORMATS = { "a.png": one, "b.webp": await sharp(one).webp({ lossless: true }).toBuffer() };

/** Imports pictures from `pictures`. */
const imported =
  (pictures: Readonly<Record<string, Buffer>>, line = "import --from pictures") =>
  async ({ db, folder, run }: Scene) => {
    await makeImageTable(db);
    const files = Object.entries(pictures).map(([name, bytes]) => [`shop/cards/${name}`, bytes]);
    put(join(folder, "pictures"), Object.fromEntries(files));
    await run(line);
  };

/** As an earlier release stored them. */
const withoutColours = (line?: string) => async (scene: Scene) => {
  await imported(FORMATS, line)(scene);
  await scene.db.sql(`delete from ${t.colours}`);
};

const counts = async ({ run }: Scene) => (await run("duplicates --json")).json.counts;
const decided = async (scene: Scene) =>
  expect(await counts(scene)).toMatchObject({ exact: 0, same: 0, review: 0 });
const withPictures = async (scene: Scene) =>
  expect(scene.read("duplicates.html")).toContain("data:image/webp;base64,");

export const IMAGES: Readonly<Record<string, Row>> = {
  "the pictures of what is there twice": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates… --html duplicates.html……"],
    files: CONFIGURED,
    before: imported(COPIES, "import"),
    says: "duplicates",
    kept: withPictures,
  },
  "the pictures of an import that is not configured": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates… --html duplicates.html……"],
    files: {},
    before: imported(COPIES),
    says: "duplicates",
    kept: withPictures,
  },
  "the pictures of an import whose folder is named": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates… --html duplicates.html……"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --from pictures",
    kept: withPictures,
  },
  "what is there twice in one of several targets": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates… --html duplicates.html……"],
    files: {
      "godwit.config.json": JSON.stringify({
        targets: {
          shop: { url: { variable: "DATABASE_URL" }, imports: { nas: { from: "pictures" } } },
          other: { url: { variable: "OTHER_URL" } },
        },
      }),
    },
    before: imported(COPIES, "import --target shop"),
    says: "duplicates --target shop",
    kept: async (scene) => {
      await withPictures(scene);
      const onSheet = scene.read("duplicates.html").match(/duplicates --(?:keep|distinct) [^<"]+/g) ?? [];
      const { stdout } = await scene.run("duplicates --target shop");
      const listed = stdout.match(/duplicates --(?:keep|distinct)(?: \d+)+(?: --\w+ \w+)?/g) ?? [];
      expect([...onSheet, ...listed].filter((line) => !line.endsWith(" --target shop"))).toEqual([]);
      await scene.run(listed[0] ?? "no command");
    },
  },
  "a sheet without pictures": {
    hints: ["cli/commands/duplicates.ts sheetTo: godwit duplicates … --html……"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --html duplicates.html --kind exact",
    fill: { origin: "pictures" },
    kept: withPictures,
  },
  "the next page of what is asked for": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates… --offset ………"],
    files: {},
    before: async (scene) => {
      await imported({ ...COPIES, "c.png": two, "d.png": two })(scene);
      await scene.run("duplicates --keep shop/cards/a.png");
    },
    says: "duplicates --kind exact --limit 1 --all",
    kept: async (_, [next]) => {
      expect(next?.stdout.match(/Group \d/g)).toHaveLength(1);
      expect(next?.stdout).not.toContain("Next:");
    },
  },
  "what was imported while the list was made": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit duplicates……"],
    files: {},
    before: async (scene) => {
      await imported(FORMATS)(scene);
      await scene.run("duplicates");
      const importing = await scene.db.connect();
      await importing.query(`begin; update ${t.hashes} set compared = false; lock table ${t.files}`);
      const waits = `select from pg_locks where not granted and relation = '${t.files}'::regclass`;
      void until(async () => (await scene.db.admin(waits)).length > 0).then(() => importing.query("commit"));
    },
    says: "duplicates",
    kept: async (_, [again]) => {
      expect(again?.stdout).toContain("1 of the same design");
      expect(again?.stdout).not.toContain("to be compared");
    },
  },
  "colours that an earlier release did not read": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit import… --colours…"],
    files: CONFIGURED,
    before: withoutColours("import"),
    says: "duplicates",
    kept: async (scene) => expect(await counts(scene)).toMatchObject({ same: 1, unsure: 0 }),
  },
  "colours that an earlier release did not read, of an import that is not configured": {
    hints: ["cli/commands/duplicates.ts commandsOf: godwit import… --colours…"],
    files: {},
    before: withoutColours(),
    says: "duplicates",
    kept: async (scene) => expect(await counts(scene)).toMatchObject({ same: 1, unsure: 0 }),
  },
  "colours that are not known leave a file open": {
    hints: ["cli/commands/duplicates.ts sentence: godwit duplicates --keep … ……"],
    files: {},
    before: withoutColours(),
    says: "duplicates --keep shop/cards/a.png",
    kept: decided,
  },
  "a file that was not imported": {
    hints: ["duplicates/decide.ts BY_NAME: godwit duplicates"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --keep nothing",
    kept: async (scene, [list]) => {
      const [, id] = /(\d+) +64 x 64 .*shop\/cards\/b\.png/.exec(list?.stdout ?? "") ?? [];
      await scene.run(`duplicates --keep ${id}`);
      await decided(scene);
    },
  },
  "a file as a copy of itself": {
    hints: ["duplicates/decide.ts decide: godwit duplicates --keep … <id …>"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --keep shop/cards/a.png shop/cards/a.png",
    fill: { "id …": "shop/cards/b.png" },
    kept: decided,
  },
  "a file as a copy of itself, and its group is meant": {
    hints: ["duplicates/decide.ts decide: godwit duplicates --keep …"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --keep shop/cards/a.png shop/cards/a.png",
    fill: { "id …": "shop/cards/b.png" },
    kept: decided,
  },
  "a file in no group": {
    hints: ["duplicates/decide.ts groupAround: godwit duplicates --keep … <id …>"],
    files: {},
    before: imported({ "a.png": one, "b.png": two }),
    says: "duplicates --keep shop/cards/a.png",
    fill: { "id …": "shop/cards/b.png" },
    kept: async (_, [kept]) => expect(kept?.stdout).toContain("1 other is a copy of it"),
  },
  "one file alone is another design": {
    hints: ["duplicates/decide.ts tooFew: godwit duplicates --… … <id …>"],
    files: {},
    before: imported(COPIES),
    says: "duplicates --distinct shop/cards/a.png",
    fill: { "id …": "shop/cards/b.png" },
    kept: decided,
  },
};
