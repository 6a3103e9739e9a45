import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { startRunner } from "../support/runner.ts";
import { lockHolder } from "../support/sessions.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";
import { until } from "../support/until.ts";

const BEGINNING = `-- godwit: transaction=off
create table kept (id int);
insert into kept values (1);
vacuum kept;
`;

describe("16: A file without a transaction begins again from the top after it stopped half-way", () => {
  test("after an error, the statements done are not repeated", async ({ db }) => {
    const folder = folderOf({ "0001_kept.sql": `${BEGINNING}insert into kept values ('x');\nanalyze kept;` });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({
      place: { file: "0001_kept.sql", line: 5 },
      report: { failures: [{ committed: "some" }] },
    });
    expect(await db.sql(`select state from "${ledgerSchema}".migration_history`)).toEqual([
      { state: "partial" },
    ]);
    writeFiles(folder, { "0001_kept.sql": `${BEGINNING}insert into kept values (2);\nanalyze kept;` });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql("select id from kept")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("after a kill, neither are they", async ({ db }) => {
    const folder = folderOf({
      "0001_kept.sql": `${BEGINNING}insert into kept select 2 from (${GATE.slice(0, -1)}) g;`,
    });
    const gate = await closeGate(db);
    const runner = await startRunner({ url: db.url, folder, settings: { lockTimeoutMs: 0 } });
    await gate.reached();
    runner.signal("SIGKILL");
    await runner.exited;
    await until(async () => (await lockHolder(db)) === undefined, { what: "the lock to be free" });
    await gate.open();
    expect((await up(targetOf({ url: db.url, folder }))).outcome).toBe("done");
    expect(await db.sql("select id from kept")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test("what the file has set holds for every statement behind it, after resuming too", async ({ db }) => {
    const rest = (last: string) => `-- godwit: transaction=off
create schema elsewhere;
set search_path to elsewhere;
create table here (id int);
create index concurrently here_id on here (id);
${last}`;
    const folder = folderOf({ "0001_set.sql": rest("insert into here values ('x');") });
    const target = targetOf({ url: db.url, folder });
    await expect(up(target)).rejects.toMatchObject({ place: { line: 6 } });
    writeFiles(folder, { "0001_set.sql": rest("insert into here values (1);") });
    expect((await up(target)).outcome).toBe("done");
    expect(await db.sql("select id from elsewhere.here")).toEqual([{ id: 1 }]);
  });
});
