/** 39: a repair from the wrong folder, or at the wrong database, poisons the ledger. */
import type { Repair } from "../../src/run/corrections.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";

const ALL: readonly Repair[] = [
  { kind: "forget", revision: "0001_a" },
  { kind: "accept", revision: "0001_a" },
  { kind: "mark-done", revision: "0001_a", position: null },
];

test("39: files of another project, and a database by another name, are refused; nothing is repaired", async ({
  db,
}) => {
  const named = (project: string, folder: string) => targetOf({ url: db.url, folder, settings: { project } });
  const ours = folderOf({ "0001_a.sql": "create table a ();" });
  await up(named("shop", ours));
  const rows = () =>
    db.sql(`select revision, checksum, (select count(*)::int from "${ledgerSchema}".migration_log) as log
from "${ledgerSchema}".migration_history order by 1`);
  const before = await rows();

  const theirs = folderOf({ "0001_a.sql": "create table something_else ();" });
  for (const request of ALL) {
    const foreign = repair(named("blog", theirs), request, { confirm: db.name }, recorder());
    expect((await refusalOf(foreign)).codes, request.kind).toEqual(["LEDGER_FOREIGN"]);
    const elsewhere = repair(named("shop", ours), request, { confirm: "production" }, recorder());
    expect((await refusalOf(elsewhere)).error.message, request.kind).toContain(db.name);
  }
  expect(await rows()).toEqual(before);
});
