/** What the command says of itself: how it was ended, what it migrates beside an app, whom it could not tell, which heads there are. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import type { Finished, Running } from "../../support/command.ts";
import { expect, ledgerSchema } from "../../support/database.ts";
import type { Row, Scene } from "../../support/follow.ts";
import { closeGate, GATE } from "../../support/gate.ts";
import { childrenOf } from "../../support/processes.ts";
import { type Receiver, startReceiver } from "../../support/receiver.ts";
import { until } from "../../support/until.ts";

const A = "create table a (id int);";
const TWO = { "0001_a.sql": A, "0002_b.sql": "create table b (id int);" };
async function goesOn(scene: Scene): Promise<void> {
  await scene.run("up");
  await scene.settled();
}

/** Two lines of work from one file. */
const FORK = {
  "0001_a.sql": A,
  "0002_chat.sql": "-- godwit: revises=0001_a\ncreate table chat (id int);",
  "0003_search.sql": "-- godwit: revises=0001_a\ncreate table search (id int);",
};
const joined = async (scene: Scene) => {
  expect((await scene.run("heads")).stdout).toBe("0004_merge\n");
  await goesOn(scene);
};

const RECEIVERS = new WeakMap<Scene, Receiver>();
/** Somebody who is told of runs and knows nothing of them yet. */
async function refusing(scene: Scene): Promise<void> {
  const receiver = await startReceiver(404);
  RECEIVERS.set(scene, receiver);
  scene.write({ "godwit.config.json": JSON.stringify({ webhooks: [{ url: receiver.url }] }) });
}
const untold = async (scene: Scene) => {
  await refusing(scene);
  await scene.run("up");
};
const taking = (scene: Scene) => RECEIVERS.get(scene)?.behave(204);
const told = async (scene: Scene) => {
  expect(RECEIVERS.get(scene)?.types().slice(-2)).toEqual(["run.started", "run.completed"]);
  expect((await scene.run("webhooks")).stdout).toBe("Every message was delivered.\n");
};

const APP = { "server.js": "setInterval(() => {}, 1000);", ...TWO };
const started = async (_: Scene, [app]: readonly Finished[]) => expect(app?.stdout).toBe("started\n");
const ALONE = { NODE_ENV: "production", MIGRATION_RETRY_COUNT: "0" };
async function endApp({ child }: Running): Promise<void> {
  child.kill("SIGTERM");
}

/** It catches what cancels it, and goes on. */
const DEAF = `do $$ begin loop begin ${GATE.replace("select", "perform")} exit;
  exception when query_canceled then null; end; end loop; end $$;`;

/** More than a pipe takes. */
const MANY = Array.from({ length: 12_000 }, (_, at) => `create table t${at} (a int, b text);`).join("\n");

/** A server that answers the first message as no PostgreSQL does. */
async function otherServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 99])));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
const PORTS = new Map<string, number>();

