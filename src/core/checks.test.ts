import { describe, expect, test } from "vitest";
import { type Problem, problemsOf } from "../errors.ts";
import { type Asked, entry, historyOf, inputOf, migration, revision } from "./fixtures.ts";
import type { Migration } from "./migration.ts";
import { plan } from "./plan.ts";

const [a, b, c, d] = ["0001_a", "0002_b", "0003_c", "0004_d"].map((id) => migration(id)) as [
  Migration,
  Migration,
  Migration,
  Migration,
];

/** The codes of all findings. Each is marked as a problem, which stops the run, or as a warning. */
function findings(files: readonly Migration[], asked: Asked): string[] {
  try {
    return plan(inputOf(files, asked)).warnings.map(({ code }) => `warning ${code}`);
  } catch (error) {
    return problemsOf(error).map(({ code }: Problem) => code);
  }
}

describe("an edited file", () => {
  const edited = migration("0001_a", { text: "edited", fingerprint: "tokens:new" });

  test("stops the run when it is applied", () => {
    expect(findings([edited], { history: historyOf(a) })).toEqual(["PLAN_EDITED"]);
    expect(findings([{ ...edited, fingerprint: null }], { history: historyOf(a) })).toEqual(["PLAN_EDITED"]);
    expect(findings([a], { history: historyOf(a) })).toEqual([]);
  });

  test("is a warning when only comments or white space changed", () => {
    const history = historyOf(entry(a, { fingerprint: "tokens:new" }));
    expect(findings([edited], { history })).toEqual(["warning PLAN_EDITED"]);
    expect(findings([edited], { history: historyOf(entry(a, { fingerprint: "tokens:old" })) })).toEqual([
      "PLAN_EDITED",
    ]);
  });

  test("is none when a module is TypeScript at home and JavaScript in production", () => {
    const typescript = migration("0001_a", { kind: "module", file: "0001_a.ts" });
    const javascript = migration("0001_a", { kind: "module", file: "0001_a.mjs", text: "compiled" });
    expect(findings([javascript], { history: historyOf(typescript) })).toEqual([]);
    expect(findings([typescript], { history: historyOf(javascript) })).toEqual([]);
    const other = { ...typescript, checksum: "sha256:other" };
    expect(findings([other], { history: historyOf(typescript) })).toEqual(["PLAN_EDITED"]);
  });
});

