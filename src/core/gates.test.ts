import { expect, test } from "vitest";
import { problemsOf } from "../errors.ts";
import type { Backfill } from "./backfill.ts";
import { DEFAULT_WINDOWS } from "./backfill.ts";
import { DEFAULT_OPTIONS } from "./backfill-options.ts";
import { type Asked, entry, historyOf, inputOf, migration } from "./fixtures.ts";
import { gatePairs } from "./gates.ts";
import type { Migration, Phase } from "./migration.ts";
import { plan } from "./plan.ts";

const backfill: Backfill = {
  ...{ table: "t", key: null, where: null, statement: null },
  ...{ windows: DEFAULT_WINDOWS, options: DEFAULT_OPTIONS },
};
const fill = (id: string, more: Partial<Migration> = {}) =>
  migration(id, { backfill, phase: "complex", ...more });
const phases = (...list: Phase[]): Asked => ({ goal: { phases: list } });

function refused(files: readonly Migration[], asked: Asked = {}): readonly string[] {
  try {
    plan(inputOf(files, asked));
  } catch (error) {
    return problemsOf(error).map(({ code, details }) => `${code} ${details?.revision} ${details?.requires}`);
  }
  return [];
}

const one = migration("0001_one");
const two = fill("0002_two");
const three = migration("0003_three", { depends: ["0002_two"], requires: ["0002_two"], phase: "contract" });
const drop = migration("0004_drop", { phase: "contract" });

test("in a line, a contract step waits for every backfill before it; one that is applied, declared or behind it stops nothing", () => {
  const line = [one, two, drop, fill("0005_late")];
  expect(refused(line, phases("startup", "contract"))).toEqual(["BACKFILL_REQUIRED 0004_drop 0002_two"]);
  expect(refused(line, { ...phases("contract"), history: historyOf(one, two) })).toEqual([]);
  const declared = historyOf(one, entry(two, { baseline: true }));
  expect(refused(line, { ...phases("contract"), history: declared })).toEqual([]);
  const half = historyOf(one, entry(two, { state: "partial" }));
  expect(refused(line, { ...phases("contract"), history: half })).toEqual([
    "BACKFILL_REQUIRED 0004_drop 0002_two",
  ]);
});

test("in a graph, only those below it", () => {
  const graph = [
    migration("a", { revises: [] }),
    fill("b", { revises: ["a"] }),
    fill("c", { revises: ["a"] }),
    migration("d", { revises: ["c"], phase: "contract" }),
  ];
  const asked: Asked = { ...phases("startup", "contract"), to: "heads" };
  // What stands on a revision that is held back is held back itself, as any step.
  const waiting = plan(inputOf(graph, asked));
  expect(waiting.steps.map(({ revision }) => revision)).toEqual(["a"]);
  expect(waiting.warnings).toMatchObject([
    { code: "PLAN_PHASE_ORDER", details: { revision: "d", needs: "c" } },
  ]);
  const [a, , c] = graph as [Migration, Migration, Migration];
  const { steps } = plan(inputOf(graph, { ...asked, history: historyOf(a, c) }));
  expect(steps).toMatchObject([{ revision: "d", after: [] }]);
});

test("a step stands on the backfills of its own run, and on no other step", () => {
  const { steps } = plan(inputOf([one, two, three, drop], phases("startup", "complex", "contract")));
  expect(steps.map(({ revision, after }) => [revision, after])).toEqual([
    ["0001_one", []],
    ["0002_two", []],
    ["0003_three", ["0002_two"]],
    ["0004_drop", ["0002_two"]],
  ]);
});

test("a startup step cannot require what runs later, and is told so where both are to run", () => {
  const early = { ...three, phase: "startup" } as const;
  expect(refused([one, two, early], phases("startup", "complex"))).toEqual([
    "PLAN_PHASE_ORDER 0003_three undefined",
  ]);
  expect(refused([one, two, early], phases("startup"))).toEqual(["BACKFILL_REQUIRED 0003_three 0002_two"]);
  expect(refused([one, two, early], { ...phases("startup"), history: historyOf(one, two) })).toEqual([]);
});

test("the file of a required backfill may be gone once it is applied", () => {
  const declared = historyOf(one, entry(two, { baseline: true, file: "(Alembic)" }));
  expect(refused([one, three], { ...phases("contract"), history: declared })).toEqual([]);
  expect(refused([one, three])).toEqual(["GRAPH_UNKNOWN_PARENT 0003_three undefined"]);
});

test("a broken file that may have been a backfill is not called none", () => {
  const broken = migration("0002_two", {
    problem: { code: "SOURCE_DIRECTIVE_UNKNOWN", message: "It is broken." },
  });
  expect(refused([one, broken, { ...three, phase: "startup" }])).not.toContain(
    "SOURCE_DIRECTIVE_INVALID 0003_three 0002_two",
  );
});

test("a script asks again for what its history says is finished, and for nothing that it was not told of", () => {
  const input = inputOf([one, two, three, drop], {
    ...phases("contract"),
    history: historyOf(one, two),
  });
  expect(gatePairs(input, plan(input).steps)).toEqual([
    { revision: "0003_three", backfill: "0002_two" },
    { revision: "0004_drop", backfill: "0002_two" },
  ]);
});
