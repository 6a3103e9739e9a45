import { describe, expect, test } from "vitest";
import { ConfigError, type Problem, problemsOf, SourceError } from "../errors.ts";
import { type Asked, entry, historyOf, inputOf, migration, revision } from "./fixtures.ts";
import type { Migration, Phase } from "./migration.ts";
import { plan } from "./plan.ts";

const line = ["0001_a", "0002_b", "0003_c", "0004_d"].map((id) => migration(id));
const [a, b, c, d] = line as [Migration, Migration, Migration, Migration];
const view = migration("view", { kind: "repeatable" });

function steps(files: readonly Migration[], asked: Asked = {}): string[] {
  return plan(inputOf(files, asked)).steps.map(({ revision: id }) => id);
}

function refused(files: readonly Migration[], asked: Asked = {}): readonly Problem[] {
  try {
    plan(inputOf(files, asked));
  } catch (error) {
    return problemsOf(error);
  }
  throw new Error("It was not refused.");
}

const codes = (problems: readonly Problem[]) => problems.map(({ code }) => code);
const phases = (...list: Phase[]): Asked => ({ goal: { phases: list } });

describe("goals of a line", () => {
  test("head is everything that is not in the ledger, repeatables last", () => {
    expect(steps([view, d, b, a, c])).toEqual(["0001_a", "0002_b", "0003_c", "0004_d", "view"]);
    expect(steps([...line, view], { history: historyOf(a, b) })).toEqual(["0003_c", "0004_d", "view"]);
    expect(steps([...line, view], { history: historyOf(...line, view) })).toEqual([]);
  });

  test("a revision is itself and all before it, without repeatables", () => {
    expect(steps([...line, view], { to: "0003" })).toEqual(["0001_a", "0002_b", "0003_c"]);
    expect(steps(line, { to: "0001+1", history: historyOf(a) })).toEqual(["0002_b"]);
    expect(steps(line, { to: "head-1" })).toEqual(["0001_a", "0002_b", "0003_c"]);
    expect(steps(line, { to: "0001", history: historyOf(a) })).toEqual([]);
    expect(steps(line, { to: "0002", history: historyOf(b), policy: { outOfOrder: true } })).toEqual([]);
  });

  test("+n is the next n of the plan, and as many must exist", () => {
    expect(steps([...line, view], { to: "+2", history: historyOf(a) })).toEqual(["0002_b", "0003_c"]);
    const call = () => plan(inputOf([...line, view], { to: "+2", history: historyOf(a, b, c) }));
    expect(call).toThrow(ConfigError);
    expect(call).toThrow("only 1 migration is pending");
  });

  test("steps stand on what was declared, never on the one before", () => {
    const files = [a, b, migration("0003_c", { depends: ["0001_a"] })];
    expect(plan(inputOf(files)).steps.map(({ after }) => after)).toEqual([[], [], ["0001_a"]]);
  });

  test("a repeatable runs again when its text changed", () => {
    const { steps: found } = plan(
      inputOf([migration("view", { kind: "repeatable", text: "new" })], { history: historyOf(view) }),
    );
    expect(found).toMatchObject([{ revision: "view", reason: "changed" }]);
  });

  test("one applied in part is resumed, even when others overtook it or its text changed", () => {
    const history = historyOf(a, entry(b, { state: "partial" }), c);
    const edited = migration("0002_b", { text: "mended" });
    const { steps: found } = plan(inputOf([a, edited, c, d], { history }));
    expect(found).toMatchObject([
      { revision: "0002_b", reason: "resume" },
      { revision: "0004_d", reason: "pending" },
    ]);
  });
});