describe("a file that is gone", () => {
  test("behind all that is known is a newer database: a warning", () => {
    expect(findings([a, b], { history: historyOf(a, b, c, d) })).toEqual(["warning PLAN_VANISHED"]);
    const view = migration("0009_view", { kind: "repeatable" });
    expect(findings([a, b, view], { history: historyOf(a, b, c, view) })).toEqual(["warning PLAN_VANISHED"]);
    expect(plan(inputOf([a, b], { history: historyOf(a, b, c, d) })).warnings[0]?.message).toBe(
      "The database is ahead of these files: 0003_c, 0004_d.",
    );
  });

  test("in the middle stops the run", () => {
    expect(findings([a, c], { history: historyOf(a, b, c) })).toEqual(["PLAN_VANISHED"]);
    // `b` was applied last, but its number is smaller than that of `c`, which only the files know.
    expect(findings([a, c], { history: historyOf(a, b) })).toEqual(["PLAN_VANISHED"]);
  });

  test("without a number, or in a graph, is judged by when it was applied; repeatables do not count", () => {
    const [x, y] = [migration("x"), migration("y")];
    const view = migration("view", { kind: "repeatable" });
    expect(findings([x, view], { history: historyOf(x, y, view) })).toEqual(["warning PLAN_VANISHED"]);
    expect(findings([x, view], { history: historyOf(y, x, view) })).toEqual(["PLAN_VANISHED"]);
    const [r, s] = [revision("1", ""), revision("0", "1")];
    expect(findings([r], { history: historyOf(r, s) })).toEqual(["warning PLAN_VANISHED"]);
    expect(findings([s], { history: historyOf(r, s) })).toEqual(["PLAN_VANISHED"]);
  });

  test("is refused when what it made needs a release that knows more", () => {
    const needy = (minimumRevision: string) => historyOf(a, entry(b, { minimumRevision }));
    expect(findings([a], { history: needy("0002_b") })).toEqual(["PLAN_MINIMUM_REVISION"]);
    expect(findings([a], { history: needy("0001_a") })).toEqual(["warning PLAN_VANISHED"]);
  });

  test("does not matter under a baseline or for a repeatable", () => {
    const view = migration("view", { kind: "repeatable" });
    expect(findings([b, c], { history: historyOf(entry(a, { baseline: true }), b, view, c) })).toEqual([]);
  });

  test("stops the run where it was declared and is the newest of all: a later file is in its place", () => {
    const declared = [a, b, c].map((one) => entry(one, { baseline: true }));
    expect(findings([a, d], { history: historyOf(...declared) })).toEqual(["PLAN_VANISHED", "PLAN_VANISHED"]);
    expect(findings([c, d], { history: historyOf(...declared) })).toEqual([]);
    expect(findings([a], { history: historyOf(...declared) })).toEqual([]);
    expect(
      findings([b, d], { history: historyOf(entry(b), entry(c, { baseline: true, file: "(knex)" })) }),
    ).toEqual([]);
  });

  test("stops the run when it is applied in part", () => {
    const history = historyOf(a, entry(b, { state: "partial" }));
    expect(findings([a], { history })).toEqual(["PLAN_PARTIAL"]);
    const needy = migration("0003_c", { depends: ["0002_b"] });
    expect(findings([a, needy], { history })).toEqual(["GRAPH_UNKNOWN_PARENT", "PLAN_PARTIAL"]);
    expect(findings([a, needy], { history: historyOf(a, b) })).toEqual(["PLAN_VANISHED"]);
  });
});

describe("the ledger of another project", () => {
  test("is told by its name", () => {
    const history = { ...historyOf(a), project: "shop" };
    expect(findings([a], { history, policy: { project: "blog" } })).toEqual(["LEDGER_FOREIGN"]);
    expect(findings([a], { history, policy: { project: "shop" } })).toEqual([]);
    expect(findings([a], { history })).toEqual([]);
  });

  test("is told by having nothing in common with these files", () => {
    expect(findings([c, d], { history: historyOf(a, b) })).toEqual(["LEDGER_FOREIGN"]);
    expect(findings([c, d], { history: historyOf(a, b), goal: { direction: "down", to: "-1" } })).toEqual([
      "LEDGER_FOREIGN",
    ]);
    const view = migration("view", { kind: "repeatable" });
    expect(findings([view], { history: historyOf(a, view) })).toEqual(["warning PLAN_VANISHED"]);
    expect(findings([c, d], { history: historyOf(entry(b, { baseline: true }), c) })).toEqual([]);
    expect(findings([], { history: historyOf(a) })).toEqual(["warning PLAN_VANISHED"]);
  });

  test("is not told by one revision alone, nor where a file has the text of what is applied", () => {
    const view = migration("view", { kind: "repeatable" });
    expect(findings([c, d, view], { history: historyOf(a, view) })).toEqual(["PLAN_VANISHED"]);
    expect(findings([c, d], { history: historyOf(entry(a, { baseline: true })) })).toEqual(["PLAN_VANISHED"]);
    const moved = { ...migration("0004_a"), checksum: a.checksum, fingerprint: a.fingerprint };
    expect(findings([c, moved], { history: historyOf(a, b) })).toEqual(["PLAN_VANISHED", "PLAN_VANISHED"]);
  });

  test("is told by what was declared from a file, and not by what never had one", () => {
    const declared = entry(a, { baseline: true });
    expect(findings([c, d], { history: historyOf(declared, b) })).toEqual(["LEDGER_FOREIGN"]);
    expect(findings([c, d], { history: historyOf({ ...declared, file: "(knex)" }) })).toEqual([]);
    expect(findings([c, d], { history: historyOf({ ...declared, file: "(knex)" }, b) })).toEqual([
      "LEDGER_FOREIGN",
    ]);
  });
});
