/** The law of `same.test.ts` for files: both doors import them, list what is there twice, and store decisions alike. */
import { IMAGE_TABLE } from "../../src/images/image-table.ts";
import {
  decide,
  doctor,
  dryRun,
  duplicates,
  importing,
  importRuns,
  script,
  sheet,
  status,
  up,
} from "../support/acts.ts";
import { test } from "../support/database.ts";
import { throughBothDoors } from "../support/doors.ts";

const star = (side: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 60 60"><path d="M30 4l8 17 18 2-14 12 5 19-17-10-17 10 5-19L4 23l18-2z"/></svg>`;

const TABLE = { "0001_design_images.sql": IMAGE_TABLE };
const DESIGNS = {
  "designs/harbour/mug/a.svg": star(600),
  "designs/harbour/mug/b.svg": star(300),
  "designs/ink/mug/c.svg": star(400),
  "designs/ink/mug/broken.png": "no picture at all",
};
// One file after the other: the ids that the files get are the same.
const imports = { designs: { from: "designs", workers: 1, settle: "0s" } };
const config = { imports, dir: "." };

test("imports, their state, duplicates, and decisions about them", { timeout: 120_000 }, async ({ db }) =>
  throughBothDoors(db, {
    files: { ...TABLE, ...DESIGNS },
    config,
    scenes: [
      importRuns(),
      duplicates(),
      decide({ kind: "keep", file: 1 }),
      dryRun(),
      script(),
      up(),
      status,
      importRuns(),
      importRuns("designs"),
      importRuns("nonsense"),
      duplicates(),
      sheet,
      decide({ kind: "distinct", files: ["harbour/mug/a.svg", "ink/mug/c.svg"] }),
      duplicates(),
      decide({ kind: "forget", files: ["harbour/mug/a.svg"] }),
      decide({ kind: "keep", file: "harbour/mug/a.svg", others: ["harbour/mug/b.svg"] }),
      duplicates(true),
      decide({ kind: "keep", file: 4711 }),
      { files: { "designs/ink/mug/d.svg": star(500) } },
      importing(),
      importing("designs", true),
      importing("desings"),
      doctor,
    ],
  }),
);

test("an import that fails, one without a table, and none at all", { timeout: 120_000 }, async ({ db }) => {
  await throughBothDoors(db, {
    files: { "0001_a.sql": "create table a ();" },
    scenes: [importing(), importing("designs"), importRuns()],
  });
  await throughBothDoors(db, {
    files: { "0001_b.sql": "create table b ();" },
    config,
    scenes: [importing(), importRuns(), status, { files: DESIGNS }, importing(), importRuns(), up()],
  });
});
