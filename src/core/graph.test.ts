import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shuffled, someGraph, someLine, someMixed } from "./arbitraries.ts";
import { entry, historyOf, migration, revision } from "./fixtures.ts";
import { graphOf } from "./graph.ts";
import { currentOf, headsOf, ordered } from "./heads.ts";
import type { Migration } from "./migration.ts";

const ids = (migrations: readonly Migration[]) => migrations.map(({ id }) => id);
const line = (...names: string[]) => names.map((name) => migration(name));

describe("a line", () => {
  test("goes by number as an integer of any length, then by name in code units", () => {
    const files = line("10_x", "9_x", "0002_b", "20250101000000123456_x", "20250101000000123457_x", "2_B");
    expect(ids(ordered(files))).toEqual([
      "0002_b",
      "2_B",
      "9_x",
      "10_x",
      "20250101000000123456_x",
      "20250101000000123457_x",
    ]);
  });

  test("has files without a number behind those with one: first the listed, then by name", () => {
    const files = line("zebra", "apple", "0001_x", "qr_codes", "orders");
    expect(ids(ordered(files, ["qr_codes", "orders", "gone"]))).toEqual([
      "0001_x",
      "qr_codes",
      "orders",
      "apple",
      "zebra",
    ]);
  });

  test("moves a file without a number just before the numbered one that needs it", () => {
    const files = [
      ...line("0001_a", "0003_c", "x", "y", "z"),
      migration("0002_b", { depends: ["y"] }),
      migration("w", { depends: ["0001_a"] }),
    ];
    const found = files.map((file) => (file.id === "y" ? migration("y", { depends: ["x"] }) : file));
    expect(ids(ordered(found))).toEqual(["0001_a", "x", "y", "0002_b", "0003_c", "w", "z"]);
  });

  test("has one head, the last; repeatables come after it by name and are no heads", () => {
    const files = [
      migration("a_view", { kind: "repeatable", depends: ["b_view"] }),
      migration("b_view", { kind: "repeatable" }),
      ...line("0001_a", "0002_b"),
    ];
    expect(ids(ordered(files))).toEqual(["0001_a", "0002_b", "b_view", "a_view"]);
    expect(headsOf(files)).toEqual(["0002_b"]);
    expect(headsOf([])).toEqual([]);
  });
});

describe("a revision graph", () => {
  // The example from Alembic's documentation: two branches, one of which depends on the other.
  const files = [
    revision("a", ""),
    revision("b", "a"),
    revision("c", "a"),
    revision("d", "bc"),
    revision("e", "", "b"),
    revision("f", "e"),
  ];

  test("has as heads what nobody names as a parent", () => {
    expect(ids(ordered(files))).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(headsOf(files)).toEqual(["d", "f"]);
    expect(headsOf(files.slice(0, 5))).toEqual(["d", "e"]);
  });

  test("puts those without a declaration into a line of their own, without a circle", () => {
    const mixed = [
      migration("0001_a"),
      migration("0002_b", { depends: ["g"] }),
      migration("0003_c"),
      migration("g", { revises: ["0003_c"] }),
    ];
    const graph = graphOf(mixed);
    expect(graph.problems).toEqual([]);
    expect(ids(graph.order)).toEqual(["0001_a", "0003_c", "g", "0002_b"]);
    expect(graph.parents("0002_b")).toEqual(["0003_c"]);
    expect(graph.heads).toEqual(["g", "0002_b"]);
  });

  test("the database is at the tips of what is applied", () => {
    const at = (letters: string) =>
      currentOf(files, historyOf(...files.filter(({ id }) => letters.includes(id))));
    expect(at("")).toEqual([]);
    expect(at("abc")).toEqual(["b", "c"]);
    expect(at("abcd")).toEqual(["d"]);
    expect(at("abe")).toEqual(["b", "e"]);
    expect(currentOf(files, historyOf(revision("a", ""), revision("x", "a")))).toEqual(["x"]);
  });
});

test("in a line the database is at the last applied one, or at the newest that only it knows", () => {
  const files = line("0001_a", "0002_b", "0003_c");
  const [a, b, c] = files as [Migration, Migration, Migration];
  expect(currentOf(files, historyOf(c, a))).toEqual(["0003_c"]);
  expect(currentOf(files, historyOf(a, b, migration("0004_d"), migration("0005_e")))).toEqual(["0005_e"]);
  expect(currentOf(files, historyOf(a, entry(b, { state: "partial" })))).toEqual(["0001_a"]);
});

