/** What only the other tool can run: it runs it, and the hint's command takes that over. */
import { expect } from "../../support/database.ts";
import type { Row } from "../../support/follow.ts";

const A = "create table a (id int);";
const B = "create table b (id int);";
const FLYWAY = `create table flyway_schema_history (installed_rank int not null primary key, version varchar(50), description varchar(200) not null,
  type varchar(20) not null, script varchar(1000) not null, checksum integer, installed_by varchar(100) not null default 'me',
  installed_on timestamp not null default now(), execution_time integer not null default 1, success boolean not null default true)`;
const LIQUIBASE = `create table databasechangelog (id varchar(255) not null, author varchar(255) not null, filename varchar(255) not null, dateexecuted timestamp not null default now(),
  orderexecuted int not null, exectype varchar(10) not null, md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255),
  liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))`;
const changeset = (n: number, file: string) =>
  `insert into databasechangelog (id, author, filename, orderexecuted, exectype) values ('${n}', 'ann', '${file}', ${n}, 'EXECUTED')`;

export const LAYOUTS: Readonly<Record<string, Row>> = {
  "a class of Flyway": {
    hints: ["source/layouts/flyway.ts notSql: godwit adopt"],
    files: { "migrations/V1__a.java": "class V1__a {}", "migrations/V2__b.sql": B },
    byHand: (scene) =>
      scene.db.sql(
        `${A} ${FLYWAY}; insert into flyway_schema_history (installed_rank, version, description, type, script) values (1, '1', 'a', 'JDBC', 'V1__a')`,
      ),
  },
  "Flyway stops at a target": {
    hints: ["source/layouts/flyway.ts passedOver: godwit up <revision>"],
    files: {
      "migrations/V1__a.sql": A,
      "migrations/V2__b.sql": B,
      "migrations/flyway.conf": "flyway.target=1\n",
    },
    byHand: (scene) => scene.write({ "migrations/flyway.conf": "" }),
    fill: { revision: "V1__a" },
    kept: async (scene) => expect([await scene.has("a"), await scene.has("b")]).toEqual([true, false]),
  },
  "Flyway has a baseline": {
    hints: ["source/layouts/flyway.ts passedOver: godwit baseline <revision>"],
    files: {
      "migrations/V1__a.sql": A,
      "migrations/V2__b.sql": B,
      "migrations/flyway.conf": "flyway.baselineOnMigrate=true\nflyway.baselineVersion=1\n",
    },
    before: (scene) => scene.db.sql(A),
    byHand: (scene) => scene.write({ "migrations/flyway.conf": "" }),
    fill: { revision: "V1__a" },
  },
  "a setting of Flyway that is not done here": {
    hints: ["source/layouts/flyway-settings.ts refusedValue: godwit adopt"],
    files: { "migrations/V1__a.sql": A, "migrations/flyway.conf": "flyway.initSql=select 1\n" },
    byHand: async (scene) => {
      scene.write({ "migrations/flyway.conf": "" });
      await scene.db.sql(
        `${A} ${FLYWAY}; insert into flyway_schema_history (installed_rank, version, description, type, script) values (1, '1', 'a', 'SQL', 'V1__a.sql')`,
      );
    },
  },
  "a module of node-pg-migrate": {
    hints: ["source/layouts/node-pg-migrate.ts notSql: godwit adopt"],
    files: {
      "migrations/1700000000000_a.js": "exports.up = (pgm) => { pgm.sql('select 1'); };",
      "migrations/1700000000001_b.sql": `-- Up Migration\n${B}\n-- Down Migration\ndrop table b;\n`,
    },
    env: { GODWIT_LAYOUT: "node-pg-migrate" },
    byHand: (scene) =>
      scene.db.sql(
        `${A} create table pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null); insert into pgmigrations (name, run_on) values ('1700000000000_a', now())`,
      ),
  },
  "a changeset of Liquibase that is not SQL": {
    hints: ["source/layouts/liquibase.ts addForeign: godwit adopt"],
    files: {
      "migrations/changelog.yaml":
        "databaseChangeLog:\n  - changeSet:\n      id: 1\n      author: ann\n      changes:\n        - createTable:\n            tableName: a\n",
    },
    env: { GODWIT_LAYOUT: "liquibase" },
    byHand: (scene) => scene.db.sql(`${A} ${LIQUIBASE}; ${changeset(1, "changelog.yaml")}`),
  },
  "a precondition of Liquibase": {
    hints: ["source/layouts/liquibase-changesets.ts HINT: godwit adopt"],
    files: {
      "migrations/a.sql": `--liquibase formatted sql\n--changeset ann:1\n--preconditions onFail:MARK_RAN\n--precondition-sql-check expectedResult:0 select 0\n${A}\n--changeset ann:2\n${B}\n`,
    },
    byHand: (scene) => scene.db.sql(`${A} ${LIQUIBASE}; ${changeset(1, "a.sql")}`),
  },
};
