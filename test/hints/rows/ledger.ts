/** A ledger that has lost a part of itself, or contradicts itself. */
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";

const FILES = { "0001_a.sql": "create table a (id int);", "0002_b.sql": "create table b (id int);" };
const HALF = {
  "0001_half.sql":
    "-- godwit: transaction=off\ncreate table a (id int);\ncreate table b as select 1 / count(*) as n from switch;\n",
};
const BACK = {
  "0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
  "0002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;\n",
};
const ledger = (table: string) => `"${ledgerSchema}".${table}`;
const lose = (scene: Scene, ...tables: readonly string[]) =>
  scene.db.sql(`drop table ${tables.map(ledger).join(", ")} cascade`);
const halfLost = async (scene: Scene) => {
  await scene.db.sql("create table switch (id int)");
  await scene.fails("up");
  await lose(scene, "migration_statements");
};
const contradict = async (scene: Scene) => {
  await scene.run("up");
  await scene.db.sql(
    `create table kept as select * from ${ledger("migration_history")} where revision = '0002_b'`,
  );
  await scene.run("down -1");
  await scene.db.sql(`insert into ${ledger("migration_history")} select * from kept`);
};

export const LEDGER: Readonly<Record<string, Row>> = {
  "history and log are gone: what is left is dropped, what is there declared": {
    hints: ["ledger/damage.ts withoutTables: godwit baseline <revision>"],
    files: FILES,
    before: async (scene) => {
      await scene.run("up");
      await lose(scene, "migration_history", "migration_log");
    },
    byHand: (scene, text) => scene.db.sql(/drop table [^;]*/.exec(text)?.[0] ?? "no statement"),
    fill: { revision: "0002_b" },
  },
  "the history is gone: it is rebuilt": {
    hints: ["ledger/damage.ts withoutTables: godwit repair --rebuild"],
    files: FILES,
    before: async (scene) => {
      await scene.run("up");
      await lose(scene, "migration_history");
    },
  },
  "the statements are gone, and something stood half-way: it is complete": {
    hints: [
      "ledger/damage.ts withoutTables: godwit repair --mark-done …",
      "ledger/damage.ts withoutTables: godwit repair --rebuild",
    ],
    files: HALF,
    before: halfLost,
    byHand: (scene) => scene.db.sql("create table b (n int)"),
  },
  "the statements are gone, and something stood half-way: nothing of it is there": {
    hints: [
      "ledger/damage.ts withoutTables: godwit repair --forget …",
      "ledger/damage.ts withoutTables: godwit repair --rebuild",
    ],
    files: HALF,
    before: halfLost,
    byHand: (scene) => scene.db.sql("drop table a; insert into switch values (1)"),
  },
  "a row of the history is lost: it is rebuilt": {
    hints: ["ledger/damage.ts lost: godwit repair --rebuild"],
    files: FILES,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql(`delete from ${ledger("migration_history")} where revision = '0002_b'`);
    },
  },
  "a row of the history is lost, and with it what it did": {
    hints: ["ledger/damage.ts lost: godwit repair --forget …"],
    files: FILES,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql(
        `delete from ${ledger("migration_history")} where revision = '0002_b'; drop table b`,
      );
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "a row has come back after it was taken back: it is there": {
    hints: ["ledger/damage.ts returned: godwit repair --mark-done …"],
    files: BACK,
    before: contradict,
    byHand: (scene) => scene.db.sql("create table b (id int)"),
  },
  "a row has come back after it was taken back: it is not there": {
    hints: ["ledger/damage.ts returned: godwit repair --forget …"],
    files: BACK,
    before: contradict,
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
};
