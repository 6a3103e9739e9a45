/**
 * The second promise, on a bad network: the connection is cut before and after every message of a run, in both
 * directions, and every time all is done in the end, once.
 *
 * Every kind of step leaves a row in `effects` for each time it took effect, so a second time would be seen.
 */
import { describe, test } from "vitest";
import { GodwitError } from "../src/errors.ts";
import { type MigrateOptions, migrate } from "../src/run/migrate.ts";
import { expect } from "./support/database.ts";
import { type CutResult, cutEverywhere } from "./support/points.ts";
import { down, folderOf, type Recorder, recorder, targetOf, UP, up } from "./support/target.ts";

const FILES = {
  "0001_tables.sql": `create table effects (what text);
create type mood as enum ('calm');
create table shops (id int primary key, mood mood);
insert into shops select n from generate_series(1, 50) n;
create table orders (id int, day int) partition by list (day);
create table orders_1 partition of orders for values in (1);
create table orders_2 partition of orders for values in (2);
insert into effects values ('0001');`,
  "0002_more.up.sql": "insert into effects values ('0002');\ncreate table more (id int);",
  "0002_more.down.sql": "drop table more;\ninsert into effects values ('0002 down');",
  "0003_outside.sql": `-- migrate:up
insert into effects values ('0003, before the index');
create index concurrently shops_mood on shops (mood);
insert into effects values ('0003, after the index');
alter type mood add value 'wild';
update shops set mood = 'wild' where id > 25;
vacuum shops;
alter table orders detach partition orders_1 concurrently;
reindex index concurrently shops_mood;
insert into effects values ('0003, at the end');
-- migrate:down
insert into effects values ('0003 down, begun');
drop index concurrently shops_mood;
insert into effects values ('0003 down, done');`,
  "0004_module.ts": `import type { MigrationContext } from "godwit";
export async function up({ sql, schema }: MigrationContext) {
  await sql\`insert into effects values (\${"0004"})\`;
  await schema.createTable("customers").addColumn("id", "integer", (column) => column.primaryKey()).execute();
  await sql\`insert into customers select id from shops\`;
}
export async function down({ sql, schema }: MigrationContext) {
  await schema.dropTable("customers").execute();
  await sql\`insert into effects values (\${"0004 down"})\`;
}`,
  "0005_last.sql": "insert into effects values ('0005');",
  "repeatable/overview.sql":
    "create or replace view overview as select count(*) from shops;\ninsert into effects values ('overview');",
};

describe("a connection that is cut before or after any message", () => {
  test("of up: the end is that of an undisturbed run, and no step took effect twice", {
    timeout: 900_000,
  }, async () => {
    const folder = folderOf(FILES);
    const result = await cutEverywhere({
      prefix: "cut_up",
      run: (url) => finish({ url, folder }, UP),
    });
    tell("up", result);
  });

  test("of down -2: two are taken back, once, and no third", { timeout: 900_000 }, async () => {
    const { "0005_last.sql": _last, "repeatable/overview.sql": _overview, ...files } = FILES;
    const folder = folderOf(files);
    const result = await cutEverywhere({
      prefix: "cut_down",
      before: async (url) => {
        await up(targetOf({ url, folder }));
      },
      run: (url) => finish({ url, folder }, down("-2")),
    });
    tell("down", result);
  });
});

/** Runs until all is done: a run may give up, and then the next one must not need a person. */
async function finish(where: { url: string; folder: string }, options: MigrateOptions): Promise<boolean> {
  // Fast, for a cut connection is what every run here expects.
  const target = targetOf({ ...where, settings: { connectAttempts: 10, connectDelayMs: 5 } });
  const context = recorder();
  try {
    const { steps } = await migrate(target, options, context);
    // Also where the answer to a COMMIT was lost: the run says what it has done, each step once.
    expect(steps.map((step) => step.revision)).toEqual(planned(context));
    return false;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    await migrate(target, options, recorder());
    return true;
  }
}

/** What the first plan said. */
function planned({ events }: Recorder): readonly string[] {
  const event = events.find(({ kind }) => kind === "planned");
  return event?.kind === "planned" ? event.plan.steps.map((step) => step.revision) : [];
}

function tell(what: string, { points, messages, cut, again }: CutResult): void {
  const counts = `${points} points around ${messages} messages, ${cut} cut, ${again} needed a second run`;
  console.info(`${what}: ${counts}`);
  expect(cut).toBeGreaterThan(points * 0.9);
}