describe("what is wrong is listed", () => {
  test("a parent that is nowhere, with the one that was meant", () => {
    const files = [revision("a", ""), migration("orders_2", { revises: ["a"] })];
    const broken = migration("last", { revises: ["orders_1"], depends: ["nowhere_near"] });
    const { problems } = graphOf([...files, broken]);
    expect(problems).toMatchObject([
      { code: "GRAPH_UNKNOWN_PARENT", place: { file: "last.sql" }, details: { missing: "orders_1" } },
      { code: "GRAPH_UNKNOWN_PARENT", details: { missing: "nowhere_near" } },
    ]);
    expect(problems[0]?.hint).toContain("Did you mean orders_2?");
    const applied = new Set(["orders_1", "nowhere_near"]);
    expect(graphOf([...files, broken], { applied }).problems).toEqual([]);
  });

  test("every circle, whole, and the order is still complete", () => {
    const files = [
      migration("0001_a", { depends: ["0003_c"] }),
      migration("0002_b", { depends: ["0001_a"] }),
      migration("0003_c", { depends: ["0002_b"] }),
      migration("0004_d", { depends: ["0004_d", "0003_c"] }),
    ];
    const graph = graphOf(files);
    expect(graph.problems.map(({ code, details }) => [code, details?.cycle])).toEqual([
      ["GRAPH_CYCLE", ["0001_a", "0003_c", "0002_b"]],
      ["GRAPH_CYCLE", ["0004_d"]],
    ]);
    expect(graph.problems[0]?.message).toContain("0001_a → 0003_c → 0002_b → 0001_a");
    expect(ids(graph.order)).toEqual(ids(files));
  });

  test("two files with one id, and a migration that waits for a repeatable", () => {
    const twice = [migration("a", { file: "z/a.sql" }), migration("a", { file: "b/a.sql" })];
    const view = migration("view", { kind: "repeatable" });
    const { problems } = graphOf([...twice, view, migration("c", { depends: ["view"] })]);
    expect(problems.map(({ code }) => code)).toEqual(["SOURCE_DUPLICATE_ID", "GRAPH_UNKNOWN_PARENT"]);
    expect(problems[0]?.message).toContain("b/a.sql, z/a.sql");
    expect(problems[1]?.message).toContain("repeatable");
  });
});

describe("for every source", () => {
  const source = fc.oneof(someGraph, someMixed, someLine);

  test("the order ignores how the folder was listed", () => {
    const pair = source.chain((files) => fc.tuple(fc.constant(files), shuffled(files)));
    fc.assert(
      fc.property(pair, ([files, mixed]) => {
        expect(ids(ordered(mixed))).toEqual(ids(ordered(files)));
        expect(headsOf(mixed)).toEqual(headsOf(files));
      }),
    );
  });

  test("the order has everything once, behind all that it stands on", () => {
    fc.assert(
      fc.property(source, (files) => {
        const order = ids(ordered(files));
        expect(order.toSorted()).toEqual(ids(files).toSorted());
        for (const { id, revises, depends } of files) {
          for (const below of [...(revises ?? []), ...depends]) {
            expect(order.indexOf(below)).toBeLessThan(order.indexOf(id));
          }
        }
      }),
    );
  });

  test("a line inside a graph never makes a circle", () => {
    fc.assert(fc.property(someMixed, (files) => graphOf(files).problems.length === 0));
  });

  test("the order of a graph is the smallest of all possible ones", () => {
    fc.assert(
      fc.property(someGraph, (files) => {
        const possible = permutations(ids(files).toSorted()).find((order) =>
          files.every(({ id, revises, depends }) =>
            [...(revises ?? []), ...depends].every((below) => order.indexOf(below) < order.indexOf(id)),
          ),
        );
        expect(ids(ordered(files))).toEqual(possible);
      }),
    );
  });

  test("a line has exactly one head", () => {
    fc.assert(fc.property(someLine, (files) => headsOf(files).length === 1));
  });
});

/** All permutations. They are in lexicographic order if `items` is sorted. */
function permutations(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
