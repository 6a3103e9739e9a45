/** What a run that ends in the middle says of a backfill, or of its way back: the windows that are done, and not that nothing was kept. */
import { describe } from "vitest";
import { Interrupted } from "../../src/errors.ts";
import { undoBackfill } from "../../src/run/backfill-undo.ts";
import { expect, ledgerSchema, type TestDatabase, test as withDatabase } from "../support/database.ts";
import { type Proxy as Network, startProxy } from "../support/proxy.ts";
import { folderOf, recorder, targetOf, UP, up } from "../support/target.ts";
import { until } from "../support/until.ts";

const test = withDatabase.extend<{ network: Network }>({
  network: async ({ db }, use) => {
    const network = await startProxy({ port: Number(new URL(db.url).port) });
    await use(network);
    await network.close();
  },
});

const TABLE = `create table products (id int primary key, hits int not null default 0);
insert into products (id) select generate_series(1, 300); analyze products;
create function ends() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
create function refuses() returns trigger language plpgsql as $$ begin raise exception sqlstate '55000'; end $$;`;
const fill = (
  options: string,
) => `-- godwit: backfill table=products undo=yes min-rows=100 max-rows=100 ${options}
update products set hits = hits + 1 where :window;
`;
const at = (id: number, what: string) =>
  `create trigger t before update on products for each row when (old.id = ${id}) execute function ${what}()`;
const LOG = `select direction, details ->> 'committed' as committed from "${ledgerSchema}".migration_log
  where event = 'failed' order by id`;
const sigterm = () => new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM");

function placed(db: TestDatabase, options = "", url = db.url) {
  const folder = folderOf({ "0001_a.sql": TABLE, "0002_b.sql": fill(options) });
  return targetOf({ url, folder });
}

/** The first hundred rows are done. */
async function halfDone(db: TestDatabase, options = "") {
  const target = placed(db, options);
  await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
  await db.sql(at(150, "refuses"));
  await expect(up(target)).rejects.toMatchObject({ code: "STEP_FAILED" });
  await db.sql("drop trigger t on products");
  return target;
}

async function abortedWhileItWaits(
  db: TestDatabase,
  lock: string,
  run: (context: ReturnType<typeof recorder>) => Promise<unknown>,
) {
  const blocker = await db.connect();
  await blocker.query(`begin; ${lock}`);
  const recorded = recorder();
  const running = run(recorded).catch((error: unknown) => error);
  await until(async () => (await db.sql(WAITS)).length > 0, { what: "the run to wait" });
  recorded.abort(sigterm());
  const error = await running;
  await blocker.query("rollback");
  return error;
}

const WAITS = "select from pg_locks where not granted and pid <> pg_backend_pid()";

describe("a run that is ended before it goes on with windows", () => {
  test.for([
    ["", "100 rows of public.products up to id 100"],
    ["parallel=2", "rows of public.products up to the last key of each of its ranges"],
  ] as const)("names what is done, %s", async ([options, done], { db }) => {
    const target = await halfDone(db, options);
    const error = await abortedWhileItWaits(db, "lock table products", (context) => up(target, context));
    expect(error).toMatchObject({
      message: expect.stringContaining(`${done} are done and stay; the rest was not begun.`),
      report: { failures: [{ revision: "0002_b", committed: "some" }] },
    });
    expect((await db.sql(LOG)).at(-1)).toEqual({ direction: "up", committed: "some" });
  });

  test("also where the connection goes with it", async ({ db }) => {
    const target = await halfDone(db);
    await db.sql(`create function deaf() returns trigger language plpgsql as $$ begin
  loop begin perform pg_advisory_xact_lock(7); exit; exception when query_canceled then null; end; end loop; return new; end $$;
${at(250, "deaf")}`);
    const error = await abortedWhileItWaits(db, "select pg_advisory_xact_lock(7)", (context) =>
      up(target, context),
    );
    expect(error).toMatchObject({
      message: expect.stringContaining(
        "while 0002_b was running. 200 rows of public.products up to id 200 are done and stay; the rest was not begun.",
      ),
      report: { failures: [{ revision: "0002_b", committed: "some" }] },
    });
    expect((await db.sql(LOG)).at(-1)).toEqual({ direction: "up", committed: "some" });
  });
});

const TWICE = {
  code: "STEP_FAILED",
  message: "The connection was lost twice while 0002_b was running; it is not tried again.",
};

describe("a connection that is lost twice in one place", () => {
  test.for([
    [
      "in a window",
      at(250, "ends"),
      "200 rows of public.products up to id 200 are done and stay; the rest was not begun",
    ],
    [
      "at the end",
      `create trigger t before update on "${ledgerSchema}".migration_history for each row when (new.state = 'applied' and new.revision = '0002_b') execute function ends()`,
      "300 rows of public.products up to id 300 are done and stay; no window is left",
    ],
  ] as const)("%s", async ([, trigger, done], { db }) => {
    const target = await halfDone(db);
    await db.sql(trigger);
    const error = await up(target).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      ...TWICE,
      hint: expect.stringMatching(new RegExp(`${done.replaceAll(".", "\\.")}: run again`)),
      report: { failures: [{ revision: "0002_b", committed: "some" }] },
    });
    expect((await db.sql(LOG)).at(-1)).toEqual({ direction: "up", committed: "some" });
  });

  test("of the way back before anything is back: no text is to be corrected", async ({ db }) => {
    const target = placed(db);
    await up(target);
    await db.sql(at(50, "ends"));
    const back = undoBackfill(target, { ...UP, goal: { ...UP.goal, to: "0002_b" } }, recorder());
    await expect(back).rejects.toMatchObject({
      ...TWICE,
      hint: expect.stringMatching(/nothing of it was kept: run again when that is corrected\.$/),
    });
  });

  test("of the way back", async ({ db }) => {
    const target = placed(db);
    await up(target);
    await db.sql(at(250, "ends"));
    const error = await undoBackfill(target, { ...UP, goal: { ...UP.goal, to: "0002_b" } }, recorder()).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      ...TWICE,
      hint: expect.stringMatching(
        /200 rows of public\.products up to id 200 are taken back; the rest was not begun: run again/,
      ),
      report: { failures: [{ revision: "0002_b", committed: "some" }] },
    });
    expect(await db.sql(LOG)).toEqual([{ direction: "down", committed: "some" }]);
  });
});

test("what was applied is not said to be unknown, where its answer never came and the run was ended", async ({
  db,
  network,
}) => {
  const target = placed(db, "", network.url(db.url));
  await up(target, recorder(), { goal: { ...UP.goal, to: "0001" } });
  await db.sql(`create function slow() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
create trigger t before update on "${ledgerSchema}".migration_history for each row execute function slow()`);
  const blocker = await db.connect();
  await blocker.query("select pg_advisory_lock(7)");
  const recorded = recorder();
  const running = up(target, recorded).catch((error: unknown) => error);
  await until(async () => (await db.sql(WAITS)).length > 0, { what: "the end of the backfill" });
  network.goSilent("present");
  await blocker.query("select pg_advisory_unlock(7)");
  recorded.abort(sigterm());
  expect(await running).toMatchObject({
    report: { outcome: "interrupted", failures: [], steps: [{ revision: "0002_b" }] },
  });
  expect(String(await running)).not.toContain("not known");
});
