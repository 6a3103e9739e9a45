/** A run that must end between two steps: it is interrupted, and says what is kept of a step that was begun before. */
import { describe } from "vitest";
import { Interrupted } from "../../src/errors.ts";
import { commandIn, type Running } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test as withDatabase } from "../support/database.ts";
import { closeGate, GATE } from "../support/gate.ts";
import { type Held, type Proxy as Network, startProxy } from "../support/proxy.ts";
import { folderOf, recorder, sourceOf, targetOf, up, writeFiles } from "../support/target.ts";
import { createFleet, createMigrator } from "../support/watched.ts";

const test = withDatabase.extend<{ network: Network }>({
  network: async ({ db }, use) => {
    const network = await startProxy({ port: Number(new URL(db.url).port) });
    await use(network);
    await network.close();
  },
});

/** The last question between the plan and the files. */
const PLANNED = "'default_transaction_read_only'";
const GENEROUS = ["--json", "--lock-timeout", "0"];

async function signalled(running: Running, held: Held) {
  await held.reached;
  running.child.kill("SIGTERM");
  await running.says("SIGTERM: ending");
  held.release();
  return (await running.exits(143)).json;
}

const terminate = (db: TestDatabase, pid: number | undefined) =>
  db.admin("select pg_terminate_backend($1)", [pid]);
const logged = (db: TestDatabase) =>
  db.sql(
    `select revision, details ->> 'committed' as committed from "${ledgerSchema}".migration_log where event = 'failed'`,
  );

describe("a run that must end while files are read for its plan is interrupted", () => {
  const FILES = {
    "migrations/0001_a.sql": "-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;",
  };
  const interrupted = (report: object) =>
    expect(report).toMatchObject({ outcome: "interrupted", failures: [], remaining: ["0001_a"] });

  test.for(["up", "down"])("%s", async (command, { db, network }) => {
    const folder = folderOf(FILES);
    if (command === "down") await commandIn({ folder, url: db.url })("up");
    const held = network.hold(PLANNED);
    const words = command === "down" ? ["down", "base"] : ["up"];
    const running = commandIn({ folder, url: network.url(db.url) }).start(...words, "--json");
    const { problems, report } = await signalled(running, held);
    expect(problems).toMatchObject([
      { code: "INTERRUPTED", message: "SIGTERM ended the run before 0001_a had begun." },
    ]);
    interrupted(report);
  });

  test("at the deadline", async ({ db, network }) => {
    const held = network.hold(PLANNED);
    const running = commandIn({ folder: folderOf(FILES), url: network.url(db.url) }).start(
      ...["up", "--json", "--timeout", "2s"],
    );
    await held.reached;
    await running.says("The deadline has passed: ending");
    held.release();
    const { json } = await running.exits(1);
    expect(json.problems).toMatchObject([{ code: "DEADLINE" }]);
    expect(json.report.outcome).toBe("interrupted");
  });

  test("of a fleet, in its document as in its exit code", async ({ db, network }) => {
    const target = { url: network.url(db.url), dir: "migrations" };
    const folder = folderOf({
      ...FILES,
      "godwit.config.json": JSON.stringify({
        targets: { x: target, y: { ...target, ledgerSchema: "other" } },
      }),
    });
    const held = network.hold(PLANNED);
    const running = commandIn({ folder }).start("up", "--json", "--parallel", "1");
    const { targets } = await signalled(running, held);
    expect(targets).toMatchObject([
      { name: "x", state: "interrupted", report: { outcome: "interrupted" } },
      { name: "y", state: "not begun" },
    ]);
  });

  test("in the library", async ({ db }) => {
    for (const maker of ["createMigrator", "createFleet"] as const) {
      const stop = new AbortController();
      const of = { databaseUrl: db.url, dir: `${folderOf(FILES)}/migrations`, ledgerSchema };
      const around = {
        signal: stop.signal,
        observe: ({ kind }: { kind: string }) => kind === "planned" && stop.abort(new Error("enough")),
      };
      const { databaseUrl, ...rest } = of;
      await using program =
        maker === "createMigrator"
          ? createMigrator({ ...of, ...around })
          : createFleet({ targets: { x: { url: databaseUrl, ...rest } }, ...around });
      const error = await program.up().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "INTERRUPTED", name: "Interrupted" });
      expect(JSON.stringify((error as Interrupted).report)).toContain('"outcome":"interrupted"');
    }
  });

  test("where the source ends the reading of its own accord", async ({ db }) => {
    const folder = folderOf({ "0001_a.sql": "select 1;" });
    const context = recorder(({ kind }) => kind === "planned" && context.abort(sigterm()));
    const source = sourceOf(folder);
    const read: typeof source.read = (...of) =>
      context.signal.aborted ? Promise.reject(context.signal.reason) : source.read(...of);
    const target = targetOf({ url: db.url, folder, source: { ...source, read } });
    await expect(up(target, context)).rejects.toMatchObject({
      name: "Interrupted",
      report: { outcome: "interrupted", remaining: ["0001_a"] },
    });
  });
});