export const BESIDE_APP: Readonly<Record<string, Row>> = {
  "the list of the other image is not there": {
    hints: ["cli/commands/compatible.ts unreadable: godwit compatible --write revisions.json"],
    files: TWO,
    before: (scene) => scene.run("up"),
    says: "compatible --image-revisions revisions.json",
  },
  "two heads": {
    hints: ["cli/commands/heads.ts run: godwit merge"],
    files: FORK,
    says: "heads",
    kept: joined,
  },
  "a new migration behind two heads": {
    hints: ["cli/commands/new.ts parentsOf: godwit merge"],
    files: FORK,
    says: "new index",
    kept: async (scene) => {
      expect((await scene.run("new index --json")).json.revises).toEqual(["0004_merge"]);
    },
  },
  "one of two heads is merged": {
    hints: [
      "cli/commands/merge.ts nothingToJoin: godwit heads",
      "cli/commands/merge.ts nothingToJoin: godwit merge",
    ],
    files: FORK,
    says: "merge 0003",
    kept: joined,
  },
  "the only head is merged": {
    hints: ["cli/commands/merge.ts nothingToJoin: godwit new <name>"],
    files: TWO,
    says: "merge",
    fill: { name: "c" },
    kept: async (_, [created]) => expect(created?.stdout).toContain("0003_c.sql"),
  },
  "webhooks that were not told": {
    hints: [
      "service/webhooks/tell.ts closeSender: godwit webhooks",
      "service/webhooks/tell.ts closeSender: godwit webhooks --retry",
    ],
    files: TWO,
    before: refusing,
    byHand: taking,
    kept: told,
  },
  "doctor finds messages that were not delivered": {
    hints: [
      "run/doctor.ts examineWebhooks: godwit webhooks",
      "run/doctor.ts examineWebhooks: godwit webhooks --retry",
    ],
    files: TWO,
    before: untold,
    says: "doctor",
    byHand: taking,
    kept: told,
  },
  "the list of messages that were not delivered": {
    hints: ["cli/commands/webhooks.ts run: godwit webhooks --retry"],
    files: TWO,
    before: untold,
    says: "webhooks",
    byHand: taking,
    kept: told,
  },
  "a script of a shell that is not executable": {
    hints: ["service/supervise/app.ts throughInterpreter: godwit run -- … …"],
    files: { ...TWO, "start.sh": "echo started" },
    env: { SKIP_MIGRATIONS: "true" },
    says: "run -- ./start.sh",
    kept: started,
  },
  "an app that is not executable": {
    hints: ["service/supervise/app.ts throughInterpreter: godwit run -- … …"],
    files: { ...TWO, "server.js": "console.log('started')" },
    env: { SKIP_MIGRATIONS: "true" },
    says: "run -- ./server.js",
    kept: started,
  },
  "migrations beside an app fail": {
    hints: ["service/supervise/attempts.ts sayFailed: godwit status"],
    files: { ...APP, "0002_b.sql": "create tabel b ();" },
    env: ALONE,
    says: "run -- node server.js",
    meanwhile: async (_, running) => {
      await running.says("The app goes on.");
      await endApp(running);
    },
    kept: async (scene, [status]) => {
      expect(status?.stdout).toMatch(/applied +0001_a[\s\S]*pending +0002_b/);
      scene.write({ "0002_b.sql": "create table b ();" });
      await goesOn(scene);
    },
  },
  "migrations beside an app are killed": {
    hints: ["service/supervise/child.ts gone: godwit status"],
    files: { ...APP, "0002_b.sql": `create table b (); ${GATE}` },
    env: ALONE,
    says: "run --lock-timeout 0 -- node server.js",
    meanwhile: async ({ db }, running) => {
      const gate = await closeGate(db);
      const backends = await gate.reached();
      for (const pid of childrenOf(running.child.pid))
        if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("godwit.cjs")) process.kill(pid, "SIGKILL");
      await running.says("The app goes on.");
      // The server has not noticed yet, and would carry out what it has.
      for (const pid of backends) await db.admin("select pg_terminate_backend($1, 10000)", [pid]);
      await gate.open();
      await endApp(running);
    },
    kept: async (scene, [status]) => {
      expect(status?.stdout).toMatch(/applied +0001_a[\s\S]*pending +0002_b/);
      await goesOn(scene);
    },
  },
  "a second signal ends it at once": {
    hints: ["cli/under-way.ts cutError: godwit status"],
    files: { "0001_a.sql": A, "0002_b.sql": `create table b (); ${DEAF}` },
    says: "up --lock-timeout 0",
    meanwhile: async ({ db }, running) => {
      const gate = await closeGate(db);
      await gate.reached();
      running.child.kill("SIGINT");
      await running.says("a second signal ends the process at once");
      running.child.kill("SIGTERM");
      await running.ended;
      await gate.open();
    },
    kept: async (scene, [status]) => {
      expect(status?.stdout).toMatch(/applied +0001_a/);
      await goesOn(scene);
    },
  },
  "nobody reads a script until a signal ends it": {
    hints: ["cli/output/unread.ts unread: godwit status"],
    files: { "0001_many.sql": MANY },
    says: "up --sql --from base",
    meanwhile: async (_, { child }) => {
      const stdout = child.stdout as Readable;
      stdout.pause();
      await until(() => stdout.readableLength > 0);
      child.kill("SIGTERM");
      await once(child, "exit");
      stdout.resume();
    },
    kept: async (_, [status]) => expect(status?.stdout).toContain("1 pending"),
  },
  "its connection is lost while it ends": {
    hints: ["run/session/ending.ts withMore: godwit status"],
    files: TWO,
    before: (scene) => scene.run("up 0001_a"),
    meanwhile: async ({ db }, running) => {
      const holder = await db.connect();
      await holder.query(`begin; lock table "${ledgerSchema}".migration_history`);
      const waits = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and pid <> pg_backend_pid()`;
      await until(async () => (await db.admin(`select ${waits}`)).length > 0);
      running.child.kill("SIGTERM");
      await running.says("ending what is under way");
      await db.admin(`select pg_terminate_backend(pid) ${waits}`);
      await running.ended;
      await holder.query("rollback");
    },
    kept: async (scene, [status]) => {
      expect(status?.stdout).toMatch(/pending +0002_b/);
      await goesOn(scene);
    },
  },
  "the server at the address is no PostgreSQL": {
    hints: ["cli/main.ts thrownByNobody: godwit status"],
    files: TWO,
    before: async ({ db }) => PORTS.set(db.name, await otherServer()),
    says: (db) =>
      `up --connect-attempts 1 --database-url postgres://u@127.0.0.1:${PORTS.get(db.name)}/d?sslmode=disable`,
    kept: async (scene, [status]) => {
      expect(status?.stdout).toContain("2 pending");
      await goesOn(scene);
    },
  },
};
