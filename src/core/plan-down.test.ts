import { describe, expect, test } from "vitest";
import { ConfigError, problemsOf } from "../errors.ts";
import { entry, historyOf, inputOf, migration, revision } from "./fixtures.ts";
import type { History } from "./history.ts";
import type { Migration } from "./migration.ts";
import { type Plan, plan } from "./plan.ts";

const line = ["0001_a", "0002_b", "0003_c", "0004_d"].map((id) => migration(id));
const [a, b, c, d] = line as [Migration, Migration, Migration, Migration];

function down(to: string, history: History, files: readonly Migration[] = line): Plan {
  return plan(inputOf(files, { history, goal: { direction: "down", to } }));
}

const steps = (...asked: Parameters<typeof down>) => down(...asked).steps.map(({ revision: id }) => id);

function refused(...asked: Parameters<typeof down>) {
  try {
    down(...asked);
  } catch (error) {
    return problemsOf(error);
  }
  throw new Error("It was not refused.");
}

describe("in a line", () => {
  const full = historyOf(...line);

  test("-n are the n applied last, newest first, whatever their numbers", () => {
    expect(steps("-2", full)).toEqual(["0004_d", "0003_c"]);
    expect(steps("-2", historyOf(a, d, b))).toEqual(["0002_b", "0004_d"]);
    expect(down("-1", full).steps).toMatchObject([{ direction: "down", reason: "asked", after: [] }]);
    expect(() => down("-5", full)).toThrow("only 4 migrations are applied");
  });

  test("base is everything, a revision all behind it; it stays itself", () => {
    expect(steps("base", full)).toEqual(["0004_d", "0003_c", "0002_b", "0001_a"]);
    expect(steps("0002", full)).toEqual(["0004_d", "0003_c"]);
    expect(steps("0002", historyOf(a, d, b))).toEqual(["0004_d"]);
    expect(steps("0002", historyOf(b, a))).toEqual([]);
    expect(steps("head-1", full)).toEqual(["0004_d"]);
    expect(steps("head", full)).toEqual([]);
    expect(steps("base", historyOf())).toEqual([]);
  });

  test("wants a target, and one that is applied", () => {
    expect(() => down("", full)).toThrow(ConfigError);
    expect(() => down("0003", historyOf(a))).toThrow("0003_c is not applied");
  });

  test("what stands on something goes before it, although it was applied before", () => {
    const needy = migration("0002_b", { depends: ["0003_c"] });
    expect(steps("base", historyOf(a, needy, c), [a, needy, c])).toEqual(["0002_b", "0003_c", "0001_a"]);
    expect(refused("-1", historyOf(a, needy, c), [a, needy, c])).toMatchObject([
      { code: "PLAN_IRREVERSIBLE", details: { revisions: ["0002_b"] } },
    ]);
    const { steps: found } = down("base", historyOf(c, needy), [needy, c]);
    expect(found.map(({ after }) => after)).toEqual([[], ["0002_b"]]);
  });

  test("a repeatable with a way back goes first, one without stays", () => {
    const view = migration("view", { kind: "repeatable", revertible: false });
    const other = migration("other", { kind: "repeatable" });
    expect(steps("-1", historyOf(a, other, view), [a, other, view])).toEqual(["other", "0001_a"]);
    expect(steps("-1", historyOf(a, view), [a, view])).toEqual(["0001_a"]);
    expect(steps("base", historyOf(view, a), [a, view])).toEqual(["0001_a"]);
  });

  test("broken and pending files stop nobody on the way back", () => {
    const problem = { code: "SOURCE_PARSE", message: "broken" } as const;
    const files = [a, b, migration("0003_c", { problem })];
    const input = inputOf(files, { history: historyOf(a, b), goal: { direction: "down", to: "-1" } });
    expect(plan({ ...input, problems: [problem] }).warnings).toEqual([problem]);
  });
});

