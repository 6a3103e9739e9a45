/**
 * The second promise, on a bad network: the connection is cut before and after every message of a run, in both
 * directions, and every time all is done in the end, once.
 */
import { describe, test } from "vitest";
import { GodwitError } from "../src/errors.ts";
import { migrate } from "../src/run/migrate.ts";
import type { MigrateOptions } from "../src/run/plan.ts";
import type { Source } from "../src/source/source.ts";
import { type Attempt, type CutResult, cutEverywhere } from "./support/cut.ts";
import { expect } from "./support/database.ts";
import { scenarioFiles } from "./support/scenario.ts";
import { down, folderOf, type Recorder, recorder, sourcesOf, targetOf, UP, up } from "./support/target.ts";

describe("a connection that is cut before or after any message", () => {
  test("of up: the end is that of an undisturbed run, and no step took effect twice", {
    timeout: 1_800_000,
  }, async () => {
    const sources = sourcesOf(folderOf(scenarioFiles()));
    const result = await cutEverywhere({
      prefix: "cut_up",
      run: (url, attempt) => finish(sources(attempt.lane), { url, options: UP, attempt }),
    });
    tell("up", result);
  });

  test("of down -2: two are taken back, once, and no third", { timeout: 1_800_000 }, async () => {
    const { "repeatable/overview.sql": _overview, ...files } = scenarioFiles();
    const folder = folderOf(files);
    const sources = sourcesOf(folder);
    const result = await cutEverywhere({
      prefix: "cut_down",
      before: async (url) => {
        await up(targetOf({ url, folder }));
      },
      run: (url, attempt) => finish(sources(attempt.lane), { url, options: down("-2"), attempt }),
    });
    tell("down", result);
  });
});

/** Runs until all is done: a run may give up, and then the next one must not need a person. */
async function finish(
  source: Source,
  { url, options, attempt }: { url: string; options: MigrateOptions; attempt: Attempt },
): Promise<boolean> {
  // Fast, for a cut connection is what every run here expects.
  const settings = { connectAttempts: 10, connectDelayMs: 5 };
  const target = targetOf({ url, folder: source.folder, source, settings });
  const context = recorder(attempt.observe);
  try {
    const { steps } = await migrate(target, options, context);
    // Also where the answer to a COMMIT was lost: the run says what it has done, each step once.
    expect(steps.map((step) => step.revision)).toEqual(planned(context));
    return false;
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    await migrate(target, options, recorder());
    return true;
  }
}

/** What the first plan said. */
function planned({ events }: Recorder): readonly string[] {
  const event = events.find(({ kind }) => kind === "planned");
  return event?.kind === "planned" ? event.plan.steps.map((step) => step.revision) : [];
}

function tell(what: string, { points, messages, cut, runs, again }: CutResult): void {
  const counts = `${points} points around ${messages} messages, ${cut} cut in ${runs} runs, ${again} needed a second run`;
  console.info(`${what}: ${counts}`);
  expect(cut).toBeGreaterThan(points * 0.9);
}
