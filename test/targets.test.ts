/** Several databases in one run: each with its own, none with another's, and everything wrong told before anything is done. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe } from "vitest";
import { env, type RunEvent } from "../src/index.ts";
import { commandIn, type Json } from "./support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test as withDatabase } from "./support/database.ts";
import { createDatabases } from "./support/databases.ts";
import { folderOf } from "./support/target.ts";
import { createFleet } from "./support/watched.ts";

/** Three databases, of three services. */
const test = withDatabase.extend<{ dbs: readonly [TestDatabase["url"], string, string] }>({
  dbs: async ({ db }, use) => {
    const more = await createDatabases(db, 2);
    await use([db.url, ...more.urls] as never);
    await more.drop();
  },
});

const CONFIG = `import { defineConfig, env } from "godwit";
export default defineConfig({
  ledgerSchema: ${JSON.stringify(ledgerSchema)},
  targets: {
    backend: { url: env("BACKEND_DATABASE_URL"), dir: "backend" },
    auth: { url: env("AUTH_DATABASE_URL"), dir: "auth" },
    "auth-next": {
      host: env("AUTH_NEXT_DATABASE_HOST"),
      port: env("AUTH_NEXT_DATABASE_PORT"),
      user: env("AUTH_NEXT_DATABASE_USER"),
      password: env("AUTH_NEXT_DATABASE_PASSWORD"),
      name: env("AUTH_NEXT_DATABASE_NAME"),
      dir: "next",
    },
  },
});`;

const FILES = {
  "godwit.config.ts": CONFIG,
  "backend/0001_meters.sql": "create table meters (id int primary key);",
  "backend/0002_rows.sql": "insert into meters values (1);",
  "auth/0001_users.sql": "create table users (id int primary key);",
  "next/0001_sessions.sql": "create table sessions (id int primary key);",
};

function envOf([backend, auth, next]: readonly [string, string, string]) {
  const { hostname, port, username, pathname } = new URL(next);
  return {
    BACKEND_DATABASE_URL: backend,
    AUTH_DATABASE_URL: auth,
    AUTH_NEXT_DATABASE_HOST: hostname,
    AUTH_NEXT_DATABASE_PORT: port,
    AUTH_NEXT_DATABASE_USER: username,
    AUTH_NEXT_DATABASE_PASSWORD: "unused by trust",
    AUTH_NEXT_DATABASE_NAME: pathname.slice(1),
  };
}

const stepsOf = ({ targets }: Json) =>
  Object.fromEntries(
    targets.map(({ name, report }: Json) => [name, report?.steps.map(({ revision }: Json) => revision)]),
  );

const APPLIED = `select revision from "${ledgerSchema}".migration_history order by sequence`;

