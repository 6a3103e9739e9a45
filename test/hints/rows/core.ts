/** What files and ledger say of each other, and where a command is to lead. */
import { expect } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const C = "create table c (id int);";
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const up = (scene: Scene) => scene.run("up");
const down = (table: string) => `\n-- migrate:down\ndrop table ${table};\n`;
const BACK = {
  "0001_a.sql": `-- migrate:up\n${A}${down("a")}`,
  "0002_b.sql": `-- migrate:up\n${B}${down("b")}`,
};

/** Fails at its second statement while `switch` is empty. */
const HALF =
  "-- godwit: transaction=off\ncreate table a (id int);\ncreate table b as select 1 / count(*) as n from switch;\n";
const half = async (scene: Scene) => {
  await scene.db.sql("create table switch (id int)");
  await scene.fails("up");
};
const switched = (scene: Scene) => scene.db.sql("insert into switch values (1)");

const ROWS = "create table a (id int primary key, n int); insert into a select generate_series(1, 200);";
const FILL =
  "-- godwit: backfill table=a undo=yes phase=complex\n-- godwit: where n is null\nupdate a set n = 1 where :window;\n";
const STRICT = "-- godwit: requires=0002_fill phase=contract\nalter table a alter n set not null;\n";
const GATED = { "0001_a.sql": ROWS, "0002_fill.sql": FILL, "0003_strict.sql": STRICT };

