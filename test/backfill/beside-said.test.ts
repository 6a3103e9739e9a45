/** What commands say while another run carries out a backfill: each sentence is true, and each hint leads on. */
import { describe } from "vitest";
import type { Problem } from "../../src/errors.ts";
import { expect, test } from "../support/database.ts";
import { bothOf, FILES, heldBetweenWindows } from "./held.ts";

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

test("up that holds a phase back does not say that everything is applied", async ({ db }) => {
  const files = { ...FILES, "0003_strict.sql": "-- godwit: phase=contract\nselect 1;" };
  const { godwit } = bothOf(db, files);
  await godwit("up");
  const { stdout } = await godwit("up");
  expect(stdout).toContain("Held back until phase contract runs: 0003_strict.");
  expect(stdout).not.toContain("everything is applied");
});