describe("goals of a revision graph", () => {
  const graph = [
    revision("a", ""),
    revision("b", "a"),
    revision("c", "a"),
    revision("d", "bc"),
    revision("e", "", "b"),
    revision("f", "e"),
  ];

  test("head is refused where there are several, heads are all", () => {
    for (const to of ["head", "+1", "head-1"])
      expect(codes(refused(graph, { to }))).toEqual(["GRAPH_SEVERAL_HEADS"]);
    expect(refused(graph)[0]?.hint).toContain("`godwit merge d f`");
    expect(steps(graph, { to: "heads" })).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("a revision is itself and what it stands on, parents and dependencies", () => {
    expect(steps(graph, { to: "f" })).toEqual(["a", "b", "e", "f"]);
    expect(steps(graph, { to: "d", history: historyOf(revision("a", ""), revision("b", "a")) })).toEqual([
      "c",
      "d",
    ]);
    const after = plan(inputOf(graph, { to: "heads" })).steps.map((step) => step.after.join(""));
    expect(after).toEqual(["", "a", "a", "bc", "b", "e"]);
  });

  test("one that arrives beside applied ones is not late", () => {
    const numbered = [migration("1", { revises: [] }), migration("3", { revises: ["1"] })];
    const late = migration("2", { revises: ["1"] });
    expect(steps([...numbered, late], { to: "heads", history: historyOf(...numbered) })).toEqual(["2"]);
  });
});

describe("phases", () => {
  const files = [
    migration("0001_a", { phase: "complex" }),
    migration("0002_b"),
    migration("0003_c", { phase: "contract" }),
    migration("0004_d", { phase: "import" }),
  ];

  test("come one after the other; those not asked for are held back", () => {
    const found = plan(inputOf(files));
    expect(found.steps.map(({ revision: id }) => id)).toEqual(["0002_b", "0004_d", "0001_a"]);
    expect(found.held).toEqual([{ revision: "0003_c", phase: "contract" }]);
    expect(steps(files, phases("contract"))).toEqual(["0003_c"]);
  });

  test("what stands on one held back is held back too, with a warning that says why", () => {
    const more = [
      ...files,
      migration("0005_e", { depends: ["0003_c"] }),
      migration("0006_f", { depends: ["0005_e"] }),
    ];
    const found = plan(inputOf(more));
    expect(found.held.map(({ revision: id }) => id)).toEqual(["0003_c", "0005_e", "0006_f"]);
    expect(found.warnings.map(({ message }) => message)).toEqual([
      "0005_e is held back: it stands on 0003_c, which waits for phase contract.",
      "0006_f is held back: it stands on 0005_e, which is held back itself.",
    ]);
  });

  test("what stands on a later phase of the same run is refused, with the line to change", () => {
    const early = migration("0005_e", { depends: ["0001_a"] });
    const [problem] = refused([...files, early]);
    expect(problem).toMatchObject({ code: "PLAN_PHASE_ORDER", place: { file: "0005_e.sql" } });
    expect(problem?.hint).toContain("`-- godwit: phase=complex` in 0005_e.sql");
    expect(steps([...files, early], { history: historyOf(files[0] as Migration) })).toContain("0005_e");
  });
});

describe("late migrations", () => {
  test("stop the run, all of them named, before anything is done", () => {
    const [problem, ...others] = refused(line, { history: historyOf(a, d) });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: "PLAN_LATE", details: { revisions: ["0002_b", "0003_c"] } });
    expect(problem?.hint).toContain("--out-of-order");
  });

  test("run when the file or the run allows it", () => {
    expect(steps(line, { history: historyOf(a, d), policy: { outOfOrder: true } })).toEqual([
      "0002_b",
      "0003_c",
    ]);
    const allowed = migration("0002_b", { settings: { outOfOrder: true } });
    expect(steps([a, allowed, d], { history: historyOf(a, d) })).toEqual(["0002_b"]);
  });

  test("with the number of an adopted one whose file is gone are that one, renamed and edited", () => {
    const history = historyOf(a, entry(b, { baseline: true }), c);
    const renamed = migration("0002_renamed", { text: "edited" });
    const policy = { outOfOrder: true };
    const [problem] = refused([a, renamed, c], { history, policy });
    expect(problem).toMatchObject({
      code: "PLAN_VANISHED",
      details: { revision: "0002_renamed", applied: "0002_b" },
    });
    const allowed = migration("0002_renamed", { text: "edited", settings: { outOfOrder: true } });
    expect(steps([a, allowed, c], { history })).toEqual(["0002_renamed"]);
    expect(steps([a, migration("0005_e"), c], { history })).toEqual(["0005_e"]);
  });

  test("are so against the baseline, but not across phases, without a number, or beyond the goal", () => {
    const baseline = historyOf(entry(b, { baseline: true }));
    expect(codes(refused(line, { history: baseline }))).toEqual(["PLAN_LATE"]);
    const other = historyOf(a, entry(d, { phase: "complex" }));
    expect(steps(line, { history: other })).toEqual(["0002_b", "0003_c"]);
    expect(steps([...line, migration("aa")], { history: historyOf(...line) })).toEqual(["aa"]);
    expect(steps(line, { to: "0001", history: historyOf(a, d) })).toEqual([]);
  });

  test("are not so beside repeatables, whatever number those have", () => {
    const [low, high] = ["0001_low", "0009_high"].map((id) => migration(id, { kind: "repeatable" }));
    const files = [b, low as Migration, high as Migration];
    expect(steps(files, { history: historyOf(high as Migration) })).toEqual(["0002_b", "0001_low"]);
    expect(steps(files, { history: historyOf(b, high as Migration) })).toEqual(["0001_low"]);
    expect(steps(files, { history: historyOf(b, c) })).toEqual(["0001_low", "0009_high"]);
  });

  test("are not so behind a greater number that they need", () => {
    const files = [migration("0001_a", { depends: ["0002_b"] }), b];
    expect(steps(files, { history: historyOf(b) })).toEqual(["0001_a"]);
  });
});

