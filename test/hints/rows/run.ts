/** What ends a run, and folders in which nothing can be found. */

import type { Finished, Running } from "../../support/command.ts";
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import type { Files } from "../../support/target.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const down = (table: string) => `\n-- migrate:down\ndrop table ${table};\n`;
const BACK = {
  "0001_a.sql": `-- migrate:up\n${A}${down("a")}`,
  "0002_b.sql": `-- migrate:up\n${B}${down("b")}`,
};
const MODULE = {
  "0002_m.ts":
    "export async function up({ sql }) { const [row] = await sql`select 1 as n`; if (row.n === 1) await sql`create table m (id int)`; }",
};

/** Its way back stops after its first statement while `switch` is empty. */
const HALF_BACK = {
  ...BACK,
  "0002_b.sql": `-- migrate:up\n${B}\n-- migrate:down transaction:false\ndrop table b;\ncreate table c as select 1 / count(*) as n from switch;\n`,
};

const ROWS = "create table a (id int primary key, n int); insert into a select generate_series(1, 200);";
/** Its 150th row meets a table that does not exist, when 100 rows are done. */
const FILLED = `${ROWS}
 create function missing() returns trigger language plpgsql as $$ begin if new.id = 150 then perform from missing; end if; return new; end $$;
 create trigger missing before update on a for each row execute function missing();`;
const FILL = "-- godwit: backfill table=a\n-- godwit: where n is null\nupdate a set n = 1 where :window;\n";

const IMPORT = {
  "pictures/.gitkeep": "",
  "godwit.config.json": JSON.stringify({ imports: { nas: { from: "pictures" } } }),
};

/** A trigger on the log does this to the row of the history, and lets no row into the log. */
const untold = (
  what: string,
) => `create function untold() returns trigger language plpgsql as $$ begin ${what}; return null; end $$;
 create trigger untold before insert on "${ledgerSchema}".migration_log for each row execute function untold()`;
const told = "drop function untold cascade";
const ROW = `"${ledgerSchema}".migration_history`;

/** A backfill in the background that another run is carrying out, slowly. */
const BESIDE: Files = {
  "0001_a.sql": `${ROWS.replace("200)", "3000)")}\n`,
  "0002_fill.sql": FILL.replace("table=a", "table=a background=yes min-rows=100 max-rows=100"),
  "0003_b.sql": `-- godwit: requires=0002_fill\n${B}`,
};
const runs = new WeakMap<Scene, Running>();
const besideAnother = {
  files: BESIDE,
  before: async (scene: Scene) => {
    await scene.run("up 0001_a");
    await scene.run("backfill rate 0002_fill 100");
    const running = scene.godwit.start("up");
    runs.set(scene, running);
    await running.says("0002_fill begins");
  },
  looks: true,
  kept: async (scene: Scene, [followed]: readonly Finished[]) => {
    expect(followed?.stdout).toContain("0002_fill");
    await scene.run("backfill rate 0002_fill 1000000");
    await runs.get(scene)?.exits(0);
    await scene.settled();
  },
} as const;

