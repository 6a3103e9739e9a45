import { majorVersion } from "./version.ts";

/**
 * Migrations with every kind of step, for tests that disturb them. Each leaves a row in `effects` for each time it
 * took effect, so a second time would be seen.
 */
export function scenarioFiles() {
  // PostgreSQL 13 can detach a partition in a transaction only.
  const detach = majorVersion() < 14 ? "" : " concurrently";
  return {
    "0001_tables.sql": `create table effects (what text);
create type mood as enum ('calm');
create table shops (id int primary key, mood mood);
insert into shops select n from generate_series(1, 50) n;
create table orders (id int, day int) partition by list (day);
create table orders_1 partition of orders for values in (1);
create table orders_2 partition of orders for values in (2);
insert into effects values ('0001');`,
    "0002_more.sql": "insert into effects values ('0002');",
    "0003_outside.sql": `-- migrate:up
insert into effects values ('0003, before the index');
create index concurrently shops_mood on shops (mood);
alter type mood add value 'wild';
update shops set mood = 'wild' where id > 25;
vacuum shops;
alter table orders detach partition orders_1${detach};
insert into effects values ('0003, at the end');
-- migrate:down
insert into effects values ('0003 down, begun');
drop index concurrently shops_mood;
insert into effects values ('0003 down, done');`,
    "0004_module.ts": `import type { MigrationContext } from "godwit";
export async function up({ sql, schema }: MigrationContext) {
  await sql\`insert into effects values (\${"0004"})\`;
  await schema.createTable("customers").addColumn("id", "integer", (column) => column.primaryKey()).execute();
  await sql\`insert into customers select id from shops\`;
}
export async function down({ sql, schema }: MigrationContext) {
  await schema.dropTable("customers").execute();
  await sql\`insert into effects values (\${"0004 down"})\`;
}`,
    "repeatable/overview.sql":
      "create or replace view overview as select count(*) from shops;\ninsert into effects values ('overview');",
  };
}
