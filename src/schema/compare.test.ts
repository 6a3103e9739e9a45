import fc from "fast-check";
import { expect, test } from "vitest";
import { compareSchemas, describeDifference, IN_ORDER } from "./compare.ts";
import type { Attribute, SchemaObject, SchemaSnapshot } from "./snapshot.ts";

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.integer(),
  fc.array(fc.string(), { maxLength: 3 }),
);
const attributes = fc.dictionary(fc.constantFrom("owner", "type", "default", IN_ORDER), attribute);
const table = fc.record({ name: fc.constantFrom("a", "b", "c"), attributes, columns: fc.array(fc.nat(3)) });

const snapshot = fc
  .tuple(fc.constantFrom(150_000, 150_003, 180_004), fc.uniqueArray(table, { selector: ({ name }) => name }))
  .map(([server, tables]): SchemaSnapshot => {
    const objects = tables.flatMap(({ name, attributes, columns }) => [
      { kind: "table", name, parents: [], attributes },
      ...[...new Set(columns)].map((column) => ({
        ...{ kind: "column", name: `${name}.${column}`, parents: [`table ${name}`], attributes },
      })),
    ]);
    return { format: 1, server, objects };
  });

test("a schema does not differ from itself", () => {
  fc.assert(
    fc.property(snapshot, (one) => {
      expect(compareSchemas(one, one)).toEqual([]);
    }),
  );
});

test("the other way round, the differences are the same the other way round", () => {
  const turned = { added: "removed", removed: "added", changed: "changed" } as const;
  fc.assert(
    fc.property(snapshot, snapshot, (one, other) => {
      const back = compareSchemas(other, one).map(({ change, attributes, ...object }) => ({
        ...{ change: turned[change], ...object },
        attributes: attributes.map(({ attribute, from, to }) => ({ attribute, from: to, to: from })),
      }));
      expect(back).toEqual(compareSchemas(one, other));
    }),
  );
});

test("a change of one attribute is found, and nothing beside it", () => {
  fc.assert(
    fc.property(snapshot, fc.nat(), attribute, (before, chosen, value) => {
      const { objects } = before;
      const place = chosen % Math.max(1, objects.length);
      const object = objects[place];
      fc.pre(object !== undefined && JSON.stringify(object.attributes.owner) !== JSON.stringify(value));
      const { kind, name } = object as SchemaObject;
      const owned = (one: SchemaObject) => ({ ...one, attributes: { ...one.attributes, owner: value } });
      const after = { ...before, objects: objects.map((one, at) => (at === place ? owned(one) : one)) };
      expect(compareSchemas(before, after)).toEqual([
        {
          ...{ change: "changed", kind, name },
          attributes: [{ attribute: "owner", from: object?.attributes.owner ?? null, to: value }],
        },
      ]);
    }),
  );
});

const one = (objects: readonly Partial<SchemaObject>[], server = 180_004): SchemaSnapshot => ({
  ...{ format: 1, server },
  objects: objects.map((object) => ({ kind: "table", name: "t", parents: [], attributes: {}, ...object })),
});

test("what comes with a new table is not named beside it, and what comes to an old one is", () => {
  const table = { kind: "table", name: "t" };
  const column = { kind: "column", name: "t.a", parents: ["table t"] };
  const index = { kind: "index", name: "i", parents: ["table t", "constraint t.k"] };
  const named = (from: SchemaSnapshot, to: SchemaSnapshot) =>
    compareSchemas(from, to).map(({ name }) => name);
  expect(named(one([]), one([table, column, index]))).toEqual(["t"]);
  expect(named(one([table]), one([table, column, index]))).toEqual(["t.a", "i"]);
  expect(named(one([table, column, index]), one([table]))).toEqual(["t.a", "i"]);
});

test("a change that a child has inherited is not named beside its parent's", () => {
  const both = (type: string, ofChild: string) =>
    one([
      { kind: "column", name: "p.a", attributes: { type } },
      { kind: "column", name: "c.a", parents: ["table c", "column p.a"], attributes: { type: ofChild } },
    ]);
  const named = (from: SchemaSnapshot, to: SchemaSnapshot) =>
    compareSchemas(from, to).map(({ name }) => name);
  expect(named(both("text", "text"), both("integer", "integer"))).toEqual(["p.a"]);
  expect(named(both("text", "text"), both("integer", "bigint"))).toEqual(["c.a", "p.a"]);
  expect(named(both("text", "text"), both("text", "integer"))).toEqual(["c.a"]);
});

test("a long value is cut where it is shown", () => {
  const of = (source: string) => one([{ attributes: { source } }]);
  const [difference] = compareSchemas(of("x".repeat(9_000)), of(`${"y".repeat(8)}💥${"y".repeat(9_000)}`));
  expect(difference).toBeDefined();
  if (difference !== undefined)
    expect(describeDifference(difference, 10)).toBe("table t: source was xxxxxxxxx…, is yyyyyyyy…");
});

test("majors that write one expression in two ways do not differ", () => {
  const view = (definition: string, server: number) => one([{ attributes: { definition } }], server);
  const old = view(" SELECT t.a,\n    (t.b + 1)\n   FROM s.t;", 150_003);
  const recent = view(" SELECT a,\n    b + 1\n   FROM s.t;", 180_004);
  expect(compareSchemas(old, recent)).toEqual([]);
  expect(compareSchemas({ ...old, server: 180_000 }, recent)).toHaveLength(1);
});
