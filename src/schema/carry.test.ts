import { expect, test } from "vitest";
import { carryDrift } from "./carry.ts";
import { compareSchemas, describeDifference, IN_ORDER } from "./compare.ts";
import type { SchemaObject, SchemaSnapshot } from "./snapshot.ts";

type Column = Readonly<Record<string, string>>;
type Tables = Readonly<Record<string, Readonly<Record<string, Column>>>>;

function schema(tables: Tables): SchemaSnapshot {
  const objects = Object.entries(tables).flatMap(([name, columns]): readonly SchemaObject[] => [
    { kind: "table", name, parents: [], attributes: { [IN_ORDER]: Object.keys(columns) } },
    ...Object.entries(columns).map(([column, attributes]) => ({
      ...{ kind: "column", name: `${name}.${column}`, parents: [`table ${name}`], attributes },
    })),
  ]);
  return { format: 1, server: 180_004, objects };
}

/** What differs after the run from what it keeps. */
function drift(kept: Tables, start: Tables, end: Tables): readonly string[] {
  const left = schema(end);
  const carried = carryDrift({ kept: schema(kept), start: schema(start), end: left });
  return compareSchemas(carried, left).map((one) => describeDifference(one));
}

const int = { type: "integer" };
const text = { type: "text" };

test("a run that found no drift leaves none", () => {
  expect(drift({ a: { x: int } }, { a: { x: int } }, { a: { x: text }, b: { y: int } })).toEqual([]);
});

test("what was added, removed and changed by hand is drift after a run that changed something else", () => {
  const kept = { a: { x: int, y: int }, gone: { z: int } };
  const start = { a: { x: text, hand: int }, made: { w: int } };
  const end = { a: { x: text, hand: int, own: int }, made: { w: int }, new: { v: int } };
  expect(drift(kept, start, end)).toEqual([
    "column a.hand: added",
    "column a.x: type was integer, is text",
    "column a.y: removed",
    "table gone: removed",
    "table made: added",
  ]);
});

test("what the run itself has undone, changed or dropped is no drift", () => {
  const kept = { a: { x: int, y: int, z: int }, gone: { z: int } };
  const start = { a: { x: text, y: text, hand: int } };
  expect(drift(kept, start, { a: { x: int, y: { type: "uuid" } }, gone: { z: int } })).toEqual([
    "column a.z: removed",
  ]);
  expect(drift(kept, start, { b: { x: int } })).toEqual(["table gone: removed"]);
});

test("of an object that both have changed, the hand's attributes stay drift", () => {
  const start = { a: { x: { type: "text" } } };
  expect(drift({ a: { x: int } }, start, { a: { x: { type: "text", default: "'a'" } } })).toEqual([
    "column a.x: type was integer, is text",
  ]);
});
