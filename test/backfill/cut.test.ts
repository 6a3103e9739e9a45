/** A connection that is cut anywhere in a backfill: every row is changed once in the end, whatever was on its way. */
import { describe, test } from "vitest";
import { GodwitError } from "../../src/errors.ts";
import { migrate } from "../../src/run/migrate.ts";
import { cutEverywhere } from "../support/cut.ts";
import { expect } from "../support/database.ts";
import { down, folderOf, recorder, sourceOf, targetOf, UP } from "../support/target.ts";

/** Seven rows in two windows, and a trigger that notes each time that one is written. */
const FILES = {
  "0001_table.sql": `create table items (region text, number int, name text not null, slug text, primary key (region, number));
create table written (region text, number int, slug text);
create function note() returns trigger language plpgsql as $$ begin
  insert into written values (new.region, new.number, new.slug); return new; end $$;
create trigger note after update on items for each row execute function note();
insert into items select case when n % 2 = 0 then 'nord' else 'süd' end, n, 'Name ' || n from generate_series(1, 7) n;`,
  "0002_slug.sql": `-- godwit: backfill table=items key=region,number min-rows=3 max-rows=4 throttle=off
-- godwit: where slug is null
update items set slug = lower(name) where :window;
`,
};

describe("a connection that is cut before or after any message of a backfill", () => {
  test("the end is that of an undisturbed run, and no row was written twice", {
    timeout: 1_800_000,
  }, async () => {
    // Nothing is asked at its end, so that what says applied is sent behind the last window.
    const asksNothing = FILES["0002_slug.sql"].replace("-- godwit: where slug is null\n", "");
    const folder = folderOf({ ...FILES, "0002_slug.sql": asksNothing });
    const sources = new Map([0, 1, 2, 3].map((lane) => [lane, sourceOf(folder)]));
    const result = await cutEverywhere({
      prefix: "cut_backfill",
      async run(url, { lane, observe }) {
        const settings = { connectAttempts: 10, connectDelayMs: 5 };
        const target = targetOf({ url, folder, settings, source: sources.get(lane) ?? sourceOf(folder) });
        try {
          await migrate(target, UP, recorder(observe));
          return false;
        } catch (error) {
          if (!(error instanceof GodwitError)) throw error;
          await migrate(target, UP, recorder());
          return true;
        }
      },
    });
    console.info(
      `backfill: ${result.points} points, ${result.cut} cut in ${result.runs} runs, ${result.again} needed a second run`,
    );
    expect(result.cut).toBeGreaterThan(result.points * 0.9);
  });

  test("old values come back once, and none is left behind", { timeout: 1_800_000 }, async () => {
    const slug = FILES["0002_slug.sql"].replace("number min-rows", "number undo=yes min-rows");
    const folder = folderOf({ ...FILES, "0002_slug.sql": slug });
    const sources = new Map([0, 1, 2, 3].map((lane) => [lane, sourceOf(folder)]));
    const result = await cutEverywhere({
      prefix: "cut_undo",
      async run(url, { lane, observe }) {
        const settings = { connectAttempts: 10, connectDelayMs: 5 };
        const target = targetOf({ url, folder, settings, source: sources.get(lane) ?? sourceOf(folder) });
        let again = false;
        for (const options of [UP, down("0001_table")])
          try {
            await migrate(target, options, recorder(observe));
          } catch (error) {
            if (!(error instanceof GodwitError)) throw error;
            await migrate(target, options, recorder());
            again = true;
          }
        return again;
      },
    });
    console.info(
      `undo: ${result.points} points, ${result.cut} cut in ${result.runs} runs, ${result.again} needed a second run`,
    );
    expect(result.cut).toBeGreaterThan(result.points * 0.9);
  });
});
