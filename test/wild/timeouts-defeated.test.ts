import { describe } from "vitest";
import { expect, test } from "../support/database.ts";
import { folderOf, recorder, targetOf, up } from "../support/target.ts";
import { until } from "../support/until.ts";

const SETTINGS = [
  "lock_timeout",
  "statement_timeout",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "transaction_timeout",
];
const RECORD = `insert into seen select name, setting from pg_settings where name in ('${SETTINGS.join("', '")}');`;

describe("51: Timeouts are defeated by defaults of the role, by the file before, or kill a long build", () => {
  test("defaults of role and database do not reach a migration", async ({ db }) => {
    const [server] = await db.sql<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    const version = server?.version ?? 0;
    const known = SETTINGS.filter(
      (name) =>
        (name !== "transaction_timeout" || version >= 170_000) &&
        (name !== "idle_session_timeout" || version >= 140_000),
    );
    for (const name of known) {
      await db.admin(`alter database ${db.name} set ${name} = '700ms'`);
      await db.admin(`alter role ${db.owner} in database ${db.name} set ${name} = '600ms'`);
    }
    const folder = folderOf({
      "0001_seen.sql": `create table seen (name text, setting text);\n${RECORD}\nselect pg_sleep(1);`,
      "0002_outside.sql": `-- godwit: transaction=off\n${RECORD}\nselect pg_sleep(1);`,
      "0003_own.sql": `-- godwit: lock-timeout=7s statement-timeout=1min\n${RECORD}`,
    });
    const target = targetOf({
      url: db.url,
      folder,
      settings: { lockTimeoutMs: 2_345, statementTimeoutMs: 34_567, idleTimeoutMs: 45_678 },
    });
    await up(target);
    const session = await db.connect();
    const expected = (lock: number, statement: number) => ({
      lock_timeout: `${lock}`,
      statement_timeout: `${statement}`,
      // Ours comes first: a module that never settles is a failure with a name.
      idle_in_transaction_session_timeout: `${45_678 + 10_000}`,
      ...(version >= 140_000 ? { idle_session_timeout: "0" } : {}),
      ...(version >= 170_000 ? { transaction_timeout: "0" } : {}),
    });
    const { rows } = await session.query("select name, setting from seen");
    const files = [0, 1, 2].map((file) =>
      Object.fromEntries(
        rows
          .slice(file * known.length, (file + 1) * known.length)
          .map(({ name, setting }) => [name, setting]),
      ),
    );
    expect(files).toEqual([expected(2_345, 34_567), expected(2_345, 34_567), expected(7_000, 60_000)]);
  });

  test("what one file sets does not reach the next", async ({ db }) => {
    const set =
      "set statement_timeout = '1ms'; set lock_timeout = '1ms'; set idle_in_transaction_session_timeout = '1ms';";
    const folder = folderOf({
      "0001_seen.sql": `create table seen (name text, setting text);\n${set}`,
      "0002_slow.sql": `select pg_sleep(0.1);\n${RECORD}`,
    });
    await up(targetOf({ url: db.url, folder }));
    expect(await db.sql("select setting from seen where name = 'lock_timeout'")).toEqual([
      { setting: "3000" },
    ]);
  });

  test("a server that keeps another value than it was told is found out before anything is done", async ({
    db,
  }) => {
    const target = targetOf({ url: db.url, folder: folderOf({ "0001_a.sql": "create table a (id int);" }) });
    const events = recorder();
    const run = up(
      {
        ...target,
        // As a pooler does that gives every session its own settings.
        async open(options) {
          const connection = await target.open(options);
          const execute = connection.execute.bind(connection);
          connection.execute = async (text) => {
            const results = await execute(text);
            await execute("set lock_timeout = '10min'");
            return results;
          };
          const query = connection.query.bind(connection);
          // In order behind it, as on the wire.
          connection.query = async (text, parameters) => {
            await execute("set lock_timeout = '10min'");
            return query(text, parameters);
          };
          return connection;
        },
      },
      events,
    );
    await expect(run).rejects.toMatchObject({
      code: "DATABASE_SETTING",
      message: expect.stringContaining("lock_timeout = 3000"),
    });
    expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  });

  test("waiting for a concurrent build is not cut off by the lock timeout", async ({ db }) => {
    await db.sql("create table a (id int)");
    const writer = await db.connect();
    await writer.query("begin; insert into a values (1)");
    const events = recorder();
    const folder = folderOf({ "0001_index.sql": "create index concurrently a_id on a (id);" });
    const run = up(targetOf({ url: db.url, folder, settings: { lockTimeoutMs: 100 } }), events);
    await events.once("step-progress");
    const looks = () => events.events.filter(({ kind }) => kind === "step-progress").length;
    const before = looks();
    await until(() => looks() > before);
    await writer.query("commit");
    expect((await run).steps).toMatchObject([{ attempts: 1 }]);
  });
});