describe("two files with one number", () => {
  const twin = migration("2_other");

  test("are refused while one of them is pending", () => {
    const history = historyOf(a, b);
    expect(refused([a, b, twin], { history })).toMatchObject([
      { code: "PLAN_DUPLICATE_NUMBER", place: { file: "2_other.sql" }, details: { number: "2" } },
    ]);
    expect(codes(refused([a, b, twin]))).toEqual(["PLAN_DUPLICATE_NUMBER"]);
    expect(steps([a, b, twin], { history: historyOf(a, b, twin) })).toEqual([]);
  });

  test("are no matter in a graph, which says the order itself", () => {
    const files = [migration("1_x", { revises: [] }), migration("1_y", { revises: ["1_x"] })];
    expect(steps(files)).toEqual(["1_x", "1_y"]);
  });

  test("run when allowed", () => {
    const allowed = migration("2_other", { settings: { outOfOrder: true } });
    expect(steps([a, b, allowed], { history: historyOf(a, b) })).toEqual(["2_other"]);
    expect(steps([a, b, twin], { policy: { outOfOrder: true } })).toEqual(["0001_a", "0002_b", "2_other"]);
  });
});

test("one that reruns is not edited but planned, in its place", () => {
  const again = migration("0001_a", { rerun: true, text: "select 2" });
  const planned = plan(inputOf([again, b], { history: historyOf(a) }));
  expect(planned.steps.map(({ revision, reason }) => [revision, reason])).toEqual([
    ["0001_a", "changed"],
    ["0002_b", "pending"],
  ]);
});

describe("broken files", () => {
  const problem: Problem = {
    code: "SOURCE_PARSE",
    message: 'syntax error at "slect"',
    hint: "Correct it.",
    place: { file: "0002_b.sql", line: 3 },
  };
  const broken = migration("0002_b", { problem, text: "slect" });

  test("stop the run when it would come to them, with their own place and hint", () => {
    const { message, hint, place } = problem;
    expect(refused([a, broken])).toMatchObject([{ code: "PLAN_BROKEN_FILE", message, hint, place }]);
    expect(steps([a, broken], { to: "0001" })).toEqual(["0001_a"]);
    expect(steps([a, { ...broken, phase: "contract" }])).toEqual(["0001_a"]);
  });

  test("stay in the plan when the others shall go on, and are a warning when they are applied", () => {
    const going = plan(inputOf([a, broken], { policy: { failure: "continue" } }));
    expect(going.steps.map(({ revision: id }) => id)).toEqual(["0001_a", "0002_b"]);
    expect(codes(going.warnings)).toEqual(["PLAN_BROKEN_FILE"]);
    const done = plan(inputOf([a, broken], { history: historyOf(a, b) }));
    expect(done).toMatchObject({ steps: [], warnings: [{ code: "PLAN_BROKEN_FILE" }] });
    const unread = plan(inputOf([a, { ...broken, fingerprint: null }], { history: historyOf(a, b) }));
    expect(unread).toMatchObject({ steps: [], warnings: [{ code: "PLAN_BROKEN_FILE" }] });
    // The fingerprint is known, and it shows that the text differs.
    const read = { ...broken, fingerprint: "tokens:other" };
    expect(refused([a, read], { history: historyOf(a, b) })).toMatchObject([{ code: "PLAN_EDITED" }]);
  });

  test("without a name stop the run, unless the others shall go on", () => {
    const nameless: Problem = { code: "SOURCE_FILE_NAME", message: "What is this?" };
    expect(refused([a], { problems: [nameless] })).toEqual([nameless]);
    const going = plan(inputOf([a], { problems: [nameless], policy: { failure: "continue" } }));
    expect(going.warnings).toEqual([nameless]);
  });
});

test("everything that is wrong is said at once, wrong files first", () => {
  const files = [
    a,
    migration("0002_b", { depends: ["nowhere_at_all"] }),
    migration("0003_c", { text: "edited" }),
    d,
  ];
  const asked = { history: historyOf(a, c, d) };
  expect(codes(refused(files, asked))).toEqual(["GRAPH_UNKNOWN_PARENT", "PLAN_EDITED", "PLAN_LATE"]);
  expect(() => plan(inputOf(files, asked))).toThrow(SourceError);
});

test("every refusal names what to do next", () => {
  const graph = [revision("a", ""), revision("b", ""), revision("c", "z")];
  const all = [
    ...refused([a, b, migration("2_x"), d], { history: historyOf(a, c, d) }),
    ...refused([migration("0001_a", { text: "edited" }), d], { history: historyOf(a) }),
    ...refused(graph),
  ];
  expect(all.length).toBeGreaterThan(4);
  for (const { hint } of all) expect(hint).toMatch(/`godwit [a-z]+/);
});
