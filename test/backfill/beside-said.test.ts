/** What commands say while another run carries out a backfill: each sentence is true, and each hint leads on. */
import { describe } from "vitest";
import type { Problem } from "../../src/errors.ts";
import { expect, test } from "../support/database.ts";
import { bothOf, FILES, FILL, heldBetweenWindows, TABLE } from "./held.ts";

describe("while another run carries out a backfill,", () => {
  test("up says what is not applied yet, and plan too", async ({ db }) => {
    const { target, godwit } = bothOf(db);
    const { run, resume } = await heldBetweenWindows(target);
    const left = "Not applied yet, because another run is carrying out a backfill: 0002_fill, 0003_strict.";
    const { stdout } = await godwit("up");
    expect(stdout).not.toContain("everything is applied");
    expect(stdout).toContain(left);
    expect((await godwit("up", "--json")).json.report).toMatchObject({
      outcome: "done",
      remaining: [],
      waiting: ["0002_fill", "0003_strict"],
    });
    expect((await godwit("plan")).stdout).toContain(left);
    const asked = async (...words: readonly string[]) =>
      (await godwit.fails(1, ...words, "--json")).json.problems.map(({ message }: Problem) => message);
    expect(await asked("up", "0002_fill")).toEqual([
      expect.stringMatching(/^0002_fill was asked for, and godwit run .* is already carrying it out\./),
    ]);
    expect(await asked("up", "0003_strict")).toEqual([
      "0003_strict was asked for, and waits for a backfill that another run is carrying out. Nothing was begun.",
    ]);
    for (const words of [
      ["down", "-1"],
      ["down", "0001_table"],
      ["down", "base"],
      ["backfill", "undo", "0002_fill"],
    ])
      expect((await asked(...words)).filter((one: string) => one.includes("0002_fill"))).toEqual([
        expect.stringMatching(/^The backfill 0002_fill is being carried out by godwit run /),
      ]);
    await resume();
    await run;
    const after = await godwit("up", "--json");
    expect(after.json.report.waiting).toBeUndefined();
    expect((await godwit("up")).stdout).toContain("everything is applied");
  });
});

test("up --wait-for-backfills shows how far it is, and does what waited when it is done", async ({ db }) => {
  const { target, godwit } = bothOf(db);
  const { run, resume } = await heldBetweenWindows(target);
  const waiting = godwit.start("up", "--wait-for-backfills");
  await waiting.says(/0002_fill.*\d+ %/);
  await resume();
  await run;
  const { stdout, stderr } = await waiting.exits(0);
  expect(stdout + stderr).not.toContain("BACKFILL_RUNNING");
  expect((await godwit("status", "--check", "--json")).json.upToDate).toBe(true);
});

test("an older release beside a newer one's backfill has nothing to do, and says so", async ({ db }) => {
  const { target } = bothOf(db);
  const { run, resume } = await heldBetweenWindows(target);
  const older = bothOf(db, { "0001_table.sql": TABLE });
  const { json } = await older.godwit("up", "--json");
  expect(json.report).toMatchObject({ outcome: "done", steps: [] });
  expect(json.report.warnings).toMatchObject([
    {
      code: "PLAN_VANISHED",
      message: expect.stringMatching(
        /^The database is ahead of these files: 0002_fill\. The backfill 0002_fill is being carried out by godwit run /,
      ),
      hint: "Normal for an older release on a newer database; nothing to do.",
    },
  ]);
  await older.godwit("status", "--check");
  // Files that are newer than it cannot be an older release.
  const other = bothOf(db, { "0001_table.sql": TABLE, "0003_other.sql": "select 1;" });
  const among = (await other.godwit.fails(1, "up", "--json")).json.problems[0];
  expect(among).toMatchObject({
    code: "PLAN_VANISHED",
    message: expect.stringContaining("is being carried out by"),
  });
  const down = (await older.godwit.fails(1, "down", "base", "--json")).json;
  expect(down.problems[0]).toMatchObject({ code: "BACKFILL_RUNNING" });
  await resume();
  await run;
  await older.godwit("up");
  expect((await other.godwit.fails(1, "up", "--json")).json.problems[0].code).toBe("PLAN_VANISHED");
});