export const CORE: Readonly<Record<string, Row>> = {
  "a step requires a backfill that is no part of the run": {
    hints: ["core/gates.ts requiredProblem: godwit up … --phase …"],
    files: GATED,
    says: "up --phase startup,contract",
  },
  "an applied migration requires the backfill that is to be undone": {
    hints: ["core/gates.ts requiredByApplied: godwit down …"],
    files: { ...GATED, "0003_strict.down.sql": "alter table a alter n drop not null;" },
    before: (scene) => scene.run("up --contract"),
    says: "backfill undo 0002_fill",
    kept: async (scene) => {
      await scene.run("backfill undo 0002_fill");
      expect(await scene.db.sql("select count(*)::int as n from a where n is null")).toEqual([{ n: 200 }]);
    },
  },
  "what is required is no backfill": {
    hints: ["core/graph.ts noBackfill: godwit plan"],
    files: { ...TWO, "0002_b.sql": `-- godwit: requires=0001_a\n${B}` },
    byHand: (scene) => scene.write({ "0002_b.sql": `-- godwit: depends=0001_a\n${B}` }),
    looks: true,
    kept: async (scene) => {
      await up(scene);
      await scene.settled();
    },
  },
  "another project: doctor says where the values came from": {
    hints: ["core/checks.ts checkOwner: godwit doctor"],
    files: TWO,
    before: async (scene) => {
      await scene.run("up --project one");
    },
    says: "up --project two",
    kept: async (_scene, [doctor]) => {
      expect(doctor?.stdout).toMatch(/DATABASE_URL/);
      expect(doctor?.stdout).toMatch(/migrations/);
    },
  },
  "one file in the place of all": {
    hints: ["core/checks.ts checkOwner: godwit baseline … --confirm <database>"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0001_all.sql": `${A}\n${B}` });
    },
  },
  "all files in other files, of which the last is declared": {
    hints: ["core/checks.ts checkOwner: godwit baseline … --confirm <database>"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({
        "0001_x.sql": `-- new\n${A}\nselect 1;`,
        "0002_y.sql": `${B}\nselect 2;`,
        "0003_c.sql": C,
      });
    },
    fill: { revision: "0002_y" },
    kept: async (scene) => {
      await up(scene);
      expect(await scene.has("c")).toBe(true);
      await scene.settled();
    },
  },
  "a harmless edit": {
    hints: ["core/checks.ts checkFile: godwit repair --accept …"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.write({ "0001_a.sql": "create table if not exists a (id int);" });
    },
  },
  "a deleted file below others is forgotten": {
    hints: ["core/checks.ts vanished: godwit repair --forget …"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql");
    },
  },
  "a squash into a later file": {
    hints: ["core/checks.ts vanished: godwit baseline … --confirm <database>"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql");
      scene.write({ "0002_b.sql": `${A}\n${B}` });
    },
  },
  "the only file is deleted, and another is there": {
    hints: ["core/checks.ts vanishedAlone: godwit repair --forget …"],
    files: { "0001_a.sql": A },
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql");
      scene.write({ "0001_b.sql": B });
    },
    byHand: (scene) => scene.db.sql("drop table a"),
  },
  "the only file is rewritten under another name": {
    hints: ["core/checks.ts vanishedAlone: godwit baseline … --confirm <database>"],
    files: { "0001_a.sql": A },
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql");
      scene.write({ "0001_b.sql": `${A}\n${B}` });
    },
  },
  "the only file is renamed and edited": {
    hints: [
      "core/renamed.ts problemOf: godwit repair --mark-done …",
      "core/renamed.ts problemOf: godwit repair --forget …",
    ],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.rename("0002_b.sql", "0002_notes.sql");
      scene.write({ "0002_notes.sql": "create table if not exists b (id int);" });
    },
  },
  "a copy that is to run a second time": {
    hints: ["core/renamed.ts otherwise: godwit repair --forget …"],
    files: { "0001_a.sql": A, "0002_b.sql": "create table if not exists b (id int);" },
    before: async (scene) => {
      await up(scene);
      scene.rename("0002_b.sql", "0003_b.sql");
    },
  },
  "a file that was applied in part is gone: it is restored": {
    hints: ["core/checks.ts partialAndGone: godwit up"],
    files: { "0001_first.sql": C, "0002_half.sql": HALF },
    before: async (scene) => {
      await half(scene);
      scene.remove("0002_half.sql");
    },
    byHand: async (scene) => {
      scene.write({ "0002_half.sql": HALF });
      await switched(scene);
    },
  },
  "a file that was applied in part is gone: it is forgotten": {
    hints: ["core/checks.ts partialAndGone: godwit repair --forget …"],
    files: { "0001_first.sql": C, "0002_half.sql": HALF },
    before: async (scene) => {
      await half(scene);
      scene.remove("0002_half.sql");
    },
    byHand: (scene) => scene.db.sql("drop table a"),
  },
  "a database that needs a newer release is taken back by it": {
    hints: ["core/checks.ts tooOld: godwit down …"],
    files: {
      ...BACK,
      "0003_c.sql": `-- godwit: minimum-revision=0002_b\n-- migrate:up\n${C}${down("c")}`,
    },
    before: async (scene) => {
      await up(scene);
      scene.remove("0002_b.sql", "0003_c.sql");
    },
    byHand: (scene) =>
      scene.write({
        ...BACK,
        "0003_c.sql": `-- godwit: minimum-revision=0002_b\n-- migrate:up\n${C}${down("c")}`,
      }),
    kept: async (scene) => {
      scene.remove("0002_b.sql", "0003_c.sql");
      await up(scene);
      await scene.settled();
      expect(await scene.has("b")).toBe(false);
    },
  },
  "several heads are joined": {
    hints: ["core/graph.ts severalHeads: godwit merge …"],
    files: {
      "migrations/a.sql": `-- godwit: revises=none\n${A}`,
      "migrations/b.sql": `-- godwit: revises=a\n${B}`,
      "migrations/c.sql": `-- godwit: revises=a\n${C}`,
    },
    says: "up head",
  },
  "several heads before a new migration": {
    hints: ["cli/commands/new.ts parentsOf: godwit merge"],
    files: {
      "migrations/a.sql": `-- godwit: revises=none\n${A}`,
      "migrations/b.sql": `-- godwit: revises=a\n${B}`,
      "migrations/c.sql": `-- godwit: revises=a\n${C}`,
    },
    says: "new d",
    kept: async (scene) => void (await scene.run("up head")),
  },
  "several heads are applied": {
    hints: ["core/graph.ts severalHeads: godwit up heads"],
    files: {
      "migrations/a.sql": `-- godwit: revises=none\n${A}`,
      "migrations/b.sql": `-- godwit: revises=a\n${B}`,
      "migrations/c.sql": `-- godwit: revises=a\n${C}`,
    },
    says: "up head",
    kept: (scene) => scene.settled(),
  },
  "a parent with a slip of the pen": {
    hints: ["core/graph.ts knownNeeds: godwit plan"],
    files: { "0001_a.sql": A, "0002_b.sql": `-- godwit: depends=0001_aa\n${B}` },
    byHand: (scene) => scene.write({ "0002_b.sql": `-- godwit: depends=0001_a\n${B}` }),
    kept: async (scene, [plan]) => {
      expect(plan?.stdout).toMatch(/0001_a[\s\S]*0002_b/);
      await up(scene);
    },
  },
  "a circle": {
    hints: ["core/graph.ts cycleProblem: godwit plan"],
    files: {
      "0001_a.sql": `-- godwit: depends=0002_b\n${A}`,
      "0002_b.sql": `-- godwit: depends=0001_a\n${B}`,
    },
    byHand: (scene) => scene.write({ "0001_a.sql": A }),
    kept: async (scene, [plan]) => {
      expect(plan?.stdout).toMatch(/0001_a[\s\S]*0002_b/);
      await up(scene);
    },
  },
  "a late file runs for this once": {
    hints: ["core/numbers.ts lateProblem: godwit up --out-of-order"],
    files: { "0002_b.sql": B },
    before: async (scene) => {
      await up(scene);
      scene.write({ "0001_a.sql": A });
    },
    kept: (scene) => scene.settled(),
  },
  "two files with one number": {
    hints: ["core/numbers.ts sharedNumbers: godwit plan"],
    files: { "0001_a.sql": A, "0001_b.sql": B },
    byHand: (scene) => scene.rename("0001_b.sql", "0002_b.sql"),
    kept: async (scene, [plan]) => {
      expect(plan?.stdout).toMatch(/0001_a[\s\S]*0002_b/);
      await up(scene);
    },
  },
  "down to below a baseline": {
    hints: ["core/plan-down.ts irreversible: godwit down …"],
    files: BACK,
    before: async (scene) => {
      await scene.db.sql(A);
      await scene.run(`baseline 0001_a --confirm ${scene.db.name}`);
      await up(scene);
    },
    says: "down base",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]),
  },
  "no way back: a new migration undoes it": {
    hints: ["core/plan-down.ts irreversible: godwit new <name>"],
    files: TWO,
    before: up,
    says: "down -1",
    fill: { name: "without_b" },
    kept: async (scene, [created]) => {
      scene.write({ [created?.stdout.trim() ?? ""]: "drop table b;" });
      await up(scene);
      expect(await scene.has("b")).toBe(false);
    },
  },
  "a half is finished, then taken back": {
    hints: ["core/plan-down.ts partial: godwit status", "core/plan-down.ts partial: godwit up …"],
    files: {
      "0001_half.sql": `-- migrate:up transaction:false\n${HALF.slice(HALF.indexOf("create"))}-- migrate:down\ndrop table b;\ndrop table a;\n`,
    },
    before: half,
    says: "down -1",
    byHand: switched,
    kept: async (scene) => {
      await scene.run("down -1");
      expect(await scene.has("a")).toBe(false);
    },
  },
  "what stands on it is taken back too": {
    hints: ["core/plan-down.ts stillNeeded: godwit down <revision>"],
    files: { "0000_c.sql": C, "0002_b.sql": BACK["0002_b.sql"] },
    before: async (scene) => {
      await up(scene);
      scene.write(BACK);
      await scene.run("up --out-of-order");
      scene.write({ "0002_b.sql": `-- godwit: depends=0001_a\n${BACK["0002_b.sql"]}` });
    },
    says: "down -1",
    fill: { revision: "0000_c" },
    kept: async (scene) => {
      for (const table of ["a", "b", "c"]) expect(await scene.has(table), table).toBe(table === "c");
    },
  },
  "more back than there is": {
    hints: ["core/plan-down.ts tooFew: godwit down base"],
    files: BACK,
    before: up,
    says: "down -3",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([false, false]),
  },
  "back to what is not applied: current says where it is": {
    hints: ["core/plan-down.ts notApplied: godwit current"],
    files: BACK,
    before: (scene) => scene.run("up 0001_a"),
    says: "down 0002_b",
    kept: async (_scene, [current]) => expect(current?.stdout).toContain("0001_a"),
  },
  "the phase of what was asked for": {
    hints: ["core/plan-up.ts targetHeld: godwit up … --phase …"],
    files: { "0001_a.sql": A, "0002_b.sql": `-- godwit: phase=complex\n${B}` },
    before: (scene) => scene.run("up 0001_a"),
    says: "up 0002_b --phase startup",
    kept: (scene) => scene.settled(),
  },
  "a phase before what it stands on": {
    hints: ["core/plan-up.ts phaseOrder: godwit plan"],
    files: {
      "0001_a.sql": `-- godwit: phase=complex\n${A}`,
      "0002_b.sql": `-- godwit: depends=0001_a\n${B}`,
    },
    byHand: (scene) =>
      scene.write({ "0002_b.sql": `-- godwit: phase=complex\n-- godwit: depends=0001_a\n${B}` }),
    kept: async (scene, [plan]) => {
      expect(plan?.stdout).toMatch(/0001_a[\s\S]*0002_b/);
      await up(scene);
    },
  },
  "held back by another phase": {
    hints: ["core/plan-up.ts heldByDependency: godwit up --phase …"],
    files: {
      "0001_a.sql": `-- godwit: phase=complex\n${A}`,
      "0002_b.sql": `-- godwit: phase=contract\n-- godwit: depends=0001_a\n${B}`,
    },
    says: "up --phase contract",
    kept: async (scene) => {
      await scene.run("up --phase contract");
      await scene.settled();
    },
  },
  "more than is pending: as many as there are": {
    hints: ["core/plan-up.ts tooFew: godwit up +…"],
    files: TWO,
    says: "up +3",
    kept: (scene) => scene.settled(),
  },
  "more than is pending: all": {
    hints: ["core/plan-up.ts tooFew: godwit up"],
    files: TWO,
    says: "up +3",
    kept: (scene) => scene.settled(),
  },
  "a file of a squash comes back": {
    hints: ["core/replaced.ts comeBack: godwit repair --mark-done …"],
    files: TWO,
    before: async (scene) => {
      await up(scene);
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0003_all.sql": `${A}\n${B}` });
      await scene.run(`baseline 0003_all --confirm ${scene.db.name}`);
      scene.write({ "0002_b.sql": B });
    },
  },
  "a file holds the text of one that is gone": {
    hints: [
      "core/replaced.ts putTogether: godwit repair --mark-done …",
      "core/replaced.ts putTogether: godwit repair --forget …",
    ],
    files: { "migrations/a_step.sql": A, "migrations/b_step.sql": B, "migrations/c_step.sql": C },
    before: async (scene) => {
      await up(scene);
      scene.remove("migrations/b_step.sql", "migrations/c_step.sql");
      scene.write({ "migrations/d_step.sql": `${B}\n${C}` });
    },
  },
  "base is no way up": {
    hints: ["core/revision.ts parseExpression: godwit down base"],
    files: BACK,
    before: up,
    says: "up base",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([false, false]),
  },
  "+1 is no way down": {
    hints: ["core/revision.ts parseExpression: godwit … …"],
    files: TWO,
    says: "down +1",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]),
  },
  "further up than there is": {
    hints: ["core/revision.ts walk: godwit up"],
    files: TWO,
    says: "up 0001_a+3",
    kept: (scene) => scene.settled(),
  },
  "further down than there is": {
    hints: ["core/revision.ts walk: godwit down base"],
    files: BACK,
    before: up,
    says: "down 0002_b-3",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([false, false]),
  },
  "an unknown revision of repair": {
    hints: ["core/revision.ts resolveRevision: godwit history"],
    files: TWO,
    says: (db) => `repair --mark-done 0009 --confirm ${db.name}`,
    kept: async (_scene, [history]) => expect(history?.stdout).toMatch(/0002_b[\s\S]*0001_a/),
  },
  "an unknown revision": {
    hints: ["core/revision.ts unknownName: godwit history"],
    files: TWO,
    says: "up 0009",
    kept: async (_scene, [history]) => expect(history?.stdout).toMatch(/0002_b[\s\S]*0001_a/),
  },
  "a word for two revisions": {
    hints: ["core/revision.ts ambiguous: godwit history"],
    files: TWO,
    says: "up 000",
    kept: async (_scene, [history]) => expect(history?.stdout).toMatch(/0002_b[\s\S]*0001_a/),
  },
  "two files with one name": {
    hints: ["core/graph.ts index: godwit plan"],
    files: { ...TWO, "migrations/repeatable/0002_b.sql": "create or replace view v as select 1 as n;" },
    byHand: (scene) => scene.rename("migrations/repeatable/0002_b.sql", "migrations/repeatable/v.sql"),
    kept: async (_scene, [plan]) => expect(plan?.stdout).toMatch(/0001_a[\s\S]*0002_b[\s\S]*v/),
  },
  "a repeatable by its name": {
    hints: ["core/revision.ts unknownName: godwit up"],
    files: { ...TWO, "migrations/repeatable/v.sql": "create or replace view v as select 1 as n;" },
    says: "up v",
    kept: async (scene) => {
      expect(await scene.has("v")).toBe(true);
      await scene.settled();
    },
  },
  "a number of migrations, up": {
    hints: ["core/revision.ts unknownName: godwit up +…"],
    files: BACK,
    says: "up 2",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, true]),
  },
  "a number of migrations, down": {
    hints: ["core/revision.ts unknownName: godwit down -…"],
    files: BACK,
    before: up,
    says: "down 2",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([false, false]),
  },
  "down without how far: one": {
    hints: ["core/revision.ts DOWN_HINT: godwit down -1"],
    files: BACK,
    before: up,
    says: "down heads",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]),
  },
  "down without how far: to a revision, which stays": {
    hints: ["core/revision.ts DOWN_HINT: godwit down <revision>"],
    files: BACK,
    before: up,
    says: "down heads",
    fill: { revision: "0001_a" },
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]),
  },
  "down without how far: all": {
    hints: ["core/revision.ts DOWN_HINT: godwit down base"],
    files: BACK,
    before: up,
    says: "down heads",
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([false, false]),
  },
};
