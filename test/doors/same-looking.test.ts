/** The law of `same.test.ts` for what looks and changes nothing: both doors give the same answer. */
import { doctor, down, dryRun, history, log, plan, repair, script, up } from "../support/acts.ts";
import { test } from "../support/database.ts";
import { type Scenario, throughBothDoors } from "../support/doors.ts";

const AB = {
  "0001_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;",
  "0002_b.sql": "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;",
};
const BAD = { ...AB, "0003_bad.sql": "select nonsense;", "0004_after.sql": "create table after ();" };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "a dry run that works, one that fails, one that is uncertain, and one that does not begin": {
    files: AB,
    scenes: [
      dryRun(),
      dryRun("+1"),
      up(),
      dryRun(),
      { files: { "0003_late.sql": "-- godwit: transaction=off\ncreate table c ();" } },
      dryRun(),
      { files: { "0003_late.sql": "", ...BAD } },
      dryRun(),
      { files: { "0001_a.sql": "create table a (id bigint);" } },
      dryRun(),
      dryRun("nonsense"),
    ],
  },
  "scripts for both directions, from anywhere": {
    files: AB,
    scenes: [
      script(),
      script({ goal: "0001" }),
      script({ from: "0001" }),
      script({ direction: "down", goal: "base" }),
      script({ direction: "down", goal: "-1", from: "0001" }),
      script({ goal: "nonsense" }),
      script({ from: "nonsense" }),
      script({ direction: "down", goal: "0001", from: "base" }),
      { files: { "0003_open.sql": "select 'open" } },
      script(),
    ],
  },
  "a script of an empty goal, in a mode that is less than all": {
    files: { ...AB, "0003_c.sql": "-- godwit: phase=complex\ncreate table c ();" },
    scenes: [script(), script({ goal: "0003" }), dryRun()],
    config: { mode: "startup" },
  },
  "the plan of a way back": {
    files: AB,
    scenes: [plan("-1"), plan("base"), up(), plan("-1"), plan("base"), plan("-7"), down("-1"), plan("base")],
  },
  "what was done, failures and corrections included": {
    files: BAD,
    scenes: [
      history,
      log,
      up(),
      log,
      down("-1"),
      repair({ kind: "forget", revision: "0001_a" }),
      log,
      { sql: "drop table a" },
      up("+1"),
      log,
      history,
    ],
  },
  "what doctor finds": {
    files: AB,
    scenes: [
      doctor,
      up(),
      doctor,
      { files: { "0003_open.sql": "select 'open" } },
      doctor,
      { files: { "0003_open.sql": "" } },
      { sql: `drop table "${process.env.GODWIT_TEST_SCHEMA ?? "godwit"}".migration_history` },
      doctor,
      log,
    ],
  },
};

test.for(Object.entries(SCENARIOS))("%s", { timeout: 60_000 }, ([, scenario], { db }) =>
  throughBothDoors(db, scenario),
);
