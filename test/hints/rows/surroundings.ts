/** What stands around the migrations: another tool's passed-over file, an import's table, the server of development, a build. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import { picture, put } from "../../support/import-place.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const back = (name: string, way = `drop table ${name};`) =>
  `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\n${way}\n`;
const TWO = { "0001_a.sql": A, "0002_b.sql": B };
const settled = (scene: Scene) => scene.settled();

const IMPORT = {
  "pictures/.gitkeep": "",
  "godwit.config.json": JSON.stringify({ imports: { nas: { from: "pictures" } } }),
};
const withPicture = async ({ folder }: Scene) =>
  put(join(folder, "pictures"), { "shop/template/a.png": await picture(1) });
const imported = async ({ db }: Scene) =>
  expect(await db.sql("select count(*)::int as n from design_images")).toEqual([{ n: 1 }]);

/** Drizzle keeps the greatest time, and so has passed over `0001_b`, which came later with an earlier one. */
const DRIZZLE = {
  "drizzle/0000_a.sql": A,
  "drizzle/0001_b.sql": B,
  "drizzle/0002_c.sql": "create table c (id int);",
  "drizzle/meta/_journal.json": JSON.stringify({
    version: "7",
    dialect: "postgresql",
    entries: ["0000_a", "0001_b", "0002_c"].map((tag, idx) => ({
      ...{ idx, version: "7", tag, breakpoints: true },
      when: 1_700_000_000_000 + idx,
    })),
  }),
};
async function passedOver({ db }: Scene, { made }: { made: boolean }): Promise<void> {
  const rows = ["drizzle/0000_a.sql", "drizzle/0002_c.sql"].map((file, index) => {
    const text = DRIZZLE[file as keyof typeof DRIZZLE];
    return `('${createHash("sha256").update(text).digest("hex")}', ${1_700_000_000_000 + 2 * index})`;
  });
  await db.sql(`create schema drizzle;
    create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
    insert into drizzle.__drizzle_migrations (hash, created_at) values ${rows.join(", ")};
    ${A} create table c (id int); ${made ? B : ""}`);
}

export const SURROUNDINGS: Readonly<Record<string, Row>> = {
  "dev in production": {
    hints: ["assemble/dev.ts refuseOutsideDevelopment: godwit up"],
    files: TWO,
    env: { NODE_ENV: "production" },
    says: "dev --once",
    kept: settled,
  },
  "dev where targets are configured": {
    hints: ["assemble/dev.ts refuseOutsideDevelopment: godwit up"],
    files: {
      ...TWO,
      "godwit.config.json": JSON.stringify({ targets: { shop: { url: { variable: "DATABASE_URL" } } } }),
    },
    says: "dev --once",
    kept: async (scene) =>
      expect([await scene.has("a"), await scene.has("b"), (await scene.run("status --check")).code]).toEqual([
        true,
        true,
        0,
      ]),
  },
  "dev where a database is configured": {
    hints: [
      "assemble/dev.ts refuseOutsideDevelopment: godwit up",
      "assemble/dev.ts refuseOutsideDevelopment: godwit doctor",
    ],
    files: TWO,
    says: "dev --once",
    kept: async (scene, [, doctor]) => {
      expect(doctor?.stdout).toContain("DATABASE_URL");
      await scene.settled();
    },
  },
  "adopt finds what Drizzle has passed over: it is missing": {
    hints: ["cli/commands/adopt.ts textOf: godwit up --out-of-order"],
    files: DRIZZLE,
    env: { GODWIT_DIR: "drizzle" },
    before: (scene) => passedOver(scene, { made: false }),
    says: "adopt",
    kept: async (scene) => {
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
  "adopt finds what Drizzle has passed over: it is there": {
    hints: ["cli/commands/adopt.ts textOf: godwit adopt --assume"],
    files: DRIZZLE,
    env: { GODWIT_DIR: "drizzle" },
    before: (scene) => passedOver(scene, { made: true }),
    says: "adopt",
    kept: async (scene) => {
      await scene.run("up");
      await scene.settled();
    },
  },
  "a file that cannot be carried out is corrected": {
    hints: ["core/checks.ts brokenFile: godwit …"],
    files: { "0001_a.sql": `-- godwit: transaction=off transaction=on\n${A}` },
    byHand: (scene) => scene.write({ "0001_a.sql": A }),
    kept: settled,
  },
  "an import has no table, and there is no folder of migrations": {
    hints: ["images/table.ts openTable: godwit init --import", "images/table.ts openTable: godwit up"],
    files: IMPORT,
    before: withPicture,
    says: "import",
    kept: async (scene) => {
      await imported(scene);
      await scene.settled();
    },
  },
  "a rollback could not take back imported files: they are imported afterwards": {
    hints: [
      "run/rollback.ts refuseRollback: godwit up --rollback-on-failure --phase ……",
      "run/rollback.ts refuseRollback: godwit import",
    ],
    files: { "0001_a.sql": back("a"), ...IMPORT },
    before: async (scene) => {
      await scene.run("init --import");
      await withPicture(scene);
    },
    says: "up --rollback-on-failure",
    kept: async (scene) => {
      await imported(scene);
      await scene.settled();
    },
  },
  "a rollback cannot reach the database": {
    hints: ["run/rollback.ts withRest: godwit up"],
    files: {
      "0001_a.sql": back("a"),
      "0002_shut.sql":
        "-- migrate:up\ndo $$ begin execute format('alter database %I connection limit 0', current_database()); end $$;\n-- migrate:down\nselect 1;\n",
      "0003_cut.sql":
        "-- migrate:up\nselect pg_terminate_backend(pg_backend_pid());\n-- migrate:down\nselect 1;\n",
    },
    says: "up --rollback-on-failure --connect-attempts 1",
    byHand: async (scene) => {
      await scene.db.admin(`alter database ${scene.db.name} connection limit -1`);
      scene.write({ "0003_cut.sql": back("c") });
    },
    kept: settled,
  },
  "a way back leaves something running": {
    hints: ["run/step/module-call.ts CORRECT_DOWN: godwit up"],
    files: {
      "0001_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect pg_sleep(1);\n",
      "0002_b.js":
        "export async function up({ sql }) { await sql`create table b ()`; }\nexport async function down({ sql }) { setTimeout(() => sql`drop table b`, 400); }\n",
    },
    before: (scene) => scene.run("up"),
    says: "down base",
    byHand: (scene) => scene.db.sql("drop table b"),
    kept: async (scene) => {
      expect(await scene.has("b")).toBe(true);
      await scene.settled();
    },
  },
};