export const RUN: Readonly<Record<string, Row>> = {
  "another run is carrying out a backfill in the background": {
    ...besideAnother,
    hints: ["core/background.ts runningWarning: godwit backfill status …"],
  },
  "what is asked for waits for a backfill that another run is carrying out": {
    ...besideAnother,
    hints: ["core/background.ts targetWaits: godwit backfill status"],
    says: "up 0003_b",
  },
  "a backfill that another run is carrying out is to be forgotten": {
    ...besideAnother,
    hints: ["core/background.ts runningProblem: godwit backfill status …"],
    says: (db) => `repair --forget 0002_fill --confirm ${db.name}`,
  },
  "a trigger on the ledger hides what became of a file: it is complete": {
    hints: ["run/step/ended.ts endedTransaction: godwit repair --mark-done …"],
    files: TWO,
    before: async (scene) => {
      await scene.run("up 0001_a");
      await scene.db.sql(untold(`delete from ${ROW} where revision = new.revision`));
    },
    byHand: (scene) => scene.db.sql(told),
  },
  "a trigger on the ledger hides what became of a file: it may run again": {
    hints: ["run/step/ended.ts endedTransaction: godwit repair --retry …"],
    files: TWO,
    before: async (scene) => {
      await scene.run("up 0001_a");
      await scene.db.sql(untold(`update ${ROW} set state = 'partial' where revision = new.revision`));
    },
    byHand: (scene) => scene.db.sql(`${told}; drop table b`),
  },
  "a trigger on the ledger hides what became of a way back: it is taken back": {
    hints: ["run/step/ended.ts endedTransaction: godwit repair --forget …"],
    files: BACK,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql(`create table public.kept as select * from ${ROW} where revision = '0002_b';
 ${untold(`insert into ${ROW} select * from public.kept`)}`);
    },
    says: "down -1",
    byHand: (scene) => scene.db.sql(told),
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "a statement of a way back that is done was edited: it is taken back": {
    hints: ["run/step/resume.ts checkUnchanged: godwit repair --forget …"],
    files: HALF_BACK,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql("create table switch (id int)");
      await scene.fails("down -1");
      scene.write({
        "0002_b.sql": HALF_BACK["0002_b.sql"].replace("drop table b", "drop table if exists b"),
      });
    },
    says: "down -1",
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "a check that does not pass is mended": {
    hints: ["run/checks/checks.ts failureOf: godwit up"],
    files: {
      ...TWO,
      "godwit.config.json": JSON.stringify({ checks: [{ sql: "select count(*) > 0 from a" }] }),
    },
    byHand: (scene) => scene.db.sql("insert into a values (1)"),
    kept: (scene) => scene.settled(),
  },
  "an older image does not know a contract step: it is taken back": {
    hints: ["run/compatible.ts contracted: godwit down <revision>"],
    files: {
      ...BACK,
      "0002_b.sql": `-- godwit: phase=contract\n${BACK["0002_b.sql"]}`,
      "old.json": '["0001_a"]',
    },
    before: (scene) => scene.run("up --contract"),
    says: "compatible --image-revisions old.json",
    fill: { revision: "0001_a" },
    kept: (scene) => scene.run("compatible --image-revisions old.json"),
  },
  "an image needs what is pending": {
    hints: ["run/compatible.ts notReady: godwit up"],
    files: { ...TWO, "new.json": '["0001_a", "0002_b"]' },
    before: (scene) => scene.run("up 0001_a"),
    says: "compatible --image-revisions new.json --ready",
  },
  "a script goes up to a module": {
    hints: ["run/script/module.ts notRenderable: godwit up --sql <revision>"],
    files: { "0001_a.sql": A, ...MODULE, "0003_b.sql": B },
    says: "up --sql --from base",
    fill: { revision: "0001_a" },
    kept: async (_scene, [script]) => expect(script?.stdout).toContain(A),
  },
  "a script goes on behind a module": {
    hints: ["run/script/module.ts notRenderable: godwit up --sql --from <revision>"],
    files: { "0001_a.sql": A, ...MODULE, "0003_b.sql": B },
    says: "up --sql --from base",
    fill: { revision: "0002_m" },
    kept: async (_scene, [script]) => expect(script?.stdout).toContain(B),
  },
  "what replaces a half is declared when it is complete": {
    hints: ["run/session/owner.ts replacedBy: godwit up"],
    files: {
      "0000_c.sql": "create table c (id int);",
      "0001_half.sql": `-- godwit: transaction=off\n${A}\ncreate table b as select 1 / count(*) as n from switch;\n`,
    },
    before: async (scene) => {
      await scene.db.sql("create table switch (id int)");
      await scene.fails("up");
      scene.remove("0000_c.sql", "0001_half.sql");
      scene.write({ "0009_all.sql": `${A}\n${B}` });
    },
    says: (db) => `baseline 0009_all --confirm ${db.name}`,
    byHand: async (scene) => {
      scene.remove("0009_all.sql");
      scene.write({
        "0000_c.sql": "create table c (id int);",
        "0001_half.sql": `-- godwit: transaction=off\n${A}\ncreate table b as select 1 / count(*) as n from switch;\n`,
      });
      await scene.db.sql("insert into switch values (1)");
    },
    kept: async (scene) => {
      scene.remove("0000_c.sql", "0001_half.sql");
      scene.write({ "0009_all.sql": `${A}\n${B}` });
      await scene.run(`baseline 0009_all --confirm ${scene.db.name}`);
      await scene.settled();
    },
  },
  "what replaces a half is declared when the half is taken back": {
    hints: ["run/session/owner.ts replacedBy: godwit down -1"],
    files: HALF_BACK,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql("create table switch (id int)");
      await scene.fails("down -1");
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0009_all.sql": A });
    },
    says: (db) => `baseline 0009_all --confirm ${db.name}`,
    byHand: async (scene) => {
      scene.remove("0009_all.sql");
      scene.write(HALF_BACK);
      await scene.db.sql("insert into switch values (1)");
    },
    kept: async (scene) => {
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0009_all.sql": A });
      await scene.run(`baseline 0009_all --confirm ${scene.db.name}`);
      await scene.settled();
    },
  },
  "half of a way back is finished before the next": {
    hints: ["core/way-back.ts wayBackOf: godwit down …"],
    files: HALF_BACK,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql("create table switch (id int)");
      await scene.fails("down -1");
      await scene.db.sql("insert into switch values (1)");
    },
  },
  "a file fails, and later ones are carried out all the same": {
    hints: ["run/step/step-error.ts howToRerun: godwit up --out-of-order"],
    files: { "0001_a.sql": "create table missing.a (id int);", "0002_b.sql": B },
    says: "up --on-failure continue",
    byHand: (scene) => scene.write({ "0001_a.sql": A }),
    kept: (scene) => scene.settled(),
  },
  "a backfill that waits for an approval": {
    hints: ["run/step/backfill/control.ts admit: godwit backfill approve …"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL.replace("table=a", "table=a approve=yes") },
  },
  "a backfill that waits for an approval, as its status says": {
    hints: ["cli/commands/backfill.ts statusLine: godwit backfill approve …"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL.replace("table=a", "table=a approve=yes") },
    says: "backfill",
    kept: async (scene) => {
      await scene.run("up");
      await scene.settled();
    },
  },
  "a backfill that is paused": {
    hints: ["run/step/backfill/control.ts refusePaused: godwit backfill resume …"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL },
    before: (scene) => scene.run("backfill pause 0002"),
  },
  "a migration that is no backfill": {
    hints: ["run/backfills.ts resolve: godwit backfill status"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL },
    says: "backfill pause 0001",
    kept: async (_, [followed]) => expect(followed?.stdout).toContain("0002_b  pending"),
  },
  "a backfill is not named": {
    hints: ["cli/commands/backfill.ts run: godwit backfill status"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL },
    says: "backfill pause",
    kept: async (_, [followed]) => expect(followed?.stdout).toContain("0002_b  pending"),
  },
  "an action of backfills is misspelt": {
    hints: ["cli/commands/backfill.ts run: godwit backfill …"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL },
    says: "backfill stat",
    kept: async (_, [followed]) => expect(followed?.stdout).toContain("0002_b  pending"),
  },
  "a backfill whose file is edited while it is half done": {
    hints: ["run/step/backfill/edited.ts refuseEdited: godwit repair --retry …"],
    files: { "0001_a.sql": FILLED, "0002_b.sql": FILL },
    before: async (scene) => {
      await scene.fails("up");
      await scene.db.sql("drop trigger missing on a");
      scene.write({ "0002_b.sql": FILL.replace("= 1", "= 2") });
    },
  },
  "a backfill whose done rows may stay beside those of its new text": {
    hints: ["run/step/backfill/edited.ts refuseEdited: godwit repair --accept …"],
    files: { "0001_a.sql": FILLED, "0002_b.sql": FILL },
    before: async (scene) => {
      await scene.fails("up");
      await scene.db.sql("drop trigger missing on a");
      scene.write({ "0002_b.sql": FILL.replace("= 1", "= 2") });
    },
  },
  "a plan with a backfill": {
    hints: ["cli/commands/plan.ts textOf: godwit plan --sample"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL },
    before: (scene) => scene.run("up 0001"),
    says: "plan",
    kept: async (_, [followed]) => expect(followed?.stdout).toContain("A sample of"),
  },
  "a backfill whose key has another type while it is half done": {
    hints: ["run/step/backfill/edited.ts otherPlace: godwit repair --retry …"],
    files: { "0001_a.sql": FILLED, "0002_b.sql": FILL },
    before: async (scene) => {
      await scene.fails("up");
      await scene.db.sql("drop trigger missing on a; alter table a alter id type text");
    },
  },
  "a backfill that leaves rows": {
    hints: ["run/step/backfill/rest.ts refuseRemainder: godwit repair --retry …"],
    files: { "0001_a.sql": ROWS, "0002_b.sql": FILL.replace("= 1", "= nullif(id, 5)") },
    byHand: (scene) => scene.write({ "0002_b.sql": FILL }),
  },

  "a rollback could not take back imported files: it migrates without them": {
    hints: ["run/rollback.ts refuseRollback: godwit up --rollback-on-failure --phase ……"],
    files: { ...BACK, ...IMPORT },
    says: "up --rollback-on-failure",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, true]),
  },
  "an import has no table": {
    hints: [
      "run/table-missing.ts wayToTable: godwit init --import",
      "run/table-missing.ts wayToTable: godwit up ……",
    ],
    files: { ...TWO, ...IMPORT },
    says: "import",
    kept: async (scene) => {
      expect(await scene.has("design_images")).toBe(true);
      expect((await scene.fails("import")).stderr).toContain("[ORIGIN_BASE_EMPTY]");
    },
  },
  "a bundle that was edited": {
    hints: ["source/bundle/bundle.ts verify: godwit build"],
    files: TWO,
    before: async (scene) => {
      await scene.run("build");
      scene.write({ "dist/migrations/sql/0001_a.up.sql": B });
    },
    says: "up --dir dist/migrations",
    kept: (scene) => scene.run("up --dir dist/migrations"),
  },
  "a bundle whose list is no list": {
    hints: ["source/bundle/bundle.ts broken: godwit build"],
    files: TWO,
    before: async (scene) => {
      await scene.run("build");
      scene.write({ "dist/migrations/godwit-bundle.json": "{" });
    },
    says: "up --dir dist/migrations",
    kept: (scene) => scene.run("up --dir dist/migrations"),
  },
  "an empty folder": {
    hints: ["source/problems.ts emptyFolder: godwit new <name>"],
    files: { "migrations/.gitkeep": "" },
    fill: { name: "shops" },
    kept: async (scene, [created]) => {
      scene.write({ [created?.stdout.trim() ?? ""]: A });
      await scene.run("up");
      await scene.settled();
    },
  },
  "no folder": {
    hints: ["source/problems.ts unreadableFolder: godwit init"],
    files: { "README.md": "" },
  },
  "a folder of a tool that numbers its own files": {
    hints: ["cli/commands/new.ts listing: godwit up"],
    files: { "supabase/migrations/20240101000000_a.sql": A },
    says: "new shops",
    byHand: (scene) => scene.write({ "supabase/migrations/20240102000000_shops.sql": B }),
    kept: async (scene) => {
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "plan says that up adopts": {
    hints: ["cli/commands/plan.ts adoptedLine: godwit up"],
    files: { "supabase/migrations/20240101000000_a.sql": A },
    before: (scene) =>
      scene.db.sql(
        `create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text); insert into supabase_migrations.schema_migrations values ('20240101000000', null, 'a')`,
      ),
    says: "plan",
    kept: async (scene) => {
      expect(await scene.has("a")).toBe(false);
      const [row] = await scene.db.sql(`select count(*)::int as n from "${ledgerSchema}".migration_history`);
      expect(row).toEqual({ n: 1 });
      await scene.settled();
    },
  },
};
