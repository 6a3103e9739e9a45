import { describe } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up } from "../support/target.ts";

describe("14: Creating the history table races, although it says IF NOT EXISTS", () => {
  for (const [who, poolings] of [
    ["with sessions of their own", ["session", "session", "session", "session"]],
    ["behind a pooler", ["transaction", "transaction", "transaction", "transaction"]],
    ["of both kinds", ["transaction", "session", "transaction", "session"]],
  ] as const)
    test(`runners ${who} meet in an empty database`, async ({ db }) => {
      const folder = folderOf({ "0001_a.sql": "create table a (id int);" });
      for (let round = 0; round < 5; round++) {
        const reports = await Promise.all(
          poolings.map((pooling) => up(targetOf({ url: db.url, folder, pooling }))),
        );
        expect(reports.flatMap((report) => report.steps)).toHaveLength(1);
        expect(await db.sql(`select revision from "${ledgerSchema}".migration_history`)).toHaveLength(1);
        await db.sql(`drop schema "${ledgerSchema}" cascade; drop table a`);
      }
    });
});
