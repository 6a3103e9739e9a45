/** A server may speak another language. What its words mean is decided without them. */
import { onTestFinished } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { startProxy } from "../support/proxy.ts";
import { folderOf } from "../support/target.ts";
import { until } from "../support/until.ts";

/** Every word of PostgreSQL that is looked for, of the same length in bytes. */
const TRANSLATED = {
  "canceling statement due to statement timeout": "annulation de la requete : delai depasse",
  "canceling statement due to user request": "annulation a la demande de l'utilisateur",
};

/** The URL of the same database, behind a server that speaks another language. */
async function abroad(db: TestDatabase): Promise<string> {
  const proxy = await startProxy({
    port: db.port,
    onMessage: ({ from, type }, bytes) => {
      if (from !== "server" || type !== "E") return;
      for (const [english, other] of Object.entries(TRANSLATED)) {
        const at = bytes.indexOf(english);
        if (at !== -1) bytes.write(other.padEnd(english.length, ".").slice(0, english.length), at);
      }
    },
  });
  onTestFinished(() => proxy.close());
  return proxy.url(db.url);
}

const SLOW = "create table a (id int);\nselect pg_sleep(60);\n";

test("the statement timeout is known without its name", async ({ db }) => {
  const url = await abroad(db);
  const files = {
    configured: SLOW,
    directive: `-- godwit: statement-timeout=400ms\n${SLOW}`,
    text: `set local statement_timeout = '400ms';\n${SLOW}`,
    outside: `-- godwit: transaction=off statement-timeout=400ms\n${SLOW.replace(/.*\n/, "")}`,
  };
  for (const [name, text] of Object.entries(files)) {
    const folder = folderOf({ "migrations/0001_a.sql": text });
    const flags = name === "configured" ? ["--statement-timeout", "400ms"] : [];
    const { json } = await commandIn({ folder, url }).fails(1, "up", "--json", ...flags);
    expect(json.problems, name).toMatchObject([{ code: "STEP_TIMEOUT", details: { sqlState: "57014" } }]);
    expect(json.problems[0].message).toContain("delai depasse");
    expect(json.problems[0].hint).toContain("statement-timeout=");
  }
});

test("a cancel by somebody else is no timeout", async ({ db }) => {
  const folder = folderOf({ "migrations/0001_a.sql": SLOW });
  const godwit = commandIn({ folder, url: await abroad(db) });
  const run = godwit.start("up", "--json", "--statement-timeout", "50s");
  const cancel = `select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active'`;
  await until(async () => (await db.sql(cancel)).length > 0);
  const { json } = await run.exits(1);
  expect(json.problems).toMatchObject([{ code: "STEP_FAILED" }]);
  expect(json.problems[0].message).toContain("a la demande");
});

test("a backfill passes over the row that takes too long, and names it", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql":
      "create table a (id int primary key, x int); insert into a select n from generate_series(1, 20) n; create function slow() returns trigger language plpgsql as $$ begin if new.id = 7 then perform pg_sleep(60); end if; return new; end $$; create trigger slow before update on a for each row execute function slow();",
    "migrations/0002_x.sql":
      "-- godwit: backfill table=a statement-timeout=500ms\nupdate a set x = id where :window;",
  });
  const { json } = await commandIn({ folder, url: await abroad(db) }).fails(1, "up", "--json");
  expect(json.problems).toMatchObject([{ code: "BACKFILL_ROWS", details: { failed: [["7"]] } }]);
});
