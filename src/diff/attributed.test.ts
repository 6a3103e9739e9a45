import { expect, test } from "vitest";
import { compareSchemas } from "../schema/compare.ts";
import { type SchemaObject, type SchemaSnapshot, SNAPSHOT_FORMAT } from "../schema/snapshot.ts";
import { attributed } from "./attributed.ts";

const object = (kind: string, name: string, rest: Partial<SchemaObject> = {}): SchemaObject => ({
  ...{ kind, name, parents: [], attributes: {} },
  ...rest,
});
const state = (...objects: readonly SchemaObject[]): SchemaSnapshot => ({
  ...{ format: SNAPSHOT_FORMAT, server: 180_000, objects },
});
const T = object("table", "s.t");
const V = object("view", "s.v", { parents: [] });
const column = (type: string) => object("column", "s.t.a", { parents: ["table s.t"], attributes: { type } });

test("a statement is for what it changes, and one that makes way for what it makes way for", () => {
  const states = [
    state(T, column("integer"), V),
    state(T, column("integer")), // the view makes way
    state(T, column("bigint")),
    state(T, column("bigint"), V), // and comes back
    state(T, column("bigint"), V, object("table", "s.u")),
    state(T, column("bigint"), V, object("table", "s.u"), object("index", "s.i", { parents: ["table s.u"] })),
  ];
  const [first, last] = [states[0] as SchemaSnapshot, states.at(-1) as SchemaSnapshot];
  expect(attributed(states, compareSchemas(first, last))).toEqual([
    ["column s.t.a"],
    ["column s.t.a"],
    ["column s.t.a"],
    ["table s.u"],
    ["table s.u"],
  ]);
});

test("without statements nothing is for anything", () => {
  expect(attributed([], [])).toEqual([]);
  expect(attributed([state(T)], [])).toEqual([]);
});