describe("up", () => {
  test("migrates each with its own files, and says so in a line each", async ({ dbs }) => {
    const godwit = commandIn({ folder: folderOf(FILES), env: envOf(dbs) });
    const { stdout, stderr } = await godwit("up");
    expect(stderr).toMatch(
      /✓ backend: 0001_meters applied[\s\S]*✓ auth: 0001_users[\s\S]*✓ auth-next: 0001_/,
    );
    expect(stdout).toMatch(
      /^backend: 2 migrations applied .*\nauth: 1 migration .*\nauth-next: 1 .*\n3 of 3 targets are done\.\n$/,
    );
    expect((await godwit("up", "--json")).json).toMatchObject({
      ok: true,
      targets: ["backend", "auth", "auth-next"].map((name) => ({ name, ok: true, report: { steps: [] } })),
    });
  });

  test("takes those that are named, each with its own revision, alone with its own variables", async ({
    dbs,
    db,
  }) => {
    const { BACKEND_DATABASE_URL, AUTH_DATABASE_URL } = envOf(dbs);
    const folder = folderOf(FILES);
    const backend = commandIn({ folder, env: { BACKEND_DATABASE_URL } });
    expect(stepsOf((await backend("up", "backend", "+1", "--json")).json)).toEqual({
      backend: ["0001_meters"],
    });
    expect(stepsOf((await backend("up", "0002", "--target", "backend", "--json")).json)).toEqual({
      backend: ["0002_rows"],
    });
    expect(await db.sql(APPLIED)).toHaveLength(2);
    const both = commandIn({ folder, env: { BACKEND_DATABASE_URL, AUTH_DATABASE_URL } });
    expect(stepsOf((await both("up", "auth", "backend", "--json")).json)).toEqual({
      auth: ["0001_users"],
      backend: [],
    });
    const { json } = await both.with({ GODWIT_TARGET: "auth" })("current", "--json");
    expect(json.targets).toMatchObject([{ name: "auth", current: ["0001_users"] }]);
  });

  test("goes on after a failure, and ends with 1; under stop the rest is not begun, and named", async ({
    dbs,
  }) => {
    const folder = folderOf({ ...FILES, "auth/0002_bad.sql": "select nonsense;" });
    const godwit = commandIn({ folder, env: envOf(dbs) });
    const stopped = await godwit.fails(1, "up", "--on-target-failure", "stop", "--json");
    expect(stopped.json.targets).toMatchObject([
      { name: "backend", ok: true },
      { name: "auth", ok: false, state: "failed", report: { failures: [{ revision: "0002_bad" }] } },
      { name: "auth-next", ok: false, state: "not begun", because: "auth failed" },
    ]);
    expect(stopped.json.problems).toMatchObject([{ code: "STEP_FAILED", details: { target: "auth" } }]);
    const { stdout, stderr } = await godwit.fails(1, "up");
    expect(stderr).toMatch(/error: auth: .*nonsense[\s\S]*✓ auth-next: 0001_sessions applied/);
    expect(stdout).toContain("2 of 3 targets are done; not done: auth.");
  });

  test("several at a time are no more than asked for, and all of them are done", async ({ dbs, db }) => {
    const wait =
      "do $$ begin while (select count(*) from gate) = 0 loop perform pg_sleep(0.02); end loop; end $$;";
    await db.sql("create table gate ()");
    const folder = folderOf({ ...FILES, "backend/0000_gate.sql": wait });
    const run = commandIn({ folder, env: envOf(dbs) }).start("up", "--parallel", "2", "--json");
    // The second place is enough for both others, while the first waits.
    await run.says("auth-next: 0001_sessions applied");
    await db.sql("insert into gate default values");
    const { json } = await run.exits(0);
    expect(json.targets.map(({ ok }: Json) => ok)).toEqual([true, true, true]);
  });

  test("interrupted, the one that runs rolls back, the rest is not begun, and the exit code says why", async ({
    dbs,
  }) => {
    const folder = folderOf({ ...FILES, "auth/0000_long.sql": "select pg_sleep(60);" });
    const run = commandIn({ folder, env: envOf(dbs) }).start("up", "--json", "--verbose");
    await run.says("auth: 0000_long begins");
    run.child.kill("SIGTERM");
    const { json } = await run.exits(143);
    expect(json.targets.map(({ name, state }: Json) => [name, state])).toEqual([
      ["backend", "done"],
      ["auth", "interrupted"],
      ["auth-next", "not begun"],
    ]);
  });
});

const SSL_REQUEST_BYTES = 8;
/** AuthenticationCleartextPassword */
const ASK_FOR_PASSWORD = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 3]);

