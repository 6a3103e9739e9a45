/** Whoever is told of a run that takes back what it applied is told what the database has now. */
import { readFileSync } from "node:fs";
import { commandIn } from "../support/command.ts";
import { expect, ledgerSchema, type TestDatabase, test } from "../support/database.ts";
import { startReceiver } from "../support/receiver.ts";
import { type Files, folderOf } from "../support/target.ts";
import { registerIn } from "../support/telemetry.ts";

const up = (name: string, down = `drop table ${name};`) =>
  `-- migrate:up\ncreate table ${name} (id int);\n-- migrate:down\n${down}\n`;
const BAD = "-- migrate:up\nselect 1 / 0;\n-- migrate:down\nselect 1;\n";

async function place(db: TestDatabase, files: Files) {
  const [plain, chat] = [await startReceiver(), await startReceiver()];
  const webhooks = [{ url: plain.url }, { url: chat.url, format: "slack" }];
  const folder = folderOf({ ...files, "godwit.config.json": JSON.stringify({ webhooks }) });
  const told = registerIn(folder);
  const godwit = commandIn({ folder, url: db.url, env: told.env });
  return {
    godwit,
    folder,
    told,
    last: () => plain.received.at(-1)?.json.data,
    chat: () => chat.received.at(-1)?.json.text,
    /** Beside an app both are told while it goes on: what the terminal says does not promise that they have it. */
    arrived: (count: number) => Promise.all([plain.arrived(count), chat.arrived(count)]),
    applied: async () =>
      (
        await db.sql<{ revision: string }>(
          `select revision from "${ledgerSchema}".migration_history order by sequence`,
        )
      ).map(({ revision }) => revision),
  };
}

test("what was taken back is not told as applied", async ({ db }) => {
  const at = await place(db, {
    "migrations/0001_a.sql": up("a"),
    "migrations/0002_b.sql": up("b"),
    "migrations/0003_bad.sql": BAD,
  });
  await at.godwit.fails(1, "up", "--rollback-on-failure");
  expect(await at.applied()).toEqual([]);
  expect(at.last()).toMatchObject({
    ...{ command: "up", outcome: "failed", applied: [], count: 0 },
    failures: [{ code: "STEP_FAILED", revision: "0003_bad", committed: "none" }],
    rollback: { outcome: "done", reverted: ["0002_b", "0001_a"], kept: [], unknown: [] },
  });
  expect(at.chat()).toMatch(
    /the run failed: `0003_bad` STEP_FAILED\. It took back all that it had applied: `0002_b`, `0001_a`\. `godwit status`/,
  );
  const run = at.told.spans().find(({ name }) => name === "godwit up");
  expect(run?.attributes).toMatchObject({
    ...{ "godwit.outcome": "failed", "godwit.rollback.outcome": "done" },
    ...{ "godwit.rollback.reverted": ["0002_b", "0001_a"], "godwit.rollback.kept": [] },
  });
});

test("what a failing way back has left is told as applied, by the status file too", async ({ db }) => {
  const at = await place(db, {
    "migrations/0001_a.sql": up("a"),
    "migrations/0002_b.sql": up("b", "select 1 / 0;"),
    "migrations/0003_c.sql": up("c"),
    "migrations/0004_bad.sql": BAD,
  });
  const app = [process.execPath, "-e", "setInterval(() => {}, 1e6)"];
  const env = { NODE_ENV: "production", GODWIT_STATUS_FILE: `${at.folder}/status.json` };
  const running = at.godwit.with(env).start("run", "--rollback-on-failure", "--", ...app);
  await running.says("The migrations have failed (STEP_FAILED). The app goes on.");
  const kept = { outcome: "failed", reverted: ["0003_c"], kept: ["0001_a", "0002_b"], unknown: [] };
  expect(await at.applied()).toEqual(kept.kept);
  await at.arrived(2);
  expect(at.last()).toMatchObject({ applied: kept.kept, count: 2, rollback: kept });
  expect(at.chat()).toContain(
    "It took back `0003_c`; still applied: `0001_a`, `0002_b`. `godwit status` shows what is applied.",
  );
  running.child.kill("SIGTERM");
  await running.ended;
  const { snapshot } = JSON.parse(readFileSync(env.GODWIT_STATUS_FILE, "utf8"));
  expect(snapshot).toMatchObject({ status: "failed", rollback: kept });
});

test("a run that a signal has ended tells that what it applied stays", async ({ db }) => {
  const at = await place(db, {
    "migrations/0001_a.sql": up("a"),
    "migrations/0002_slow.sql": "-- migrate:up\nselect pg_sleep(60);\n-- migrate:down\nselect 1;\n",
  });
  const run = at.godwit.start("up", "--rollback-on-failure");
  await run.says("0001_a applied");
  run.child.kill("SIGTERM");
  await run.exits(143);
  expect(at.last()).toMatchObject({
    ...{ applied: ["0001_a"], count: 1 },
    rollback: { outcome: "not begun", reverted: [], kept: ["0001_a"] },
  });
  expect(at.chat()).toContain(
    "was interrupted: `0002_slow` INTERRUPTED. It took back nothing; still applied: `0001_a`.",
  );
});
