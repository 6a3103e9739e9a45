/** Event triggers hear of each CREATE TABLE, also of one that finds the table. Some refuse it, some have an API read the schema again. */
import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

const FREEZE = `create function freeze() returns event_trigger language plpgsql as $$
  begin raise exception 'No DDL until Monday' using hint = 'Ask the operators.'; end $$;
create event trigger frozen on ddl_command_start execute function freeze()`;

describe("where an event trigger refuses DDL", () => {
  for (const pooling of ["session", "transaction"] as const)
    test(`a run of data alone makes nothing of its own again (${pooling})`, async ({ db }) => {
      const first = { "0001_a.sql": "create table a (id int primary key, n int);" };
      const begun = {
        ...first,
        "0002_one.sql": "-- godwit: backfill table=a key=id undo=true\nupdate a set n = 1 where :window;",
      };
      await up(targetOf({ url: db.url, folder: folderOf(begun), pooling }));
      await db.sql("insert into a select n from generate_series(1, 300) n");
      await db.admin(FREEZE);
      const folder = folderOf({
        ...begun,
        "0003_rows.sql": "insert into a values (301, 0);",
        "0004_two.sql": "-- godwit: backfill table=a key=id\nupdate a set n = 2 where :window;",
      });
      const { outcome, steps } = await up(targetOf({ url: db.url, folder, pooling }));
      expect({ outcome, steps: steps.map(({ revision }) => revision) }).toEqual({
        outcome: "done",
        steps: ["0003_rows", "0004_two"],
      });
      expect(await db.sql("select count(*)::int as left from a where n <> 2")).toEqual([{ left: 0 }]);
    });

  for (const pooling of ["session", "transaction"] as const)
    test(`the first run says that it is the ledger that cannot be made (${pooling})`, async ({ db }) => {
      await db.admin(FREEZE);
      const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": "select 1;" }), pooling });
      await expect(up(target)).rejects.toMatchObject({
        code: "DATABASE_ERROR",
        message: `The ledger in schema "${ledgerSchema}" could not be made: No DDL until Monday.`,
        hint: expect.stringContaining("Ask the operators."),
      });
    });
});