describe("what a target knows of the others", () => {
  test("no variable of the process leads to its database or fills a gap of its address", async ({
    dbs,
    db,
  }) => {
    const stray = {
      ...envOf(dbs),
      PGPASSWORD: "s3cret",
      PGOPTIONS: "-c work_mem=77MB",
      DATABASE_URL: "postgres://x",
    };
    const folder = folderOf({
      ...FILES,
      "backend/0003_seen.sql": "create table seen as select current_setting('work_mem') as w;",
    });
    await commandIn({ folder, env: stray })("up");
    expect(await db.sql("select w from seen")).not.toEqual([{ w: "77MB" }]);
    const { "godwit.config.ts": _, ...files } = FILES;
    const lost = folderOf({ ...files, "godwit.config.json": '{"targets":{"a":{"dir":"auth"}}}' });
    const { json } = await commandIn({
      folder: lost,
      env: { ...stray, PGHOST: "127.0.0.1", DATABASE_URL: db.url },
    }).fails(1, "up", "--json");
    expect(json.problems).toMatchObject([
      { code: "CONFIG_INVALID", message: expect.stringContaining("does not say where") },
    ]);
  });

  test("a server that asks for a password is never offered PGPASSWORD", async () => {
    const offered: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => {
        const isPassword = data[0] === "p".charCodeAt(0);
        if (isPassword) offered.push(data.toString("latin1"));
        if (isPassword) socket.destroy();
        else if (data.length === SSL_REQUEST_BYTES) socket.write("N");
        else socket.write(ASK_FOR_PASSWORD);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const config = {
        connectAttempts: 1,
        targets: { a: { url: `postgres://me@127.0.0.1:${port}/x`, dir: "auth" } },
      };
      const folder = folderOf({
        "auth/0001_a.sql": "select 1;",
        "godwit.config.json": JSON.stringify(config),
      });
      await commandIn({ folder, env: { PGPASSWORD: "s3cret", PGPASSFILE: "/nowhere" } }).fails(1, "up");
    } finally {
      server.close();
    }
    expect(offered.length).toBeGreaterThan(0);
    expect(offered.join()).not.toContain("s3cret");
  });

  test("URLs that somebody swapped are found out by the names in the ledgers", async ({ dbs }) => {
    const folder = folderOf(FILES);
    await commandIn({ folder, env: envOf(dbs) })("up");
    const [backend, auth, next] = dbs;
    const swapped = commandIn({ folder, env: envOf([auth, backend, next]) });
    const { json } = await swapped.fails(1, "up", "--json");
    expect(json.targets.map(({ ok }: Json) => ok)).toEqual([false, false, true]);
    expect(json.problems).toMatchObject([{ code: "LEDGER_FOREIGN" }, { code: "LEDGER_FOREIGN" }]);
  });
});

