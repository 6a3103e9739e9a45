/** The history of another tool beside ours, and folders that only the other tool can run. */
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";

const table = (name: string) => `create table ${name} (id int);`;
const [A, B, C] = [table("a"), table("b"), table("c")];

/** The Supabase CLI: kept in step without a word. */
const sb = (n: number, name: string) => `supabase/migrations/2024010${n}000000_${name}.sql`;
const SUPABASE = { [sb(1, "a")]: A, [sb(2, "b")]: B };
const HISTORY =
  "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)";
const row = (n: number, name: string) =>
  `insert into supabase_migrations.schema_migrations values ('2024010${n}000000', null, '${name}')`;
const unrow = (...numbers: readonly number[]) =>
  `delete from supabase_migrations.schema_migrations where version in (${numbers.map((n) => `'2024010${n}000000'`).join(", ")})`;
const rows = async (scene: Scene) =>
  (await scene.db.sql("select version from supabase_migrations.schema_migrations order by version")).map(
    ({ version }) => String(version).slice(7, 8),
  );
/** Both files were applied by the Supabase CLI, and the first `up` has adopted them. */
const adopted = async (scene: Scene) => {
  await scene.db.sql(`${A} ${B} ${HISTORY}; ${row(1, "a")}; ${row(2, "b")}`);
  await scene.run("up");
};

/** golang-migrate: one number says what is applied. */
const GOLANG = {
  "1_a.up.sql": A,
  "1_a.down.sql": "drop table a;",
  "2_b.up.sql": B,
  "2_b.down.sql": "drop table b;",
  "3_c.up.sql": C,
  "3_c.down.sql": "drop table c;",
};
const NUMBER = "create table schema_migrations (version bigint primary key, dirty boolean not null)";
const at = (n: number) => `delete from schema_migrations; insert into schema_migrations values (${n}, false)`;
const number = async (scene: Scene) =>
  (await scene.db.sql("select version::int as n from schema_migrations"))[0]?.n;

/** The way back stops behind its first statement, and the row of Alembic stays. */
const HALF_BACK = {
  "migrations/a1.sql": `-- godwit: revises=none\n-- migrate:up\n${A}\n-- migrate:down transaction:false\ndrop table a;\nselect 1 / 0;\n`,
};
const HEAD =
  "create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('a1')";
const halfBackHere = async (scene: Scene) => {
  await scene.run("up");
  await scene.fails("down -1");
  await scene.db.sql(HEAD);
};
/** Alembic goes on to what has no file here, and another file comes. */
const ahead = async (scene: Scene) => {
  await scene.db.sql(
    `${A} create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('a1')`,
  );
  await scene.run("adopt");
  await scene.db.sql("update alembic_version set version_num = 'z9'");
  scene.write({ "migrations/b1.sql": `-- godwit: revises=a1\n${B}` });
};
const ALEMBIC = { "migrations/a1.sql": `-- godwit: revises=none\n${A}` };

/** dbmate, whose table may stand anywhere. */
const two = (name: string) => `-- migrate:up\n${table(name)}\n-- migrate:down\ndrop table ${name};\n`;
const DBMATE = { "0001_a.sql": two("a"), "0002_b.sql": two("b") };
const versions = (name: string, ...rows: readonly string[]) =>
  `create table ${name} (version varchar primary key); insert into ${name} values ${rows.map((one) => `('${one}')`).join(", ")};`;
const GOOSE =
  "create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp default now())";

