/** Where a transaction may not span messages, a step is one message, and everything that is said of it is the same. */
import type { Connection } from "../../src/database/connection.ts";
import { GodwitError } from "../../src/errors.ts";
import type { Target } from "../../src/run/session/target.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, recorder, targetOf, up } from "../support/target.ts";

/** A connection behind which every message is a transaction of its own. It refuses a message that leaves one open. */
function withoutSpanning(inner: Connection): Connection {
  const closed = async () => {
    const [answer] = await inner.execute("select now() < statement_timestamp() as open");
    const { rows = [] } = answer ?? {};
    if (rows[0]?.open === true) throw new Error("A message has left its transaction open.");
  };
  return new Proxy(inner, {
    get(target, name) {
      if (name === "capabilities") return { ...target.capabilities, spanning: false, pipeline: false };
      if (name === "execute")
        return async (...given: Parameters<Connection["execute"]>) => {
          const results = await target.execute(...given);
          await closed();
          return results;
        };
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function outcomeOf(target: Target): Promise<unknown> {
  try {
    return (await up(target, recorder())).steps.map(({ revision }) => revision);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    const { code, message, hint, place } = error.toProblem();
    const report = error.report as { steps: readonly { revision: string }[] } | undefined;
    return { code, message, hint, place, steps: report?.steps.map(({ revision }) => revision) };
  }
}

const FIRST = { "0001_a.sql": "create table a (id int primary key);\ninsert into a values (1);" };
const CASES: Readonly<Record<string, Files>> = {
  "all is well": { "0002_b.sql": "insert into a values (2), (3); -- a comment at the end" },
  "a statement of its own text fails": {
    "0002_b.sql": "insert into a values (2);\n\ninsert into a values (1);",
  },
  "a statement cannot be read": { "0002_b.sql": "insert into a values (2);\n  selec 1;" },
  "a name is not known": { "0002_b.sql": "-- ä é 😀\nselect 'ß', nothing from a;" },
  "a constraint fails at the end": {
    "0002_b.sql":
      "create table b (id int references a deferrable initially deferred);\ninsert into b values (7);",
  },
  "it is raised without a place": {
    "0002_b.sql": "select 1;\ndo $$ begin raise exception 'no'; end $$;\nselect 2;",
  },
  "it sets a timeout": { "0002_b.sql": "set statement_timeout = '1h';\nselect pg_sleep(0.01);" },
};

test.for(Object.entries(CASES))("%s", async ([, files], { db }) => {
  const there = async () =>
    db.sql("select array(select id from a order by 1) as a, to_regclass('b') is null as none");
  const run = async (kind: "spanning" | "whole") => {
    await reset(db);
    const target = targetOf({ url: db.url, folder: folderOf({ ...FIRST, ...files }) });
    const open: Target["open"] = async (options) => withoutSpanning(await target.open(options));
    const outcome = await outcomeOf(kind === "spanning" ? target : { ...target, open });
    return { outcome, there: await there() };
  };
  expect(await run("whole")).toEqual(await run("spanning"));
});

async function reset(db: TestDatabase): Promise<void> {
  await db.sql(`drop table if exists b, a; ${await schemasOf(db)}`);
}

async function schemasOf(db: TestDatabase): Promise<string> {
  const [found] = await db.sql<{ sql: string | null }>(
    "select string_agg(format('drop schema %I cascade', nspname), ';') as sql from pg_namespace where nspname !~ '^(pg_|information_schema|public)'",
  );
  return found?.sql ?? "";
}
