/** A script for psql stops with a hint of its own, and a failure says what of its step was kept. */
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";

const table = (name: string) => `create table ${name} (id int);`;
const [A, B, C] = [table("a"), table("b"), table("c")];
const back = (name: string) => `-- migrate:up\n${table(name)}\n-- migrate:down\ndrop table ${name};\n`;
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const BACK = { "0001_a.sql": back("a"), "0002_b.sql": back("b") };
const ledger = (name: string) => `"${ledgerSchema}".${name}`;
const settled = (scene: Scene) => scene.settled();

/** The Supabase CLI: kept in step without a word. */
const sb = (n: number, name: string) => `supabase/migrations/2024010${n}000000_${name}.sql`;
const SUPABASE = { [sb(1, "a")]: A, [sb(2, "b")]: B };
const HISTORY =
  "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)";
const row = (n: number, name: string) =>
  `insert into supabase_migrations.schema_migrations values ('2024010${n}000000', null, '${name}')`;
/** Both files were applied by the Supabase CLI and adopted, and a third has come. */
const adopted = async (scene: Scene) => {
  await scene.db.sql(`${A} ${B} ${HISTORY}; ${row(1, "a")}; ${row(2, "b")}`);
  await scene.run("up");
  scene.write({ [sb(3, "c")]: C });
};
const THIRD = "up --sql --from 20240102000000_b | psql";
const unrow = "delete from supabase_migrations.schema_migrations where version = '20240102000000'";

/** Alembic: a head says what is below it. */
const revision = (id: string, revises: string) => ({
  [`migrations/${id}.sql`]: `-- godwit: revises=${revises}\n${table(id)}`,
});
const ALEMBIC = { ...revision("a1", "none"), ...revision("b1", "a1") };
const head = (id: string) =>
  `create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('${id}')`;

const MODULE = {
  "0001_m.js": `export const transaction = false;
export async function up({ sql }) { await sql\`create table m ()\`; await sql\`create table n as select 1 / count(*) as n from switch\`; }
export async function down({ sql }) { await sql\`drop table m\`; await sql\`select 1 / count(*) as n from switch\`; await sql\`drop table n\`; }
`,
};
const switchOff = (scene: Scene) => scene.db.sql("create table switch (id int)");
const switchOn = (scene: Scene) => scene.db.sql("insert into switch values (1)");
/** Its second statement has committed before it fails. */
const COMMITS = {
  "0001_commits.sql": `-- godwit: transaction=off\n${A}\ndo $$ begin commit; perform 1 / count(*) from switch; end $$;\n${B}\n`,
};
/** The last file ends the connection, and no other one is let in. */
const SHUT = {
  "0001_a.sql": A,
  "0002_shut.sql":
    "do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$;",
};
const CUT = "up --connect-attempts 1";
const letIn = ({ db }: Scene) => db.admin(`alter database ${db.name} connection limit -1`);

