/** The command line's contract: streams, exit codes, one JSON document, and errors that say what to do. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { commandIn } from "./support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test, withPassword } from "./support/database.ts";
import { folderOf } from "./support/target.ts";

const SHOPS = {
  "migrations/0001_shops.sql": "create table shops (id int primary key);",
  "migrations/0002_names.up.sql": "alter table shops add name text;",
  "migrations/0002_names.down.sql": "alter table shops drop name;",
};
const BROKEN = {
  ...SHOPS,
  "migrations/0003_bad.sql": "create table b (id int);\n\n  insert into b (idd) values (1);\n",
};

test.each([
  ["help nope", 'There is no command "nope".', "→ `godwit --help` lists everything."],
  ["help statu", 'There is no command "statu".', "→ Did you mean `godwit status`?"],
  ["up --phase foo", 'startup, import, complex, contract: "foo".', "→ Write startup or import"],
  ["up --mode foo", 'nas-only: "foo".', "→ Write all or startup or nas-only."],
  ["up --log-format foo", 'text, json: "foo".', "→ Write text or json."],
  ["up --lock-attempts 0", 'at least 1: "0".', "→ Write 1 or more."],
])("an unusable word is named, with what may stand there: godwit %s", async (line, message, hint) => {
  const { stderr, stdout } = await commandIn({ folder: folderOf(SHOPS) }).fails(2, ...line.split(" "));
  expect(stderr).toContain(message);
  expect(stderr).toContain(hint);
  expect(stdout).toBe("");
});

test("help for a command that there is, is an answer", async () => {
  const { stdout } = await commandIn({ folder: folderOf(SHOPS) })("help", "status");
  expect(stdout).toContain("godwit status");
});

describe("up", () => {
  test("tells its result on stdout and its progress on stderr", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: db.url });
    const first = await godwit("up");
    expect(first.stdout).toMatch(/^2 migrations applied to \S+ in .*\.\n$/);
    expect(first.stderr).toMatch(/✓ 0001_shops applied \(.*\)\n✓ 0002_names applied/);
    const second = await godwit("up");
    expect(second.stdout).toContain("nothing to do");
    expect(second.stderr).toBe("");
    expect((await godwit("up", "--quiet")).stdout).toBe("");
  });

  test("names file, line, column and caret of what failed, what was kept, and exits 1", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(BROKEN), url: db.url });
    const { stderr, stdout } = await godwit.fails(1, "up");
    expect(stdout).toBe("");
    expect(stderr).toContain('0003_bad.sql:3:18: column "idd" of relation "b" does not exist');
    expect(stderr).toContain("  3 |   insert into b (idd) values (1);\n    |                  ^");
    const again = await godwit.fails(1, "up", "--json");
    expect(again.json).toMatchObject({
      ok: false,
      command: "up",
      problems: [{ code: "STEP_FAILED", place: { line: 3, column: 18 } }],
      report: { outcome: "failed", failures: [{ revision: "0003_bad", committed: "none" }] },
    });
    expect((await godwit("current")).stdout).toBe("0002_names\n");
  });

  test("shows who is in the way, and how to end it", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: db.url });
    await godwit("up", "+1");
    const other = await db.connect();
    await other.query("begin; lock table shops");
    const { pid } = (await other.query("select pg_backend_pid() as pid")).rows[0];
    const running = godwit.start("up", "--lock-timeout", "200ms");
    await running.says(`select pg_terminate_backend(${pid})`);
    await other.query("commit");
    const { stderr } = await running.exits(0);
    expect(stderr).toContain(`process ${pid} (user ${db.owner}, godwit test, idle in transaction`);
  });

  test("--dry-run keeps nothing", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: db.url });
    expect((await godwit("up", "--dry-run")).stdout).toContain(
      "Tried and rolled back: 0001_shops, 0002_names.",
    );
    expect(await db.sql("select from pg_class where relname = 'shops'")).toEqual([]);
  });

  test("--sql needs no database", async () => {
    const godwit = commandIn({ folder: folderOf(SHOPS) });
    const { stdout } = await godwit("up", "--sql", "--from", "0001");
    expect(stdout).toContain("alter table shops add name text");
    expect(stdout).not.toContain("create table shops");
  });

  test.skipIf(spawnSync("psql", ["--version"]).error !== undefined)(
    "--sql gives psql what up would have done, ledger and all (needs psql)",
    async ({ db }) => {
      const folder = folderOf(SHOPS);
      const godwit = commandIn({ folder, url: db.url });
      writeFileSync(join(folder, "up.sql"), (await godwit("up", "--sql")).stdout);
      const args = [
        "--no-psqlrc",
        "--quiet",
        "--set",
        "ON_ERROR_STOP=1",
        "--file",
        join(folder, "up.sql"),
        db.url,
      ];
      const { status, stderr } = spawnSync("psql", args, { encoding: "utf8" });
      expect(stderr.replace(/^.*NOTICE.*$/gm, "").trim()).toBe("");
      expect(status).toBe(0);
      await godwit("status", "--check");
      await godwit("down", "-1");
    },
  );
});

describe("interruption", () => {
  const SLOW = {
    "migrations/0001_slow.sql": "create table slow (id int);\nselect pg_sleep(60);",
  };

  test.for([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s rolls back what runs and exits %i", async ([signal, code], { db }) => {
    const godwit = commandIn({ folder: folderOf(SLOW), url: db.url });
    const running = godwit.start("up", "--json", "--verbose");
    await running.says("0001_slow begins");
    await until(db, "wait_event = 'PgSleep'");
    running.child.kill(signal);
    const { json } = await running.exits(code);
    expect(json).toMatchObject({
      ok: false,
      problems: [{ code: "INTERRUPTED" }],
      report: { outcome: "interrupted" },
    });
    expect(await db.sql("select from pg_class where relname = 'slow'")).toEqual([]);
    expect(await db.sql(`select from "${ledgerSchema}".migration_history`)).toEqual([]);
  });

  test("a second signal ends at once what does not listen to the first", async ({ db }) => {
    const deaf = "console.error('deaf'); await new Promise(() => {}); export const up = () => {};";
    const godwit = commandIn({ folder: folderOf({ "migrations/0001_deaf.mjs": deaf }), url: db.url });
    const running = godwit.start("up");
    await running.says("deaf");
    // Connected and idle: from here on it waits for the import alone.
    await until(db, "application_name like 'godwit run%' and state = 'idle' and query like '%pg_settings%'");
    running.child.kill("SIGTERM");
    running.child.kill("SIGINT"); // another one, because two of a kind may arrive as one
    const { stderr } = await running.exits(130, 143); // whichever came second
    expect(stderr).toMatch(
      /^0001_deaf\.mjs: deaf\n.*: ending what is under way;.*\nerror: A second signal \(SIG(INT|TERM)\) ended the process at once\./,
    );
  });

  test("the deadline of the run is an error that names it", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SLOW), url: db.url, env: { MIGRATION_TIMEOUT: "1.5" } });
    const { json } = await godwit.fails(1, "up", "--json");
    expect(json).toMatchObject({ problems: [{ code: "DEADLINE" }], report: { outcome: "interrupted" } });
  });
});

describe("an unusable command line", () => {
  test.for([
    [["sttaus"], "status"],
    [["up", "--lock-timout", "3s"], "--lock-timeout"],
    [["up", "--mode", "startpu"], "startup"],
    [["down"], "revision"],
    [["repair"], "--accept"],
  ] as const)("%s exits 2 and says what was meant", async ([args, meant]) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: "postgres://nobody@127.0.0.1:1/none" });
    expect((await godwit.fails(2, ...args)).stderr).toContain(meant);
    expect((await godwit.fails(2, ...args, "--json")).json).toMatchObject({ ok: false, problems: [{}] });
  });

  test("help teaches, on stdout, and is no failure", async () => {
    const godwit = commandIn({ folder: folderOf({}) });
    const { stdout } = await godwit("up", "--help");
    for (const part of ["Examples:", "MIGRATION_MODE", "Exit codes", "--database-url"])
      expect(stdout).toContain(part);
    expect((await godwit("help", "down")).stdout).toContain("godwit down -1");
  });
});

describe("Alembic's words", () => {
  test("upgrade +1, downgrade -1 and base, stamp, revision -m", async ({ db }) => {
    const folder = folderOf(SHOPS);
    const godwit = commandIn({ folder, url: db.url });
    await godwit("upgrade", "+1");
    expect((await godwit("current")).stdout).toBe("0001_shops\n");
    await godwit("upgrade");
    await godwit("downgrade", "-1");
    expect((await godwit("history", "--indicate-current")).stdout).toBe(
      "0002_names (head)\n0001_shops (current)\n",
    );
    await godwit("stamp", "head");
    expect((await godwit("current")).stdout).toBe("0002_names (head)\n");
    expect((await godwit("revision", "-m", "Add Ärger!")).stdout).toBe("migrations/0003_add_arger.sql\n");
  });
});

describe("status", () => {
  test("--check is a gate", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: db.url });
    expect((await godwit.fails(1, "status", "--check", "--json")).json).toMatchObject({
      ok: false,
      pending: 2,
    });
    await godwit("up");
    expect((await godwit("status", "--check", "--json")).json).toMatchObject({
      upToDate: true,
      current: ["0002_names"],
    });
  });

  test("shows what would stop a run, and the rest all the same", async ({ db }) => {
    const folder = folderOf(SHOPS);
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const edited = folderOf({ ...SHOPS, "migrations/0001_shops.sql": "create table shops (id bigint);" });
    const { stdout } = await commandIn({ folder: edited, url: db.url }).fails(1, "status");
    expect(stdout).toContain("PLAN_EDITED");
    expect(stdout).toContain("0002_names");
  });
});

describe("phases", () => {
  const PHASES = {
    ...SHOPS,
    "migrations/0003_fill.sql": "-- godwit: phase=complex\nselect 1;",
    "migrations/0004_drop.sql": "-- godwit: phase=contract\nalter table shops drop name;",
  };

  test("MIGRATION_MODE chooses them, and contract is only released by name", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(PHASES), url: db.url });
    const nothing = await godwit.with({ MIGRATION_MODE: "nas-only" })("up");
    expect(nothing.stderr).toContain("nothing to import");
    const startup = await godwit.with({ MIGRATION_MODE: "startup" })("up", "--json");
    expect(startup.json.report.steps.map((step: { revision: string }) => step.revision)).toEqual([
      "0001_shops",
      "0002_names",
    ]);
    expect((await godwit("up")).stdout).toContain("Held back until phase contract runs: 0004_drop.");
    await godwit("up", "--contract");
    expect((await godwit("current")).stdout).toBe("0004_drop (head)\n");
  });
});

describe("repair", () => {
  test("asks for the database's name where there is nobody to ask", async ({ db }) => {
    const folder = folderOf(SHOPS);
    const godwit = commandIn({ folder, url: db.url });
    await godwit("up");
    const edited = commandIn({
      folder: folderOf({
        ...SHOPS,
        "migrations/0001_shops.sql": "create table shops (id int primary key, x int);",
      }),
      url: db.url,
    });
    await edited.fails(1, "up");
    const refused = await edited.fails(2, "repair", "--accept", "0001");
    expect(refused.stderr).toContain(`--confirm ${db.name}`);
    await edited.fails(1, "repair", "--accept", "0001", "--confirm", "another");
    await edited("repair", "--accept", "0001", "--confirm", db.name);
    await edited("up");
    expect((await edited("history", "--log")).stdout).toContain("accepted 0001_shops");
  });
});

describe("output", () => {
  test("--log-format json writes one object per line, and never the password", async ({ db }) => {
    const url = withPassword(db.url, "s3cret-word");
    const godwit = commandIn({ folder: folderOf(BROKEN), url });
    const { stdout, stderr } = await godwit.fails(1, "up", "--log-format", "json", "--verbose", "--json");
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const line of lines)
      expect(line).toMatchObject({
        timestamp: expect.any(String),
        level: expect.any(String),
        message: expect.any(String),
        component: "godwit",
        instanceId: expect.any(String),
      });
    expect(lines).toContainEqual(
      expect.objectContaining({ filename: "0001_shops.sql", duration: expect.any(Number) }),
    );
    expect(lines.at(-1)).toMatchObject({ level: "error", code: "STEP_FAILED" });
    const doctor = await godwit.fails(
      1,
      "doctor",
      "--database-url",
      "postgres://u:s3cret-word@127.0.0.1:1/x",
      "--connect-attempts",
      "1",
    );
    expect(stdout + stderr + doctor.stdout + doctor.stderr).not.toContain("s3cret-word");
  });

  test("colours only where they were asked for", async ({ db }) => {
    const godwit = commandIn({ folder: folderOf(SHOPS), url: db.url });
    expect((await godwit("status")).stdout).not.toContain("\u001b[");
    expect((await godwit.with({ FORCE_COLOR: "1" })("status")).stdout).toContain("\u001b[");
    expect((await godwit.with({ FORCE_COLOR: "1", NO_COLOR: "1" })("status")).stdout).not.toContain(
      "\u001b[",
    );
  });
});

describe("completion", () => {
  test.skipIf(spawnSync("bash", ["--version"]).error !== undefined)(
    "bash completes commands and the flags of each (needs bash)",
    async () => {
      const { stdout } = await commandIn({ folder: folderOf({}) })("completion", "bash");
      const complete = (...words: string[]) => {
        const line = `COMP_WORDS=(godwit ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _godwit; echo "\${COMPREPLY[*]}"`;
        const options = { input: `${stdout}\n${line}`, encoding: "utf8" } as const;
        return spawnSync("bash", ["--norc", "-s"], options).stdout.trim();
      };
      expect(complete("st")).toBe("status stamp");
      expect(complete("up", "--dry")).toBe("--dry-run");
      expect(complete("heads", "--contr")).toBe("");
    },
  );

  test("fish and zsh name every command; another shell is refused", async () => {
    const godwit = commandIn({ folder: folderOf({}) });
    for (const shell of ["fish", "zsh"])
      expect((await godwit("completion", shell)).stdout).toContain("baseline");
    await godwit.fails(2, "completion", "tcsh");
  });
});

describe("new files", () => {
  test("new counts on in the width of the folder, in its language", async () => {
    const folder = folderOf({
      "migrations/007.ts": "export function up() {}",
      "migrations/008_b.ts": "export function up() {}",
    });
    const godwit = commandIn({ folder });
    expect((await godwit("new", "fill", "slugs")).stdout).toBe("migrations/009_fill_slugs.ts\n");
    expect((await godwit("new", "--sql", "x")).stdout).toBe("migrations/010_x.sql\n");
    const times = commandIn({ folder: folderOf({ "migrations/20250101000000_a.sql": "select 1" }) });
    expect((await times("new", "b")).stdout).toMatch(/^migrations\/20\d{12}_b\.sql\n$/);
  });

  test("in a graph, new revises the head and merge joins several", async () => {
    const folder = folderOf({
      "migrations/001_a.sql": "-- godwit: revises=none\nselect 1;",
      "migrations/002_b.sql": "-- godwit: revises=001_a\nselect 1;",
    });
    const godwit = commandIn({ folder });
    await godwit("new", "c");
    expect(readFileSync(join(folder, "migrations/003_c.sql"), "utf8")).toContain(
      "-- godwit: revises=002_b\n",
    );
    await godwit("new", "d", "--revises", "001");
    expect((await godwit("heads", "--json")).json.heads.toSorted()).toEqual(["003_c", "004_d"]);
    expect((await godwit.fails(1, "new", "e")).stderr).toContain("`godwit merge`");
    const { stdout } = await godwit("heads");
    const [, printed = ""] = /^→ .*: `godwit (.+)`$/m.exec(stdout) ?? [];
    await godwit(...printed.split(" "));
    expect((await godwit("heads")).stdout).toBe("005_merge\n");
    await godwit("new", "f", "--revises", "004");
    await godwit("merge", "-m", "both");
    expect((await godwit("heads")).stdout).toBe("007_both\n");
  });

  test("init makes what up can apply, and leaves alone what is there", async ({ db }) => {
    const folder = folderOf({});
    const godwit = commandIn({ folder, url: db.url });
    expect((await godwit("init", "--json")).json.made).toHaveLength(2);
    await godwit("up");
    expect((await godwit("init", "--json")).json.made).toEqual([]);
    await godwit("down", "base");
  });

  test("build freezes what up then applies from the bundle", async ({ db }) => {
    const folder = folderOf({
      ...SHOPS,
      "migrations/0003_fill.ts": "export const up = ({ sql }: any) => sql`insert into shops values (1)`;",
    });
    const godwit = commandIn({ folder, url: db.url });
    await godwit("build", "out");
    await godwit("up", "--dir", "out");
    expect(await db.sql("select id from shops")).toEqual([{ id: 1 }]);
    expect((await godwit("up")).stdout).toContain("nothing to do");
  });
});

/** Until some session of this database is like that. */
async function until(db: TestDatabase, condition: string): Promise<void> {
  const sessions = `select from pg_stat_activity where datname = current_database() and ${condition}`;
  while ((await db.sql(sessions)).length === 0);
}
