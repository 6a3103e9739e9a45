import { expect, test } from "vitest";
import { ConfigError } from "../errors.ts";
import { historyOf, migration, revision } from "./fixtures.ts";
import { graphOf } from "./graph.ts";
import type { Direction, Migration } from "./migration.ts";
import { parseExpression, walk } from "./revision.ts";

const files = ["0001_users", "0002_orders", "0003_orders-2", "0004_views", "0004_views-1"].map((id) =>
  migration(id),
);
const [users] = files as [Migration];

function parse(text: string, direction: Direction = "up") {
  const repeatable = migration("report", { kind: "repeatable" });
  const graph = graphOf([...files, repeatable]);
  return parseExpression(text, { graph, history: historyOf(users, migration("gone")), direction });
}

function refused(call: () => unknown): ConfigError {
  try {
    call();
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error("It was not refused.");
}

test("words, steps, ids and unique prefixes are understood", () => {
  expect(parse("head")).toEqual({ kind: "head" });
  expect(parse("heads")).toEqual({ kind: "heads" });
  expect(parse("base", "down")).toEqual({ kind: "base" });
  expect(parse("+2")).toEqual({ kind: "steps", count: 2 });
  expect(parse("-1", "down")).toEqual({ kind: "steps", count: -1 });
  expect(parse("0002")).toEqual({ kind: "revision", from: "0002_orders", offset: 0 });
  expect(parse("g")).toEqual({ kind: "revision", from: "gone", offset: 0 });
  expect(parse("head-1")).toEqual({ kind: "revision", from: "head", offset: -1 });
  expect(parse("0001+2")).toEqual({ kind: "revision", from: "0001_users", offset: 2 });
});

test("a name that exists is a name, although it looks like a step", () => {
  expect(parse("0003_orders-2")).toEqual({ kind: "revision", from: "0003_orders-2", offset: 0 });
  expect(parse("0004_views")).toEqual({ kind: "revision", from: "0004_views", offset: 0 });
  expect(parse("0004_views-2")).toEqual({ kind: "revision", from: "0004_views", offset: -2 });
});

test("what can mean two revisions is refused with both", () => {
  expect(refused(() => parse("0004")).toProblem()).toMatchObject({
    code: "REVISION_AMBIGUOUS",
    details: { candidates: ["0004_views", "0004_views-1"] },
  });
  expect(refused(() => parse("000")).details).toEqual({ candidates: files.map(({ id }) => id) });
  const graph = graphOf([migration("a1"), migration("a1-1x")]);
  const both = refused(() => parseExpression("a1-1", { graph, history: historyOf(), direction: "down" }));
  expect(both.details).toEqual({ candidates: ["a1-1x", "a1-1"] });
});

test("what is unknown is refused with what was meant", () => {
  expect(refused(() => parse("0002_order_s")).toProblem()).toMatchObject({
    code: "REVISION_UNKNOWN",
    hint: expect.stringContaining("Did you mean 0002_orders?"),
  });
  expect(refused(() => parse("haed")).hint).toContain("Did you mean head?");
  expect(refused(() => parse("report")).message).toContain("repeatable");
});

test("the wrong way is refused with the right command", () => {
  expect(refused(() => parse("-1")).hint).toContain("`godwit down -1`");
  expect(refused(() => parse("+1", "down")).hint).toContain("`godwit up +1`");
  expect(refused(() => parse("base")).hint).toContain("`godwit down base`");
  expect(refused(() => parse("heads", "down")).hint).toContain("`godwit down base`");
  expect(refused(() => parse("", "down")).hint).toContain("`godwit down -1`");
  expect(refused(() => parse("+0")).message).toContain("nowhere");
});

test("steps from a revision follow parents and children", () => {
  const line = graphOf(files);
  const at = (from: string, offset: number) => walk({ kind: "revision", from, offset }, line);
  expect(at("0001_users", 2)).toBe("0003_orders-2");
  expect(at("head", -1)).toBe("0004_views");
  expect(refused(() => at("0002_orders", -2)).message).toBe("Only 1 of 2 revisions are below 0002_orders.");
  expect(refused(() => at("head", 1)).message).toContain("Only 0 of 1");

  const graph = graphOf([revision("a", ""), revision("b", "a"), revision("c", "a"), revision("d", "bc")]);
  const up = refused(() => walk({ kind: "revision", from: "a", offset: 1 }, graph));
  const down = refused(() => walk({ kind: "revision", from: "d", offset: -1 }, graph));
  for (const error of [up, down]) {
    expect(error.toProblem()).toMatchObject({
      code: "REVISION_AMBIGUOUS",
      details: { candidates: ["b", "c"] },
    });
  }
});