export const SCRIPTS: Readonly<Record<string, Row>> = {
  "a script takes a backfill for finished that is not: up finishes it": {
    hints: ["ledger/script-sql.ts refuseUnfinished: godwit up …"],
    files: {
      "0001_a.sql":
        "create table a (id int primary key, n int); insert into a select generate_series(1, 200);",
      "0002_fill.sql":
        "-- godwit: backfill table=a\n-- godwit: where n is null\nupdate a set n = 1 where :window;\n",
      "0003_strict.sql": "-- godwit: requires=0002_fill\nalter table a alter n set not null;\n",
    },
    before: (scene) => scene.run("up 0001_a"),
    says: "up --sql --from 0002_fill | psql",
  },
  "a script would apply what is applied: up does the rest": {
    hints: ["ledger/script-sql.ts refusePresent: godwit up"],
    files: TWO,
    before: (scene) => scene.run("up 0001_a"),
    says: "up --sql --from base | psql",
    kept: settled,
  },
  "a script would apply what is applied: a new one begins where the database is": {
    hints: [
      "ledger/script-sql.ts refusePresent: godwit current",
      "ledger/script-sql.ts refusePresent: godwit up --sql --from <revision>",
    ],
    files: TWO,
    before: (scene) => scene.run("up 0001_a"),
    says: "up --sql --from base | psql",
    fill: { revision: "0001_a" },
    kept: async (scene, [current]) => {
      expect(current?.stdout).toContain("0001_a");
      await scene.run("up --sql --from 0001_a | psql");
      await scene.settled();
    },
  },
  "a script would take back what is not applied": {
    hints: [
      "ledger/script-sql.ts refuseAbsent: godwit current",
      "ledger/script-sql.ts refuseAbsent: godwit down … --sql --from <revision>",
    ],
    files: BACK,
    before: (scene) => scene.run("up 0001_a"),
    says: "down base --sql --from 0002_b | psql",
    fill: { revision: "0001_a" },
    kept: async (scene, [current]) => {
      expect(current?.stdout).toContain("0001_a");
      await scene.run("down base --sql --from 0001_a | psql");
      expect(await scene.has("a")).toBe(false);
    },
  },
  "a script would take back what was declared": {
    hints: ["ledger/script-sql.ts refuseDeclared: godwit down …"],
    files: BACK,
    before: async (scene) => {
      await scene.db.sql(A);
      await scene.run(`baseline 0001_a --confirm ${scene.db.name}`);
      await scene.run("up");
    },
    says: "down base --sql --from 0002_b | psql",
    kept: async (scene) => {
      expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]);
      await scene.run("up");
      await scene.settled();
    },
  },
  "a script of files that have replaced all old ones": {
    hints: ["ledger/script-sql.ts refuseOtherFiles: godwit baseline <revision> --confirm <database>"],
    files: TWO,
    before: async (scene) => {
      await scene.run("up");
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0003_all.sql": `${A}\n${B}`, "0004_c.sql": C });
    },
    says: "up --sql --from base | psql",
    fill: { revision: "0003_all" },
    kept: async (scene) => {
      await scene.run("up --sql --from 0003_all | psql");
      expect(await scene.has("c")).toBe(true);
      await scene.settled();
    },
  },
  "a script of a file that was renamed": {
    hints: [
      "ledger/script-sql.ts refuseOtherFiles: godwit repair --mark-done …",
      "ledger/script-sql.ts refuseOtherFiles: godwit repair --forget …",
    ],
    files: TWO,
    before: async (scene) => {
      await scene.run("up");
      scene.rename("0002_b.sql", "0002_notes.sql");
      scene.write({ "0003_c.sql": C });
    },
    says: "up --sql --from 0001_a | psql",
    kept: async (scene) => {
      await scene.run("up --sql --from 0002_notes | psql");
      expect(await scene.has("c")).toBe(true);
      await scene.settled();
    },
  },
  "a script of a file that was replaced, and stays": {
    hints: ["ledger/script-sql.ts refuseOtherFiles: godwit repair --mark-done …"],
    files: TWO,
    before: async (scene) => {
      await scene.run("up");
      scene.remove("0001_a.sql", "0002_b.sql");
      scene.write({ "0003_all.sql": `${A}\n${B}` });
      await scene.run(`baseline 0003_all --confirm ${scene.db.name}`);
      scene.write({ "0001_a.sql": A });
    },
    says: "up 0001_a --sql --from base | psql",
    kept: settled,
  },
  "a script finds a ledger that contradicts itself": {
    hints: ["ledger/sql.ts ledgerSql: godwit status"],
    files: BACK,
    before: async (scene) => {
      await scene.run("up");
      await scene.db.sql(`delete from ${ledger("migration_history")} where revision = '0002_b'`);
      scene.write({ "0003_c.sql": C });
    },
    says: "up --sql --from 0002_b | psql",
    looks: true,
    kept: async (scene, [status]) => {
      expect(status?.stderr).toContain("`godwit repair --rebuild`");
      await scene.run(`repair --rebuild --confirm ${scene.db.name}`);
      await scene.run("up --sql --from 0002_b | psql");
      await scene.settled();
    },
  },
  "a script finds a row gone from a tool's history: it was taken back": {
    hints: ["run/script/guard-sql.ts raiseTakenBack: godwit repair --forget …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql(`${unrow}; drop table b`);
    },
    says: THIRD,
    kept: async (scene) => {
      await scene.run("up --sql --from 20240101000000_a | psql");
      expect([await scene.has("b"), await scene.has("c")]).toEqual([true, true]);
      await scene.settled();
    },
  },
  "a script finds a row gone from a tool's history: it is still there": {
    hints: ["run/script/guard-sql.ts raiseTakenBack: godwit repair --mark-done …"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql(unrow);
    },
    says: THIRD,
  },
  "a script would apply what a tool has applied": {
    hints: ["run/script/guard.ts TAKE_OVER: godwit adopt"],
    files: SUPABASE,
    before: (scene) => scene.db.sql(`${A} ${HISTORY}; ${row(1, "a")}`),
    says: "up --sql --from base | psql",
    kept: async (scene) => {
      await scene.run("up --sql --from 20240101000000_a | psql");
      await scene.settled();
    },
  },
  "a script would apply what is below a head": {
    hints: ["run/script/heads.ts guardOf: godwit adopt"],
    files: ALEMBIC,
    before: (scene) => scene.db.sql(`${table("a1")} ${table("b1")} ${head("b1")}`),
    says: "up a1 --sql --from base | psql",
    kept: settled,
  },
  "a script would apply what may be below a head without a file": {
    hints: ["run/script/heads.ts guardOf: godwit plan"],
    files: ALEMBIC,
    before: (scene) => scene.db.sql(head("z9")),
    says: "up --sql --from base | psql",
    looks: true,
    kept: async (scene, [plan]) => {
      expect(plan?.stderr).toMatch(/write `-- godwit: revises=z9` into the first[^;]*`godwit adopt`/);
      scene.write(revision("a1", "z9"));
      await scene.run("adopt");
      await scene.run("up");
      await scene.settled();
    },
  },
  "a script does not find the history of a tool: it has another name": {
    hints: ["run/script/remembered.ts rememberedGuard: godwit adopt --table <schema.table>"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql("alter table supabase_migrations.schema_migrations rename to done");
    },
    says: THIRD,
    fill: { "schema.table": "supabase_migrations.done" },
    kept: async (scene) => {
      const { stderr } = await scene.fails(THIRD);
      expect(stderr).toContain("--mirror supabase:supabase_migrations.done");
      await scene.run(THIRD.replace(" |", " --mirror supabase:supabase_migrations.done |"));
      expect(await scene.has("supabase_migrations.schema_migrations")).toBe(false);
      await scene.settled();
    },
  },
  "a script does not find the history of a tool: status says what became of it": {
    hints: ["run/script/remembered.ts rememberedGuard: godwit status"],
    files: SUPABASE,
    before: async (scene) => {
      await adopted(scene);
      await scene.db.sql("drop schema supabase_migrations cascade");
    },
    says: THIRD,
    looks: true,
    kept: async (scene, [status]) => {
      expect(status?.stdout).toContain("is gone");
      await scene.run(`baseline 20240102000000_b --confirm ${scene.db.name}`);
      await scene.run(THIRD);
      await scene.settled();
    },
  },
  "a module outside a transaction fails: it may run again": {
    hints: ["run/report/committed.ts byHand: godwit repair --retry …"],
    files: MODULE,
    before: switchOff,
    byHand: async (scene) => {
      await scene.db.sql("drop table m");
      await switchOn(scene);
    },
  },
  "a module outside a transaction fails: it is complete": {
    hints: ["run/report/committed.ts byHand: godwit repair --mark-done …"],
    files: MODULE,
    before: switchOff,
    byHand: (scene) => scene.db.sql("create table n ()"),
  },
  "the way back of a module outside a transaction fails: it is reverted": {
    hints: ["run/report/committed.ts byHand: godwit repair --forget …"],
    files: MODULE,
    before: async (scene) => {
      await switchOff(scene);
      await switchOn(scene);
      await scene.run("up");
      await scene.db.sql("delete from switch");
    },
    says: "down base",
    byHand: async (scene) => {
      await scene.db.sql("drop table n");
      await switchOn(scene);
    },
    kept: async (scene) => {
      await scene.run("up");
      expect([await scene.has("m"), await scene.has("n")]).toEqual([true, true]);
      await scene.settled();
    },
  },
  "the way back of a module outside a transaction fails: it may run again": {
    hints: ["run/report/committed.ts byHand: godwit repair --retry …"],
    files: MODULE,
    before: async (scene) => {
      await switchOff(scene);
      await switchOn(scene);
      await scene.run("up");
      await scene.db.sql("delete from switch");
    },
    says: "down base",
    byHand: async (scene) => {
      await scene.db.sql("create table m ()");
      await switchOn(scene);
    },
    kept: async (scene) => {
      await scene.run("down base");
      expect([await scene.has("m"), await scene.has("n")]).toEqual([false, false]);
    },
  },
  "a statement that commits by itself fails: it may run again": {
    hints: ["run/report/committed.ts howToGoOn: godwit repair --retry …:…"],
    files: COMMITS,
    before: switchOff,
    byHand: switchOn,
  },
  "a statement that commits by itself fails: it is complete": {
    hints: ["run/report/committed.ts howToGoOn: godwit repair --mark-done …:…"],
    files: COMMITS,
    before: switchOff,
  },
  "the connection is lost for good in a transaction": {
    hints: ["run/report/committed.ts howToGoOn: godwit status"],
    files: { ...SHUT, "0003_cut.sql": "select pg_terminate_backend(pg_backend_pid());" },
    says: CUT,
    byHand: async (scene) => {
      await letIn(scene);
      scene.write({ "0003_cut.sql": C });
    },
    kept: async (scene, [status]) => {
      expect(status?.stdout).toMatch(/applied +0002_shut[\s\S]*pending +0003_cut/);
      await scene.run("up");
      await scene.settled();
    },
  },
  "the connection is lost for good outside a transaction": {
    hints: ["run/report/committed.ts byHand: godwit repair --mark-done …"],
    files: {
      ...SHUT,
      "0003_cut.js":
        "export const transaction = false;\nexport async function up({ sql }) { await sql`select pg_terminate_backend(pg_backend_pid())`; }\n",
    },
    says: CUT,
    byHand: letIn,
  },
};
