/** What an answer or a report names as the next step. */
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import { picture, put } from "../../support/import-place.ts";
import { until } from "../../support/until.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const MODULE = { "0002_m.js": "export async function up({ sql }) { await sql`create table m (id int)`; }" };
const IMPORT = { "godwit.config.json": JSON.stringify({ imports: { nas: { from: "pictures" } } }) };
const settled = (scene: Scene) => scene.settled();
const withPicture = async ({ folder }: Scene) =>
  put(join(folder, "pictures"), { "shop/template/a.png": await picture(1) });
const withTable = async (scene: Scene) => {
  await scene.run("init --import");
  await withPicture(scene);
};
const imported = async ({ db }: Scene) =>
  expect(await db.sql("select count(*)::int as n from design_images")).toEqual([{ n: 1 }]);

/** Stops at its second statement while `switch` is empty. */
const HALF = `-- godwit: transaction=off\n${A}\ncreate table b as select 1 / count(*) as n from switch;\n`;
const switchedOff = (scene: Scene) => scene.db.sql("create table switch (id int)");

/** Killed in a statement that commits by itself, so nobody knows what it kept. It sleeps while `slow` has a row. */
const CUT = {
  "0001_cut.sql": `-- godwit: transaction=off\n${A}\ndo $$ begin commit; perform pg_sleep(60) from slow; end $$;\n${B}\n`,
};
async function cut(scene: Scene): Promise<void> {
  await scene.db.sql("create table slow (id int); insert into slow values (1)");
  const run = scene.godwit.start("up");
  const asleep = `from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query like 'do %pg_sleep(60)%'`;
  await until(async () => (await scene.db.sql(`select ${asleep}`)).length > 0);
  run.child.kill("SIGKILL");
  await once(run.child, "close");
  await scene.db.sql(`select pg_terminate_backend(pid, 10000) ${asleep}; delete from slow`);
}

/** An app. Its end would end the migrations too. */
const ENDS_BEHIND_MIGRATIONS = `setInterval(() => {
  try {
    if (JSON.parse(require("node:fs").readFileSync("status.json", "utf8")).migrations.status === "completed") process.exit();
  } catch {}
}, 10);`;

export const NEXT: Readonly<Record<string, Row>> = {
  "a bundle is applied": {
    hints: ["cli/commands/build.ts run: godwit up --dir …"],
    files: TWO,
    says: "build",
    kept: settled,
  },
  "compatible with which image": {
    hints: ["cli/commands/compatible.ts run: godwit compatible --image-revisions <file>"],
    files: { ...TWO, "old.json": '["0001_a", "0002_b"]' },
    before: (scene) => scene.run("up"),
    says: "compatible",
    fill: { file: "old.json" },
    kept: async (_, [answer]) => expect(answer?.code).toBe(0),
  },
  "the list of the other image is no list": {
    hints: ["source/revisions.ts unreadable: godwit compatible --write revisions.json"],
    files: { ...TWO, "old.json": "{" },
    before: (scene) => scene.run("up"),
    says: "compatible --image-revisions old.json",
    kept: (scene) => scene.run("compatible --image-revisions revisions.json"),
  },
  "a migration without a name": {
    hints: ["cli/commands/create.ts slugOf: godwit new add shop slugs"],
    files: TWO,
    says: "new !!!",
    kept: async (_, [created]) => expect(created?.stdout).toContain("0003_add_shop_slugs.sql"),
  },
  "repair without a word": {
    hints: ["cli/commands/repair.ts requestOf: godwit repair --help"],
    files: TWO,
    says: "repair",
    kept: async (_, [help]) => expect(help?.stdout).toContain("--mark-done"),
  },
  "status names an import that has never run": {
    hints: ["cli/commands/status.ts importLines: godwit import …"],
    files: IMPORT,
    before: async (scene) => {
      await withTable(scene);
      await scene.run("up --phase startup");
    },
    says: "status",
    kept: imported,
  },
  "run without an app": {
    hints: ["cli/program.ts requireApp: godwit run -- …"],
    files: { ...TWO, "server.js": ENDS_BEHIND_MIGRATIONS },
    env: { NODE_ENV: "production", GODWIT_STATUS_FILE: "status.json" },
    says: "run",
    kept: settled,
  },
  "doctor finds no ledger": {
    hints: ["run/doctor.ts examineLedger: godwit up"],
    files: TWO,
    says: "doctor",
    kept: settled,
  },
  "no import is configured": {
    hints: ["assemble/imports.ts chooseImports: godwit import --from <folder>"],
    files: {},
    before: async (scene) => {
      await withTable(scene);
      await scene.run("up");
    },
    says: "import",
    fill: { folder: "pictures" },
    kept: imported,
  },
  "duplicates of nothing": {
    hints: [
      "run/duplicates.ts requireTables: godwit init --import",
      "run/duplicates.ts requireTables: godwit up",
      "run/duplicates.ts requireTables: godwit import --from <folder>",
    ],
    files: {},
    before: withPicture,
    says: "duplicates",
    fill: { folder: "pictures" },
    kept: imported,
  },
  "a script imports nothing: up does": {
    hints: ["run/sql-script.ts header: godwit up"],
    files: IMPORT,
    before: withTable,
    says: "up --sql --from base",
    kept: imported,
  },
  "a script imports nothing: import does": {
    hints: ["run/sql-script.ts header: godwit import …"],
    files: IMPORT,
    before: async (scene) => {
      await withTable(scene);
      await scene.run("up --phase startup");
    },
    says: "up --sql --from base",
    kept: imported,
  },
  "a script with a module: up runs it": {
    hints: ["run/script/module.ts notRenderable: godwit up"],
    files: { "0001_a.sql": A, ...MODULE },
    says: "up --sql --from base",
    kept: settled,
  },
  "killed in a statement that may have taken effect: it has": {
    hints: ["run/step/resume.ts undecided: godwit repair --mark-done …:…"],
    files: CUT,
    before: cut,
  },
  "killed in a statement that may have taken effect: it has not": {
    hints: ["run/step/resume.ts undecided: godwit repair --retry …:…"],
    files: CUT,
    before: cut,
  },
  "a statement that is done was edited: all of it is there": {
    hints: ["run/step/resume.ts checkUnchanged: godwit repair --mark-done …"],
    files: { "0001_half.sql": HALF },
    before: async (scene) => {
      await switchedOff(scene);
      await scene.fails("up");
      scene.write({ "0001_half.sql": HALF.replace("a (id int)", "a (id bigint)") });
    },
    byHand: (scene) => scene.db.sql("create table b (n int)"),
    // It counts as applied. The edit is another matter.
    kept: async (scene) => {
      scene.write({ "0001_half.sql": HALF });
      await scene.settled();
    },
  },
};
