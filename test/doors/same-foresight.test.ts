/** The law of `same.test.ts` for what looks ahead: both doors say the same of files, of a rehearsal, and of two schemas. */
import { vi } from "vitest";
import {
  calibration,
  compatible,
  diff,
  drift,
  folderTest,
  lint,
  rehearse,
  revisions,
  up,
} from "../support/acts.ts";
import { test } from "../support/database.ts";
import { type Scenario, throughBothDoors } from "../support/doors.ts";

// Each call makes a server of its own, which a busy machine takes its time for.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const A = "-- migrate:up\ncreate table a (id int primary key);\n-- migrate:down\ndrop table a;";
const NOT_BACK = "-- migrate:up\nalter table a add b int, add c int;\n-- migrate:down\nalter table a drop b;";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "files with findings, without any, and one that is unknown": {
    files: {
      "0001_a.sql": A,
      "0002_b.sql": "-- migrate:up\ncreate index on a (id);\n-- migrate:down\nselect 1;",
    },
    scenes: [
      lint(),
      lint({ all: true }),
      lint({ files: ["0001_a"] }),
      lint({ files: ["0002_b.sql"] }),
      lint({ files: ["0003"] }),
      up(),
      lint(),
      lint({ all: true, postgresVersion: 13 }),
      lint({ postgresVersion: 14 }),
    ],
  },
  "a rehearsal that works, one that fails, and one that does not begin": {
    files: { "0001_a.sql": A },
    scenes: [
      up(),
      { files: { "0002_b.sql": NOT_BACK } },
      rehearse("+1"),
      rehearse("-1"),
      { files: { "0003_bad.sql": "select nonsense;" } },
      rehearse(),
      rehearse("nonsense"),
      calibration,
    ],
  },
  "a folder that does not come back equal, and one migration of it that does": {
    files: { "0001_a.sql": A },
    scenes: [{ files: { "0002_b.sql": NOT_BACK } }, folderTest(), folderTest("0001"), folderTest("0007")],
  },
  "from one schema to another, and one that cannot be read": {
    files: { "0001_a.sql": A, "schema/tables.sql": "create table a (id int primary key, b text);" },
    scenes: [
      diff({ to: "schema/tables.sql" }),
      up(),
      diff({ from: "schema/tables.sql", to: "database", rename: ["a.b=c"] }),
      diff({ to: "schema/nothing.sql" }),
      diff({}),
    ],
  },
  "drift that is looked for, accepted, and undone": {
    files: { "0001_a.sql": A },
    scenes: [
      drift(),
      up(),
      drift(),
      { sql: "alter table a add by_hand int" },
      drift(),
      drift({ sql: true }),
      drift({ files: true }),
      drift({ accept: true }),
      drift(),
    ],
  },
  "images that can live with a database, and one that cannot": {
    files: {
      "0001_a.sql": A,
      "0002_drop.sql": "-- godwit: phase=contract\ndrop table a;",
      "old.json": '["0001_a"]',
      "new.json": '["0001_a", "0003_c"]',
    },
    scenes: [
      revisions,
      compatible("old.json", ["0001_a"]),
      compatible("old.json", ["0001_a"], { ready: true }),
      compatible("old.json", ["0001_a"], { afterUp: true }),
      up("0002"),
      compatible("old.json", ["0001_a"]),
      compatible("new.json", ["0001_a", "0003_c"]),
      { files: { "0003_open.sql": "select 'open" } },
      revisions,
    ],
  },
};

test.for(Object.entries(SCENARIOS))("%s", ([, scenario], { db }) => throughBothDoors(db, scenario));
