/** What `repair` and `baseline` refuse, and what they name instead. */
import { once } from "node:events";
import { expect } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import { until } from "../../support/until.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const up = (scene: Scene) => scene.run("up");

/** Stops at its second statement while `switch` is empty. */
const HALF = {
  "0001_half.sql": `-- godwit: transaction=off\n${A}\ncreate table b as select 1 / count(*) as n from switch;\n`,
};
const half = async (scene: Scene) => {
  await scene.db.sql("create table switch (id int)");
  await scene.fails("up");
};
const switched = (scene: Scene) => scene.db.sql("insert into switch values (1)");

/** Its way back stops at its second statement while `switch` is empty. */
const HALF_BACK = {
  "0001_a.sql": A,
  "0002_b.sql": `-- migrate:up\n${B}\n-- migrate:down transaction:false\ndrop table b;\ncreate table c as select 1 / count(*) as n from switch;\n`,
};
const halfBack = async (scene: Scene) => {
  await up(scene);
  await scene.db.sql("create table switch (id int)");
  await scene.fails("down -1");
};

export const REPAIR: Readonly<Record<string, Row>> = {
  "--accept of what has no file": {
    hints: ["run/repairable.ts whole: godwit repair --forget …"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql");
    },
    says: (db) => `repair --accept 0001_a --confirm ${db.name}`,
    kept: async (scene) => {
      await up(scene);
      await scene.settled();
    },
  },
  "--mark-done of what is applied with another text": {
    hints: ["run/repairable.ts whole: godwit repair --accept …"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.write({ "0001_a.sql": "create table if not exists a (id int);" });
    },
    says: (db) => `repair --mark-done 0001_a --confirm ${db.name}`,
    kept: async (scene) => {
      await up(scene);
      await scene.settled();
    },
  },
  "--retry of what is applied": {
    hints: ["run/repairable.ts whole: godwit repair --forget …"],
    files: TWO,
    before: up,
    says: (db) => `repair --retry 0002_b --confirm ${db.name}`,
    byHand: (scene) => scene.db.sql("drop table b"),
    kept: async (scene) => {
      await up(scene);
      expect(await scene.has("b")).toBe(true);
    },
  },
  "--accept of what is pending": {
    hints: ["run/repairable.ts pending: godwit up"],
    files: TWO,
    says: (db) => `repair --accept 0002_b --confirm ${db.name}`,
    kept: (scene) => scene.settled(),
  },
  "--accept of what stands half-way": {
    hints: ["run/repairable.ts halfWay: godwit up …"],
    files: HALF,
    before: half,
    says: (db) => `repair --accept 0001_half --confirm ${db.name}`,
    byHand: switched,
    kept: (scene) => scene.settled(),
  },
  "--accept of what stands half-way back": {
    hints: ["run/repairable.ts halfWay: godwit down -1"],
    files: HALF_BACK,
    before: halfBack,
    says: (db) => `repair --accept 0002_b --confirm ${db.name}`,
    byHand: switched,
    kept: async (scene) => {
      expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]);
      await scene.run("up");
    },
  },
  "--mark-done of one statement, which waits for no word": {
    hints: ["run/repairable.ts ofStatement: godwit repair --… …"],
    files: HALF,
    before: half,
    says: (db) => `repair --mark-done 0001_half:1 --confirm ${db.name}`,
    byHand: (scene) => scene.db.sql("create table b (n int)"),
    kept: async (scene) => {
      await up(scene);
      await scene.settled();
    },
  },
  "--mark-done of one statement, and another waits for a word": {
    hints: ["run/repairable.ts ofStatement: godwit repair --… …:…"],
    files: {
      "0001_cut.sql": `-- godwit: transaction=off\n${A}\ndo $$ begin commit; perform pg_sleep(60); end $$;\n${B}\n`,
    },
    before: async (scene) => {
      const run = scene.godwit.start("up");
      const asleep = `from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query like 'do %pg_sleep(60)%'`;
      await until(async () => (await scene.db.sql(`select ${asleep}`)).length > 0);
      run.child.kill("SIGKILL");
      await once(run.child, "close");
      await scene.db.sql(`select pg_terminate_backend(pid, 10000) ${asleep}`);
    },
    says: (db) => `repair --mark-done 0001_cut:1 --confirm ${db.name}`,
    kept: async (scene) => {
      await up(scene);
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "baseline above what stands half-way: it is completed": {
    hints: ["run/baseline.ts unfinished: godwit up"],
    files: { ...HALF, "0002_c.sql": "create table c (id int);" },
    before: half,
    says: (db) => `baseline 0002_c --confirm ${db.name}`,
    byHand: switched,
    kept: (scene) => scene.settled(),
  },
  "baseline above what stands half-way: it is complete": {
    hints: ["run/baseline.ts unfinished: godwit repair --mark-done …"],
    files: { ...HALF, "0002_c.sql": "create table c (id int);" },
    before: half,
    says: (db) => `baseline 0002_c --confirm ${db.name}`,
    byHand: (scene) => scene.db.sql("create table b (n int); create table c (id int)"),
    kept: async (scene) => {
      await scene.run(`baseline 0002_c --confirm ${scene.db.name}`);
      await scene.settled();
    },
  },
  "baseline above what stands half-way back: it is complete": {
    hints: ["run/baseline.ts unfinished: godwit repair --forget …"],
    files: HALF_BACK,
    before: halfBack,
    says: (db) => `baseline 0002_b --confirm ${db.name}`,
    byHand: (scene) => scene.db.sql(B),
    kept: async (scene) => {
      await scene.run(`baseline 0002_b --confirm ${scene.db.name}`);
      await scene.settled();
    },
  },
};
