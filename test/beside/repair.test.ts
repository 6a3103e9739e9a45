/** `repair` says what it did: each kind at each place where a revision can stand, and what makes no sense leaves no trace. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { baseline } from "../../src/run/baseline.ts";
import type { Repair } from "../../src/run/corrections.ts";
import { migrate } from "../../src/run/migrate.ts";
import { repair } from "../../src/run/repair.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { refusalOf } from "../support/refusal.ts";
import { down, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

/** Its second statement commits for itself and fails: whether it took effect only a person can see. */
const HALF = `-- godwit: transaction=off
-- migrate:up
create table h (n int);
call tick();
insert into h values (2);
-- migrate:down
insert into h values (3);
call tick();
drop table h;`;

/** Every state in one database: the half-way one comes last, or nothing behind it could be. */
async function scene(db: TestDatabase, way: "up" | "down") {
  await db.sql(`create table tocks (n int); create procedure tick() language plpgsql as $$ begin
    if exists (select from tocks) then insert into tocks values (1); commit; raise exception 'killed'; end if;
    commit; end $$`);
  const folder = folderOf({ "0001_baseline.sql": "select 1;" });
  const target = targetOf({ url: db.url, folder });
  await baseline(target, "head", recorder());
  writeFiles(folder, {
    "0002_applied.sql": "create table applied ();",
    "0003_edited.sql": "create table edited ();",
    "0004_vanished.sql": "create table vanished ();",
    "repeatable/repeatable.sql": "create or replace view v as select 1 as n;",
  });
  await up(target);
  writeFiles(folder, { "0005_half.sql": HALF });
  if (way === "down") await up(target);
  await db.sql("insert into tocks values (0)");
  await refusalOf(way === "up" ? up(target) : migrate(target, down("-1"), recorder()));
  writeFiles(folder, {
    "0003_edited.sql": "create table edited (n int);",
    "0006_pending.sql": "create table pending ();",
  });
  rmSync(join(folder, "0004_vanished.sql"));
  return target;
}

const OK = "done";
/** Kind → where it stands → what is said; a text is what it refuses with. */
const CELLS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  accept: {
    baseline: "0001_baseline.sql is not edited",
    applied: "0002_applied.sql is not edited",
    edited: OK,
    vanished: "0004_vanished has no file",
    half: "0005_half stands half-way",
    repeatable: "repeatable.sql is not edited",
    pending: "0006_pending is pending",
    unknown: 'There is no revision "unknown"',
  },
  forget: {
    baseline: OK,
    applied: OK,
    edited: OK,
    vanished: OK,
    half: OK,
    repeatable: OK,
    pending: "0006_pending is pending",
    unknown: 'There is no revision "unknown"',
  },
  "mark-done": {
    baseline: "0001_baseline is applied already",
    applied: "0002_applied is applied already",
    edited: "0003_edited is applied already",
    vanished: "0004_vanished is applied already",
    half: OK,
    repeatable: "repeatable is applied already",
    pending: OK,
    unknown: 'There is no revision "unknown"',
  },
  retry: {
    baseline: "0001_baseline is applied, and is not tried again",
    applied: "0002_applied is applied, and is not tried again",
    edited: "0003_edited is applied, and is not tried again",
    vanished: "0004_vanished is applied, and is not tried again",
    half: OK,
    repeatable: "repeatable is applied, and is not tried again",
    pending: "0006_pending is pending",
    unknown: 'There is no revision "unknown"',
  },
};
const STATEMENTS: Readonly<Record<string, string>> = {
  "baseline:1": "0001_baseline is applied: none of its statements",
  "applied:1": "0002_applied is applied: none of its statements",
  "edited:1": "0003_edited is applied: none of its statements",
  "vanished:1": "0004_vanished is applied: none of its statements",
  "half:1": "Statement 1 of 0005_half is done already",
  "half:2": OK,
  "half:3": "Statement 3 of 0005_half was never begun",
  "half:99": "Statement 99 of 0005_half was never begun",
  "repeatable:1": "repeatable is applied: none of its statements",
  "pending:1": "0006_pending is pending: none of its statements",
  "unknown:1": 'There is no revision "unknown"',
};

const IDS: Readonly<Record<string, string>> = {
  baseline: "0001_baseline",
  applied: "0002_applied",
  edited: "0003_edited",
  vanished: "0004_vanished",
  half: "0005_half",
  pending: "0006_pending",
};

/** One text, for what must not change. */
const ledgerOf = (db: TestDatabase) =>
  db.sql(`select md5(concat((select string_agg(h::text, ',' order by revision) from "${ledgerSchema}".migration_history h),
    (select string_agg(s::text, ',' order by s::text) from "${ledgerSchema}".migration_statements s),
    (select string_agg(g::text, ',' order by id) from "${ledgerSchema}".migration_log g)))`);
const logOf = (db: TestDatabase) =>
  db.sql(`select event, revision, details from "${ledgerSchema}".migration_log order by id desc limit 1`);

function requests(): readonly (readonly [request: Repair, said: string])[] {
  const whole = Object.entries(CELLS).flatMap(([kind, cells]) =>
    Object.entries(cells).map(([at, said]) => {
      const revision = IDS[at] ?? at;
      const request =
        kind === "accept" || kind === "forget" ? { kind, revision } : { kind, revision, position: null };
      return [request as Repair, said] as const;
    }),
  );
  const single = (["mark-done", "retry"] as const).flatMap((kind) =>
    Object.entries(STATEMENTS).map(([at, said]) => {
      const [name = "", position] = at.split(":");
      return [{ kind, revision: IDS[name] ?? name, position: Number(position) } as Repair, said] as const;
    }),
  );
  return [...whole, ...single];
}

describe.for(["up", "down"] as const)("the half-way one stands half-way %s", (way) => {
  test("every kind at every place: refused without a trace, or done and logged", async ({ db }) => {
    const target = await scene(db, way);
    await db.sql(`create table kept as select * from "${ledgerSchema}".migration_history;
      create table kept_s as select * from "${ledgerSchema}".migration_statements;
      create table kept_l as select * from "${ledgerSchema}".migration_log`);
    const before = await ledgerOf(db);
    for (const [request, expected] of requests()) {
      const said = await repair(target, request, { confirm: db.name }, recorder()).then(
        () => OK,
        (error: Error) => error.message,
      );
      expect({ request, said }).toEqual({ request, said: expect.stringContaining(expected) });
      if (said !== OK) expect(await ledgerOf(db)).toEqual(before);
      else {
        const { kind, revision } = request as Repair & { revision: string };
        const event = { accept: "accepted", forget: "forgotten", "mark-done": "marked-done", retry: "retry" }[
          kind as "accept"
        ];
        expect(await logOf(db)).toMatchObject([{ event, revision }]);
        await db.sql(`truncate "${ledgerSchema}".migration_history, "${ledgerSchema}".migration_statements, "${ledgerSchema}".migration_log;
          insert into "${ledgerSchema}".migration_history select * from kept;
          insert into "${ledgerSchema}".migration_statements select * from kept_s;
          insert into "${ledgerSchema}".migration_log select * from kept_l`);
      }
    }
  });
});
