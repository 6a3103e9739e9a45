/** The law of `same.test.ts` for backfills: both doors say how far they are, and every word about them does the same. */
import {
  approveBackfill,
  backfills,
  down,
  forgetBackfill,
  pauseBackfill,
  plan,
  rateOfBackfill,
  resumeBackfill,
  status,
  undoBackfill,
  up,
} from "../support/acts.ts";
import { test } from "../support/database.ts";
import { throughBothDoors } from "../support/doors.ts";

const FILES = {
  "0001_a.sql": `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 200); analyze products;`,
  "0002_b.sql": `-- godwit: backfill table=products undo=yes
update products set hits = hits + 1 where :window;`,
  "0003_c.sql": `-- godwit: backfill table=products approve=yes
update products set hits = hits + 1 where :window;`,
};

test(
  "backfills are paused, limited, approved, undone and forgotten alike",
  { timeout: 120_000 },
  async ({ db }) =>
    throughBothDoors(db, {
      files: FILES,
      scenes: [
        backfills(),
        up("0001"),
        backfills(),
        plan("heads", { sample: true }),
        pauseBackfill("0002"),
        up("0002"),
        backfills("0002"),
        resumeBackfill("0002"),
        rateOfBackfill("0002", 50_000),
        rateOfBackfill("0002", null),
        up(),
        status,
        approveBackfill("0003"),
        up(),
        backfills(),
        pauseBackfill("0002"),
        resumeBackfill("0002"),
        undoBackfill("0003"),
        undoBackfill("0002"),
        backfills(),
        up("0002"),
        forgetBackfill("0002"),
        forgetBackfill("0002"),
        undoBackfill("0002"),
        down("-1"),
        backfills("nonsense"),
        pauseBackfill("0001"),
        rateOfBackfill("nonsense", 1),
      ],
    }),
);
