/** Numbers of the ledger's rows are made from the rows: a restore that leaves sequences behind changes nothing. */

import { migrate } from "../../src/run/migrate.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { appliedIn } from "../support/refusal.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const A = {
  "0001_a.sql": "-- migrate:up\ncreate table a (); \n-- migrate:down\ndrop table a;",
  "0002_b.sql": "-- migrate:up\ncreate table b (); \n-- migrate:down\ndrop table b;",
};
const C = { "0003_c.sql": "-- migrate:up\ncreate table c (); \n-- migrate:down\ndrop table c;" };

/** As an early ledger had them, and as `COPY`, `pg_restore --data-only` or a subscription leaves them. */
const BEHIND = `alter table ${ledgerSchema}.migration_history alter sequence drop identity if exists, alter sequence add generated always as identity;
alter table ${ledgerSchema}.migration_log alter id drop identity if exists, alter id add generated always as identity`;

test.for([
  ["no sequences", "select 1"],
  ["sequences that begin again", BEHIND],
])("down -1 takes back the last one, and the log goes on, with %s", async ([, restored = ""], { db }) => {
  const folder = folderOf(A);
  const target = targetOf({ url: db.url, folder });
  await up(target);
  await db.sql(restored);
  writeFiles(folder, C);
  expect((await up(target)).steps).toHaveLength(1);
  const report = await migrate(target, down("-1"), recorder());
  expect(report.steps.map(({ revision }) => revision)).toEqual(["0003_c"]);
  expect(await appliedIn(db)).toEqual(["0001_a", "0002_b"]);
  expect(
    await db.sql(`select event, revision from ${ledgerSchema}.migration_log order by id offset 2`),
  ).toEqual([
    { event: "applied", revision: "0003_c" },
    { event: "reverted", revision: "0003_c" },
  ]);
});