test("an older release beside a backfill whose run has died has nothing to do, and says so", async ({
  db,
}) => {
  const { target, godwit } = bothOf(db);
  const { run, recorded, resume } = await heldBetweenWindows(target);
  recorded.abort(new Error("ended by the test"));
  await expect(run).rejects.toThrow("are done and stay");
  const older = bothOf(db, { "0001_table.sql": TABLE });
  expect((await older.godwit("up", "--json")).json.report).toMatchObject({
    ...{ outcome: "done", steps: [] },
    warnings: [
      {
        code: "PLAN_VANISHED",
        message:
          "The database is ahead of these files: 0002_fill. The backfill 0002_fill is half done, and no run works on it: the release that has its file goes on with it.",
      },
    ],
  });
  await older.godwit("plan");
  // Among newer files, the file is gone.
  const other = bothOf(db, { "0001_table.sql": TABLE, "0003_other.sql": "select 1;" });
  expect((await other.godwit.fails(1, "up", "--json")).json.problems).toMatchObject([
    {
      code: "PLAN_PARTIAL",
      hint: "Restore the file and run `godwit up` to finish it. If its rows that are done may stay as they are, run `godwit repair --forget 0002_fill`.",
    },
  ]);
  await resume();
  await godwit("up");
  await older.godwit("up");
});

test("godwit backfill says which run works on it, and that none does when it has ended", async ({ db }) => {
  const { target, godwit } = bothOf(db);
  const { run, recorded, resume } = await heldBetweenWindows(target);
  const shown = async () => (await godwit("backfill", "--json")).json.backfills[0];
  expect(await shown()).toMatchObject({ state: "paused", runBy: expect.stringMatching(/^godwit run /) });
  recorded.abort(new Error("ended by the test"));
  await expect(run).rejects.toThrow("are done and stay");
  expect(await shown()).toMatchObject({ state: "paused", runBy: null });
  await resume();
  const { stdout } = await godwit("backfill");
  expect(stdout).toMatch(/^0002_fill {2}half done {2}.*no run works on it: `godwit up` goes on$/m);
  expect(stdout).not.toMatch(/under way|rows\/s| left\b/);
  await godwit("up");
  expect((await godwit("backfill")).stdout).toMatch(/^0002_fill {2}done {2}/m);
  expect(await shown()).toMatchObject({ state: "done", runBy: null });
});

test("a word about a backfill that is done says what it is for", async ({ db }) => {
  const { godwit } = bothOf(db, { "0001_table.sql": TABLE, "0002_fill.sql": FILL });
  await godwit("backfill", "pause", "0002");
  expect((await godwit("backfill", "approve", "0002")).stdout).toContain(
    "0002_fill is approved as it is now. It is paused, and waits until it is resumed.",
  );
  await godwit("backfill", "resume", "0002");
  expect((await godwit("backfill", "approve", "0002")).stdout).toContain("The next run begins it.");
  await godwit("up");
  const answers = async (...words: readonly string[]) => (await godwit("backfill", ...words)).stdout;
  expect(await answers("approve", "0002")).toMatch(
    /^0002_fill is done already\. The approval holds if it runs again\.$/m,
  );
  expect(await answers("rate", "0002", "100000")).toMatch(
    /^0002_fill is done already\. 100,000 rows in a second hold for a way back in windows, and if it runs again\.$/m,
  );
  expect(await answers("rate", "0002", "none")).toMatch(
    /^0002_fill is done already\. No limit holds for a way back in windows, and if it runs again\.$/m,
  );
  expect(await answers("pause", "0002")).toMatch(
    /^0002_fill is done already\. The pause holds for a way back/,
  );
  // The pause and the rate do hold for it.
  expect((await godwit.fails(1, "down", "0001", "--json")).json.problems).toMatchObject([
    { code: "BACKFILL_PAUSED" },
  ]);
  expect(await answers("resume", "0002")).toMatch(
    /^0002_fill is done already\. No pause holds for a way back/,
  );
  await godwit("down", "0001");
});

test("up that holds a phase back does not say that everything is applied", async ({ db }) => {
  const files = { ...FILES, "0003_strict.sql": "-- godwit: phase=contract\nselect 1;" };
  const { godwit } = bothOf(db, files);
  await godwit("up");
  const { stdout } = await godwit("up");
  expect(stdout).toContain("Held back until phase contract runs: 0003_strict.");
  expect(stdout).not.toContain("everything is applied");
});