describe("before a database is touched", () => {
  test("everything that is missing or wrong is listed at once", async ({ dbs, db }) => {
    const { BACKEND_DATABASE_URL } = envOf(dbs);
    const env = {
      BACKEND_DATABASE_URL,
      AUTH_DATABASE_URL: " ",
      AUTH_NEXT_DATABASE_HOST: "db",
      AUTH_NEXT_DATABASE_PORT: "54x32",
      AUTH_NEXT_DATABASE_USER: "me",
    };
    const { json, stderr } = await commandIn({ folder: folderOf(FILES), env }).fails(1, "up", "--json");
    expect(json.problems.map(({ code, message }: Json) => [code, message])).toEqual([
      ["CONFIG_VARIABLE_MISSING", "AUTH_DATABASE_URL is empty (targets.auth.url)."],
      ["CONFIG_VARIABLE_MISSING", "AUTH_NEXT_DATABASE_PASSWORD is not set (targets.auth-next.password)."],
      ["CONFIG_VARIABLE_MISSING", "AUTH_NEXT_DATABASE_NAME is not set (targets.auth-next.name)."],
      ["CONFIG_VARIABLE_INVALID", 'AUTH_NEXT_DATABASE_PORT is not a port from 1 to 65535: "54x32".'],
    ]);
    expect(stderr.match(/^error:/gm)).toHaveLength(4);
    expect(await db.sql("select 1 from pg_namespace where nspname = $1", [ledgerSchema])).toEqual([]);
  });

  test("two targets are never one database and one ledger, whichever variables they come from", async ({
    dbs,
  }) => {
    const [backend] = dbs;
    const { hostname, port, username, pathname } = new URL(backend);
    const folder = folderOf(FILES);
    for (const env of [
      { ...envOf(dbs), AUTH_DATABASE_URL: backend.replace("127.0.0.1", "LOCALHOST") },
      {
        ...envOf(dbs),
        AUTH_NEXT_DATABASE_HOST: hostname,
        AUTH_NEXT_DATABASE_PORT: port,
        AUTH_NEXT_DATABASE_USER: username,
        AUTH_NEXT_DATABASE_NAME: pathname.slice(1),
      },
    ])
      for (const names of [[], ["backend"]]) {
        const { json } = await commandIn({ folder, env }).fails(1, "up", ...names, "--json");
        expect(json.problems).toMatchObject([
          { code: "TARGET_CLASH", hint: expect.stringContaining("BACKEND_DATABASE_URL") },
        ]);
      }
    const apart = CONFIG.replace('dir: "auth"', 'dir: "auth", ledgerSchema: "auth_ledger"');
    const shared = folderOf({ ...FILES, "godwit.config.ts": apart });
    await commandIn({ folder: shared, env: { ...envOf(dbs), AUTH_DATABASE_URL: backend } })("up");
  });

  test.for([
    [{ a: { urll: "x" } }, "Did you mean url?"],
    [{ a: { url: "mysql://x" } }, "targets.a.url: The database URL starts with mysql"],
    [{ a: { url: "postgres://u@h/d", host: "h" } }, "Write one or the other"],
    [{ a: { host: "h", user: "u" } }, "targets.a has no name"],
    [{ a: { host: "h", user: "u", name: "n", port: 99999 } }, "not a port from 1 to 65535"],
    // A password in the wrong place is not shown.
    [
      { a: { host: "h", user: "u", name: "n", port: "hunter2" } },
      "targets.a.port is not a port from 1 to 65535.",
    ],
    [{ a: { url: "postgres://u@h/d", dir: "nowhere" } }, "The folder of target a does not exist"],
    [{ a: { url: "postgres://u@h/d", lockTimeout: "3 weeks" } }, "500ms, 3s"],
    [{ a: { url: "postgres://u@h/d", timeout: "3s" } }, "write it beside targets"],
    [{ a: { url: { env: "X" } } }, 'Write url: env("NAME_OF_THE_VARIABLE")'],
    [{ a: { url: "postgres://u@h/d", canary: "x" } }, "needs targets.a.schemas"],
    [{ a: { url: "postgres://u@h/d", schemas: ["x", "x"] } }, "neither a list of names"],
    [{ a: { url: "postgres://u@h/d", schemas: ["x"], ledgerSchema: "one" } }, "would share the ledger"],
    [{ "1a": { url: "postgres://u@h/d" } }, "is not a name for a target"],
    [{}, "a name for each"],
  ])("%j is refused by name", async ([targets, says]) => {
    const folder = folderOf({
      "migrations/0001_a.sql": "select 1;",
      "godwit.config.json": JSON.stringify({ targets }),
    });
    const { stderr } = await commandIn({ folder }).fails(1, "up");
    expect(stderr).toContain(says);
  });

  test("databaseUrl and imports stand in targets, not beside them", async () => {
    const file = {
      databaseUrl: "postgres://u@h/d",
      imports: { nas: {} },
      targets: { a: { url: "postgres://u@h/d" } },
    };
    const folder = folderOf({ "godwit.config.json": JSON.stringify(file) });
    const { json } = await commandIn({ folder }).fails(1, "up", "--json");
    expect(json.problems.map(({ message }: Json) => message.split(" ")[0])).toEqual([
      "databaseUrl",
      "imports",
    ]);
  });
});

