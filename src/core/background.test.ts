import { expect, test } from "vitest";
import { problemsOf } from "../errors.ts";
import { type Backfill, DEFAULT_WINDOWS } from "./backfill.ts";
import { DEFAULT_OPTIONS } from "./backfill-options.ts";
import { type Asked, entry, historyOf, inputOf, migration } from "./fixtures.ts";
import type { Migration } from "./migration.ts";
import { plan } from "./plan.ts";

const fill = (id: string, table: string, background: boolean): Migration => {
  const backfill: Backfill = {
    ...{ table, key: null, where: null, statement: null },
    ...{ windows: DEFAULT_WINDOWS, options: { ...DEFAULT_OPTIONS, background } },
  };
  return migration(id, { backfill });
};
const one = migration("0001_one");
const two = fill("0002_two", "a", true);
const three = migration("0003_three", { depends: ["0002_two"], requires: ["0002_two"] });
const four = migration("0004_four");
const five = fill("0005_five", "a", false);
const six = migration("0006_six", { phase: "contract" });
const seven = migration("0007_seven", { depends: ["0003_three"] });
const files = [one, two, three, four, five, six, seven];
const view = migration("view", { kind: "repeatable" });
const ALL: Asked = { goal: { phases: ["startup", "import", "complex", "contract"] } };
const steps = (asked: Asked, some: readonly Migration[] = files) =>
  plan(inputOf(some, { ...ALL, ...asked })).steps.map(({ revision }) => revision);

test("a backfill in the background comes last, and what waits for it behind it", () => {
  expect(steps({}, [...files, view])).toEqual([
    ...["0001_one", "0004_four", "view"],
    ...["0002_two", "0003_three", "0005_five", "0007_seven", "0006_six"],
  ]);
  const inPlace = files.map((each) => (each === two ? fill("0002_two", "a", false) : each));
  expect(steps({}, inPlace)).toEqual([
    "0001_one",
    "0002_two",
    "0003_three",
    "0004_four",
    "0005_five",
    "0007_seven",
    "0006_six",
  ]);
});

test("it and what waits for it are never late, and everything else is", () => {
  const history = historyOf(one, four, entry(two, { state: "partial" }));
  expect(steps({ history })).toEqual(["0002_two", "0003_three", "0005_five", "0007_seven", "0006_six"]);
  expect(steps({ history: historyOf(one, four) })[0]).toBe("0002_two");
  expect(() => steps({ history: historyOf(one, two, three, seven) })).toThrow("0004_four (before");
});

test("what another run carries out is left out, with all that waits for it, which is named", () => {
  const history = {
    ...historyOf(one, entry(two, { state: "partial" })),
    running: new Map([["0002_two", "godwit run 1"]]),
  };
  const found = plan(inputOf(files, { ...ALL, history }));
  expect(found.steps.map(({ revision }) => revision)).toEqual(["0004_four"]);
  expect(found.waiting).toEqual(["0002_two", "0003_three", "0005_five", "0007_seven", "0006_six"]);
  expect(found.warnings).toMatchObject([
    { code: "BACKFILL_RUNNING", details: { waiting: ["0003_three", "0005_five", "0007_seven", "0006_six"] } },
  ]);
  expect(() => steps({ history, to: "0002" })).toThrow("and godwit run 1 is already carrying it out");
  for (const to of ["0003", "0007"])
    expect(() => steps({ history, to })).toThrow("waits for a backfill that another run is carrying out");
  expect(steps({ history, to: "0004" })).toEqual(["0004_four"]);
  try {
    plan(inputOf(files, { history, goal: { direction: "down", to: "base" } }));
    expect.unreachable();
  } catch (error) {
    expect(problemsOf(error)[0]?.code).toBe("BACKFILL_RUNNING");
  }
});