export const TOOLS: Readonly<Record<string, Row>> = {
  "the histories of two tools: one of them counts": {
    hints: ["run/mirror/histories.ts ambiguous: godwit adopt --tool …"],
    files: DBMATE,
    before: (scene) =>
      scene.db.sql(
        `${A} ${versions("schema_migrations", "0001")} ${GOOSE}; insert into goose_db_version (version_id, is_applied) values (0, true), (1, true)`,
      ),
    says: "adopt",
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "two histories of one tool: one of them counts": {
    hints: ["run/mirror/histories.ts ambiguous: godwit adopt --table …"],
    files: DBMATE,
    before: (scene) =>
      scene.db.sql(
        `${A} ${versions("schema_migrations", "0001")} create schema shop; ${versions("shop.schema_migrations", "0001")}`,
      ),
    env: { GODWIT_LAYOUT: "dbmate", PGOPTIONS: "-c search_path=shop,public" },
    says: "adopt",
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("shop.b")).toBe(true);
      await scene.settled();
    },
  },
  "another ledger keeps the table in step, and it is that of these files too": {
    hints: ["run/mirror/other-ledgers.ts refuseOthers: godwit adopt --table …"],
    files: DBMATE,
    env: {
      GODWIT_LAYOUT: "dbmate",
      GODWIT_MIRROR: "dbmate",
      GODWIT_LEDGER_SCHEMA: "second",
      GODWIT_ALLOW_SECOND_LEDGER: "true",
    },
    before: (scene) => scene.godwit.with({ GODWIT_LEDGER_SCHEMA: ledgerSchema })("up", "0001_a"),
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "a view has the name of the history: the table behind it is named": {
    hints: ["run/mirror/whose.ts refuseView: godwit adopt --table <schema.table>"],
    files: DBMATE,
    before: async (scene) => {
      await scene.db.sql(`${A} ${versions("schema_migrations", "0001")}`);
      await scene.run("adopt");
      await scene.db.sql(
        "alter table schema_migrations rename to kept; create view schema_migrations as select * from kept",
      );
    },
    fill: { "schema.table": "public.kept" },
  },
  "the tool has applied meanwhile what commits statement by statement": {
    hints: ["run/mirror/mirror.ts presentBeside: godwit repair … …"],
    files: {
      "0001_a.sql": `-- migrate:up transaction:false\n${A}\ninsert into schema_migrations values ('0001');\n-- migrate:down\ndrop table a;\n`,
    },
    env: { GODWIT_MIRROR: "dbmate" },
  },
  "a row is gone there: it was taken back": {
    hints: ["run/adopt/problems.ts takenBackThere: godwit repair --forget …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql(`${unrow(2)}; drop table b`);
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      expect(await rows(scene)).toEqual(["1", "2"]);
      await scene.settled();
    },
  },
  "a row is gone there: it is still there": {
    hints: ["run/adopt/problems.ts takenBackThere: godwit repair --mark-done …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql(unrow(2));
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await rows(scene)).toEqual(["1", "2"]);
      await scene.settled();
    },
  },
  "two rows are gone there: all of it is still there": {
    hints: ["run/adopt/problems.ts takenBackThere: godwit baseline …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql(unrow(1, 2));
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await rows(scene)).toEqual(["1", "2"]);
      await scene.settled();
    },
  },
  "the table is gone there: it is made again": {
    hints: ["run/adopt/problems.ts historyGone: godwit baseline …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql("drop schema supabase_migrations cascade");
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await rows(scene)).toEqual(["1", "2"]);
      await scene.settled();
    },
  },
  "the table is gone there, and all with it": {
    hints: ["run/adopt/problems.ts historyGone: godwit repair --forget …"],
    files: { [sb(1, "a")]: A },
    before: async (scene) => {
      await scene.db.sql(`${A} ${HISTORY}; ${row(1, "a")}`);
      await scene.run("up");
      await scene.db.sql("drop schema supabase_migrations cascade; drop table a");
    },
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("a")).toBe(true);
      await scene.settled();
    },
  },
  "the table is gone there, and nobody kept it in step": {
    hints: ["run/adopt/problems.ts historyGone: godwit baseline … --mirror …"],
    files: GOLANG,
    before: async (scene) => {
      await scene.db.sql(`${A} ${B} ${NUMBER}; ${at(2)}`);
      await scene.run("adopt");
      await scene.db.sql("drop table schema_migrations");
    },
    kept: async (scene) => {
      expect(await number(scene)).toBe(2);
      await scene.run("up");
      await scene.settled();
    },
  },
  "files in the place of all that the tool has applied": {
    hints: ["run/adopt/problems.ts nothingInCommon: godwit baseline … --confirm <database>"],
    files: { [sb(5, "all")]: `${A}\n${B}` },
    before: (scene) => scene.db.sql(`${A} ${B} ${HISTORY}; ${row(1, "a")}; ${row(2, "b")}`),
  },
  "an empty history of a tool": {
    hints: ["run/adopt/problems.ts nothing: godwit up"],
    files: SUPABASE,
    before: (scene) => scene.db.sql(HISTORY),
    says: "adopt",
    kept: (scene) => scene.settled(),
  },
  "no history of a tool": {
    hints: ["run/adopt/problems.ts nothing: godwit baseline <revision>"],
    files: { "0001_a.sql": A, "0002_b.sql": B },
    before: (scene) => scene.db.sql(A),
    says: "adopt",
    fill: { revision: "0001_a" },
    kept: async (scene) => {
      await scene.run("up");
      await scene.settled();
    },
  },
  "what a number passes over is there": {
    hints: ["core/numbers.ts lateProblem: godwit repair --mark-done …"],
    files: GOLANG,
    before: async (scene) => {
      scene.remove("1_a.up.sql", "1_a.down.sql");
      await scene.db.sql(`${A} ${B} ${NUMBER}; ${at(2)}`);
      await scene.run("adopt");
      scene.write({ "1_a.up.sql": A, "1_a.down.sql": "drop table a;" });
    },
  },
  "the number came down to a file": {
    hints: ["run/adopt/problems.ts uncertainNumber: godwit repair --mark-done …"],
    files: GOLANG,
    before: async (scene) => {
      scene.remove("1_a.up.sql", "1_a.down.sql");
      await scene.db.sql(`${A} ${B} ${NUMBER}; ${at(2)}`);
      await scene.run("adopt");
      scene.write({ "1_a.up.sql": A, "1_a.down.sql": "drop table a;" });
      await scene.db.sql(at(1));
    },
  },
  "begun here, and applied there: it is complete": {
    hints: ["run/adopt/problems.ts begun: godwit repair --mark-done …"],
    files: {
      "migrations/a1.sql": `-- godwit: revises=none transaction=off\n${A}\ncreate table b as select 1 / count(*) as n from switch;\n`,
    },
    before: async (scene) => {
      await scene.db.sql("create table switch (id int)");
      await scene.fails("up");
      await scene.db.sql(`${B} ${HEAD}`);
    },
    says: "adopt",
    kept: (scene) => scene.settled(),
  },
  "taken back here in part, and applied there: it is there whole": {
    hints: ["run/adopt/problems.ts begun: godwit repair --retry …"],
    files: HALF_BACK,
    before: halfBackHere,
    says: "adopt",
    byHand: (scene) => scene.db.sql(A),
    kept: (scene) => scene.settled(),
  },
  "taken back here in part, and applied there: it is taken back": {
    hints: ["run/adopt/problems.ts begun: godwit repair --forget …"],
    files: HALF_BACK,
    before: halfBackHere,
    says: "adopt",
    byHand: (scene) => scene.db.sql("drop table alembic_version"),
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("a")).toBe(true);
      await scene.settled();
    },
  },
  "Alembic is at what has no file: it is there": {
    hints: ["run/mirror/unplaced.ts belowUnknown: godwit repair --mark-done …"],
    files: ALEMBIC,
    before: ahead,
    byHand: (scene) => scene.db.sql(B),
  },
  "Alembic is at what has no file: all of it is there": {
    hints: ["run/mirror/unplaced.ts belowUnknown: godwit baseline …"],
    files: ALEMBIC,
    before: async (scene) => {
      await ahead(scene);
      scene.write({ "migrations/c1.sql": `-- godwit: revises=b1\n${C}` });
    },
    byHand: (scene) => scene.db.sql(`${B} ${C}`),
  },
  "Alembic is at what has no file: it comes after that": {
    hints: ["run/mirror/unplaced.ts belowUnknown: godwit adopt"],
    files: ALEMBIC,
    before: ahead,
    byHand: (scene) => scene.write({ "migrations/b1.sql": `-- godwit: revises=z9\n${B}` }),
    kept: async (scene) => {
      await scene.run("up");
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "Alembic would take what is pending for applied: it is not there": {
    hints: ["run/repair.ts refuseSwallowed: godwit up …"],
    files: {
      ...ALEMBIC,
      "migrations/b1.sql": `-- godwit: revises=a1\n${B}`,
      "migrations/c1.sql": `-- godwit: revises=b1\n${C}`,
    },
    env: { GODWIT_MIRROR: "alembic" },
    before: (scene) => scene.run("up a1"),
    says: (db) => `repair --mark-done c1 --confirm ${db.name}`,
    byHand: (scene) => scene.db.sql(C),
  },
  "what the tool applied is asked about": {
    hints: [
      "run/adopt/problems.ts asked: godwit adopt --dry-run",
      "run/adopt/problems.ts asked: godwit adopt",
    ],
    files: SUPABASE,
    before: (scene) => scene.db.sql(`${A} ${B} ${HISTORY}; ${row(0, "c")}; ${row(1, "a")}; ${row(2, "b")}`),
  },
  "a row without a file is the file's": {
    hints: ["run/adopt/problems.ts sameName: godwit repair --mark-done …"],
    files: { [sb(1, "a")]: A, [sb(5, "b")]: B },
    before: (scene) =>
      scene.db.sql(
        `${A} ${B} ${HISTORY}; ${row(1, "a")}; ${row(2, "other")}; update supabase_migrations.schema_migrations set statements = '{create table b (id int)}' where name = 'other'`,
      ),
  },
  "a file was renamed that the tool has applied": {
    hints: [
      "run/adopt/problems.ts renamedThere: godwit repair --mark-done …",
      "run/adopt/problems.ts renamedThere: godwit repair --forget …",
    ],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      scene.rename(sb(2, "b"), sb(2, "notes"));
      scene.write({ [sb(2, "notes")]: `${B}\nselect 1;` });
    },
  },
  "what the tool has applied has no file": {
    hints: ["run/adopt/problems.ts missingWarning: godwit adopt"],
    files: SUPABASE,
    before: (scene) =>
      scene.db.sql(`${A} ${B} ${C} ${HISTORY}; ${row(1, "a")}; ${row(2, "b")}; ${row(0, "c")}`),
    says: "plan",
  },
  "a folder of programs: what they did is taken over, and SQL goes on in another folder": {
    hints: ["source/detect/foreign.ts refuseForeign: godwit adopt --dir <folder>"],
    files: {
      "migrations/20240101000000_a.rb": "class A < ActiveRecord::Migration[7.1]; end",
      "sql/20250101000000_b.sql": B,
    },
    before: (scene) =>
      scene.db.sql(
        `${A} create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20240101000000'); create table ar_internal_metadata (key varchar primary key, value varchar, created_at timestamp, updated_at timestamp)`,
      ),
    says: "up --dir migrations",
    fill: { folder: "sql" },
    kept: async (scene) => {
      await scene.run("up --dir sql");
      expect(await scene.has("b")).toBe(true);
    },
  },
  "Prisma 8": {
    hints: ["tools/prisma.ts prisma8: godwit baseline <revision>"],
    files: { "0001_a.sql": A },
    before: (scene) =>
      scene.db.sql(`${A} create schema prisma_contract; create table prisma_contract.marker (id int)`),
    says: "adopt",
    fill: { revision: "0001_a" },
    kept: async (scene) => {
      await scene.run("up");
      await scene.settled();
    },
  },
};