const sigterm = () => new Interrupted({ code: "INTERRUPTED", message: "SIGTERM ended the run." }, "SIGTERM");

interface Case {
  readonly name: string;
  readonly text: string;
  readonly committed: string;
  readonly kept: RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "in a transaction",
    text: `create table a ();\n${GATE}`,
    committed: "none",
    kept: /while 0001_a was running\. It was rolled back; nothing of it was kept/,
  },
  {
    name: "behind a statement that is done",
    text: `-- godwit: transaction=off\ncreate table a ();\n${GATE}`,
    committed: "some",
    kept: /while 0001_a was running\. 1 of the 2 statements of 0001_a\.sql before line 3 is done and stays/,
  },
  {
    name: "in a statement that commits by itself",
    text: `do $$ begin create table a (); commit; ${GATE.replace("select", "perform")} end $$;`,
    committed: "unknown",
    kept: /while 0001_a was running\. Statement 1 of 0001_a\.sql commits by itself, so it may have kept a part/,
  },
];

describe("a step that was cut off by a lost connection, and must not be begun again:", () => {
  for (const [where, message] of [
    ["while its files are read again", PLANNED],
    ["before its first message", "migration_locks"],
  ] as const)
    test.for(CASES)(`$name, ${where}`, async (one, { db, network }) => {
      const gate = await closeGate(db);
      const folder = folderOf({ "migrations/0001_a.sql": one.text, "migrations/0002_b.sql": "select 1;" });
      const running = commandIn({ folder, url: network.url(db.url) }).start("up", ...GENEROUS);
      const [pid] = await gate.reached();
      const held = network.hold(message);
      await terminate(db, pid);
      const { problems, report } = await signalled(running, held);
      expect(problems).toHaveLength(1);
      expect(problems[0].message).toMatch(one.kept);
      expect(report).toMatchObject({
        outcome: "interrupted",
        failures: [{ revision: "0001_a", committed: one.committed }],
      });
      expect(await logged(db)).toEqual([{ revision: "0001_a", committed: one.committed }]);
    });
});

describe("a step that an earlier run has left, and this one has not come to:", () => {
  test.for(CASES.slice(1))("$name", async (one, { db, network }) => {
    const gate = await closeGate(db);
    const folder = folderOf({});
    writeFiles(folder, { "migrations/0001_a.sql": one.text });
    const first = commandIn({ folder, url: db.url }).start("up", ...GENEROUS);
    const [pid] = await gate.reached();
    first.child.kill("SIGKILL");
    await first.ended;
    await terminate(db, pid);
    const held = network.hold(PLANNED);
    const running = commandIn({ folder, url: network.url(db.url) }).start("up", ...GENEROUS);
    const { problems, report } = await signalled(running, held);
    expect(problems[0].message).toMatch(/^SIGTERM ended the run before 0001_a was continued\. /);
    expect(problems[0].message).toMatch(
      one.committed === "some" ? /is done and stays/ : /may have kept a part/,
    );
    expect(report.failures).toMatchObject([{ revision: "0001_a", committed: one.committed }]);
  });
});
