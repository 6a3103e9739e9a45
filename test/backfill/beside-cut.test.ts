/**
 * A backfill in the background gives the migrations lock away and takes it again. All connections are cut before and after
 * each message around both moments, and the next run leaves what an undisturbed one leaves.
 */
import { expect, inject, test } from "vitest";
import { GodwitError } from "../../src/errors.ts";
import { migrate } from "../../src/run/migrate.ts";
import { everyPoint, openPlaces } from "../support/points.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf, recorder, sourcesOf, targetOf, UP } from "../support/target.ts";

/** One window, and a trigger that notes each time that a row is written. */
const FILES = {
  "0001_table.sql": `create table items (number int primary key, name text not null, slug text);
create table written (number int, slug text);
create function note() returns trigger language plpgsql as $$ begin
  insert into written values (new.number, new.slug); return new; end $$;
create trigger note after update on items for each row execute function note();
insert into items select n, 'Name ' || n from generate_series(1, 3) n;`,
  "0002_slug.sql": `-- godwit: backfill table=items background=yes throttle=off
-- godwit: where slug is null
update items set slug = lower(name) where :window;
`,
};
/** A session that was cut has its lock of the backfill until the server has noticed, and the next run waits for that. */
const OPTIONS = { ...UP, waitForBackfills: true };
/** So many messages before and behind the one that frees the lock, and the one that takes it. */
const AROUND = { before: 4, behind: 8 };

test("no row is written twice, and the end is that of an undisturbed run", { timeout: 600_000 }, async () => {
  const folder = folderOf(FILES);
  const sourceOf = sourcesOf(folder);
  const { port } = inject("postgres");
  const places = await openPlaces("beside_cut", async (url) => {
    await migrate(targetOf({ url, folder }), { ...UP, goal: { ...UP.goal, to: "0001" } }, recorder());
  });

  /** Is told of each message, the n-th from 1 and with its text, and says whether it is cut. */
  type Decide = (n: number, text: string) => "before" | "after" | undefined;
  async function once(name: string, lane: number, decide: Decide) {
    const place = await places.place(name);
    const proxy = await startProxy({ port });
    let n = 0;
    let isCut = false;
    proxy.cutWhere(({ from }, bytes) => {
      const where = isCut ? undefined : decide(++n, from === "client" ? bytes.toString("latin1") : "");
      isCut ||= where !== undefined;
      return where;
    });
    const settings = { connectAttempts: 10, connectDelayMs: 5 };
    const target = targetOf({ url: proxy.url(place.url), folder, settings, source: sourceOf(lane) });
    try {
      await migrate(target, OPTIONS, recorder()).catch(async (error: unknown) => {
        if (!(error instanceof GodwitError)) throw error;
        await migrate(target, OPTIONS, recorder());
      });
      return { state: await place.state(), isCut };
    } finally {
      await proxy.close();
    }
  }

  const sent: string[] = [];
  const calm = await once("calm", 0, (_, text) => {
    sent.push(text);
    return undefined;
  });
  const taken = sent.findIndex((text) => text.includes("pg_try_advisory_lock"));
  const freed = sent.findIndex((text, at) => at > taken && text.includes("pg_advisory_unlock"));
  const again = sent.findIndex((text, at) => at > freed && text.includes("pg_try_advisory_lock"));
  expect([taken, freed, again]).toEqual([taken, freed, again].toSorted((one, other) => one - other));
  expect(again).toBeGreaterThan(freed);
  const numbers = [freed, again].flatMap((at) =>
    Array.from({ length: AROUND.before + AROUND.behind }, (_, offset) => at + 1 - AROUND.before + offset),
  );
  const points = [...new Set(numbers)].flatMap((n) =>
    (["before", "after"] as const).map((where) => ({ n, where })),
  );
  let cut = 0;
  await everyPoint(points, async ({ n, where }, lane) => {
    const result = await once(`${where}_${n}`, lane, (at) => (at === n ? where : undefined));
    if (result.isCut) cut++;
    expect(result.state, `cut ${where} message ${n} of ${sent.length}`).toEqual(calm.state);
  });
  console.info(
    `background: ${cut} cuts, around the messages ${freed + 1} and ${again + 1} of ${sent.length}`,
  );
  expect(cut).toBe(points.length);
});