describe("a file that is gone", () => {
  const kept = historyOf(a, b, entry(c, { revertScript: "drop table c" }));

  test("is taken back with what the ledger kept, by when it was applied", () => {
    const found = down("0001", kept, [a, b]);
    expect(found.steps.map(({ revision: id }) => id)).toEqual(["0003_c", "0002_b"]);
    expect(found.warnings).toMatchObject([{ code: "PLAN_VANISHED", details: { revision: "0003_c" } }]);
    expect(steps("0002", kept, [a, b])).toEqual(["0003_c"]);
  });

  test("may be the target", () => {
    const history = historyOf(a, entry(b, { revertScript: "…" }), c);
    expect(steps("0002", history, [a, c])).toEqual(["0003_c"]);
  });

  test("still goes after what stands on it", () => {
    const needy = migration("0004_d", { depends: ["0003_c"] });
    const { steps: found } = down("-2", historyOf(a, entry(c, { revertScript: "…" }), needy), [a, needy]);
    expect(found).toMatchObject([
      { revision: "0004_d", after: [] },
      { revision: "0003_c", after: ["0004_d"] },
    ]);
  });
});

describe("there is no way back", () => {
  test("from some: all are named and nothing is done", () => {
    const oneWay = (id: string) => migration(id, { revertible: false });
    const files = [a, oneWay("0002_b"), c, oneWay("0004_d")];
    const [problem] = refused("0001", historyOf(...files), files);
    expect(problem).toMatchObject({
      code: "PLAN_IRREVERSIBLE",
      details: { revisions: ["0002_b", "0004_d"] },
    });
    expect(steps("-1", historyOf(a, entry(oneWay("0004_d"), { revertScript: "…" })), files)).toEqual([
      "0004_d",
    ]);
    expect(refused("-1", historyOf(a, b), [a])).toMatchObject([{ details: { revisions: ["0002_b"] } }]);
  });

  test("that is known where a file cannot be read: its own problem is told", () => {
    const problem = { code: "SOURCE_MODULE_BROKEN", message: "0002_b.ts cannot be loaded." } as const;
    const broken = migration("0002_b", { revertible: false, problem });
    const found = refused("-1", historyOf(a, broken), [a, broken]);
    expect(found).toMatchObject([{ code: "PLAN_BROKEN_FILE", message: problem.message }]);
    expect(found[0]?.hint).toContain("`godwit down` again");
    expect(steps("-1", historyOf(a, entry(broken, { revertScript: "…" })), [a, broken])).toEqual(["0002_b"]);
  });

  test("from a baseline", () => {
    const history = historyOf(entry(a, { baseline: true }), entry(b, { baseline: true }), c);
    const [problem] = refused("base", history);
    expect(problem).toMatchObject({
      code: "PLAN_IRREVERSIBLE",
      details: { revisions: ["0001_a", "0002_b"] },
    });
    expect(problem?.hint).toContain("`godwit down 0002_b`");
    expect(steps("0002_b", history)).toEqual(["0003_c"]);
    expect(refused("-2", history)).toMatchObject([{ details: { revisions: ["0002_b"] } }]);
  });

  test("from one that is applied in part", () => {
    const history = historyOf(a, entry(b, { state: "partial" }));
    expect(refused("-1", history)).toMatchObject([{ code: "PLAN_PARTIAL" }]);
  });
});

describe("in a revision graph", () => {
  const graph = [
    revision("a", ""),
    revision("b", "a"),
    revision("c", "a"),
    revision("d", "bc"),
    revision("e", "", "b"),
    revision("f", "e"),
  ];
  const full = historyOf(...graph);

  test("a revision takes back its descendants and what depends on them", () => {
    expect(steps("b", full, graph)).toEqual(["d"]);
    expect(steps("a", full, graph)).toEqual(["f", "e", "d", "c", "b"]);
    expect(steps("e", full, graph)).toEqual(["f"]);
    expect(
      steps("d-1", historyOf(...graph.slice(0, 2), revision("d", "b")), [
        ...graph.slice(0, 2),
        revision("d", "b"),
      ]),
    ).toEqual(["d"]);
  });

  test("the line inside it goes with what it stands on", () => {
    const mixed = [
      revision("x", ""),
      revision("y", "x"),
      migration("0002_b", { depends: ["y"] }),
      migration("0003_c"),
    ];
    expect(steps("x", historyOf(...mixed), mixed)).toEqual(["0003_c", "0002_b", "y"]);
  });

  test("a revision that only the ledger knows goes with what it stood on", () => {
    const gone = entry(revision("g", "c"), { revertScript: "…" });
    expect(steps("c", historyOf(...graph.slice(0, 3), gone), graph)).toEqual(["g"]);
    expect(steps("b", historyOf(...graph.slice(0, 3), gone), graph)).toEqual([]);
  });
});