describe("the command line", () => {
  const URLS = { BACKEND_DATABASE_URL: "postgres://u@h/a", AUTH_DATABASE_URL: "postgres://u@h/b" };

  test.for([
    [["up", "backedn"], "TARGET_UNKNOWN", "Did you mean backend?"],
    [["up", "backedn", "auth"], "TARGET_UNKNOWN", "Did you mean backend?"],
    [["status", "--target", "nobody"], "TARGET_UNKNOWN", "backend, auth, auth-next"],
    [["status", "0001"], "TARGET_UNKNOWN", "backend, auth, auth-next"],
    [["up", "+1"], "CONFIG_INVALID", "godwit up backend +1"],
    [["up", "backend", "auth", "+1"], "CONFIG_INVALID", "godwit up backend +1"],
    [["down", "-1"], "CONFIG_INVALID", "backend, auth, auth-next"],
    [["down", "auth"], "CONFIG_INVALID", "needs <revision>"],
    [["new", "add", "users"], "CONFIG_INVALID", "--target backend"],
    [["repair", "--forget", "1"], "CONFIG_INVALID", "backend, auth, auth-next"],
    [["up", "--sql"], "CONFIG_INVALID", "godwit up backend --sql"],
    [["up", "--dir", "x"], "CONFIG_INVALID", "--dir is about one database"],
  ] as const)("%j is refused, and says what to write", async ([words, code, says]) => {
    const { json } = await commandIn({ folder: folderOf(FILES), env: URLS }).fails(2, ...words, "--json");
    expect(json.problems).toMatchObject([{ code }]);
    expect(`${json.problems[0].message} ${json.problems[0].hint}`).toContain(says);
  });

  test("without targets there are none to name", async () => {
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_a.sql": "select 1;" }) });
    const { json } = await godwit.fails(2, "status", "--target", "auth", "--json");
    expect(json.problems).toMatchObject([{ code: "TARGET_UNKNOWN", hint: "No targets are configured." }]);
    expect((await godwit.fails(2, "status", "auth")).stderr).toContain(
      'does not know what to do with "auth"',
    );
  });

  test("what looks at a database looks at all; what changes one thing is told which", async ({ dbs }) => {
    const folder = folderOf(FILES);
    const godwit = commandIn({ folder, env: envOf(dbs) });
    const { json } = await godwit.fails(1, "status", "--check", "--json");
    expect(json.targets.map(({ pending }: Json) => pending)).toEqual([2, 1, 1]);
    await godwit("up", "--quiet");
    const status = await godwit("status", "--check");
    expect(status.stdout).toMatch(
      /^backend\n[\s\S]*\nauth\n[\s\S]*applied {2}0001_users[\s\S]*\nauth-next\n/,
    );
    for (const command of ["plan", "current", "history", "heads", "doctor"]) {
      const answers = (await godwit(command, "--json")).json.targets;
      expect(answers.map(({ name, ok }: Json) => [name, ok])).toEqual([
        ["backend", true],
        ["auth", true],
        ["auth-next", true],
      ]);
    }
    const { stdout } = await godwit("new", "more", "users", "--target", "auth");
    expect(stdout).toBe("auth/0002_more_users.sql\n");
    const { json: back } = await godwit("baseline", "0001", "auth", "--json");
    expect(back.report).toMatchObject({ target: "auth", already: ["0001_users"] });
  });
});

describe("createFleet", () => {
  test("runs all or some, hands out each, and throws what is missing at once", async ({ dbs }) => {
    const root = folderOf(FILES);
    const targets = {
      backend: { url: env("BACKEND"), dir: "backend" },
      auth: { url: env("AUTH"), dir: "auth", lockTimeout: "1s" },
    };
    const seen: string[] = [];
    const observe = (event: RunEvent, target: string) => {
      if (event.kind === "step-done") seen.push(`${target} ${event.step.revision}`);
    };
    const environment = { BACKEND: dbs[0], AUTH: dbs[1] };
    await using fleet = createFleet({ root, ledgerSchema, targets, environment, observe });
    expect(fleet.names).toEqual(["backend", "auth"]);
    const { targets: some } = await fleet.up({ targets: ["auth"] });
    expect(some).toMatchObject([{ name: "auth", ok: true, state: "done" }]);
    expect(await fleet.target("backend").status()).toMatchObject({ upToDate: false });
    await fleet.up();
    expect(await fleet.target("backend").status()).toMatchObject({ upToDate: true });
    expect(seen).toEqual(["auth 0001_users", "backend 0001_meters", "backend 0002_rows"]);
    await expect(fleet.target("bakend").status()).rejects.toMatchObject({ code: "TARGET_UNKNOWN" });

    await using lost = createFleet({ root, targets, environment: {} });
    await expect(lost.up()).rejects.toMatchObject({ problems: [{ code: "CONFIG_VARIABLE_MISSING" }, {}] });
  });

  test("throws the first failure, with the report of all", async ({ dbs }) => {
    const root = folderOf({ "a/0001_a.sql": "select nonsense;", "b/0001_b.sql": "create table b ();" });
    const targets = { a: { url: dbs[0], dir: "a" }, b: { url: dbs[1], dir: "b" } };
    await using fleet = createFleet({ root, ledgerSchema, targets, environment: {} });
    await expect(fleet.up()).rejects.toMatchObject({
      code: "STEP_FAILED",
      report: {
        targets: [
          { name: "a", ok: false },
          { name: "b", ok: true },
        ],
      },
    });
  });
});
