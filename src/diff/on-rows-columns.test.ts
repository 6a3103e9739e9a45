import { expect, test } from "vitest";
import type { Attribute, SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { failuresOnRows } from "./on-rows.ts";
import { harmless } from "./statement.ts";

const table = { kind: "table", name: "public.t", parents: [], attributes: {} };
const schema = (...objects: readonly SchemaObject[]): SchemaSnapshot => ({
  format: 1,
  server: 180_004,
  objects: [table, ...objects],
});
const column = (type: string, more: Readonly<Record<string, Attribute>> = {}): SchemaObject => ({
  ...{ kind: "column", name: "public.t.a", parents: ["table public.t"] },
  attributes: { type, ...more },
});
const type = (name: string, attributes: Readonly<Record<string, Attribute>>): SchemaObject => ({
  ...{ kind: "type", name, parents: [], attributes },
});

test.each([
  ["text", "integer", true],
  ["text", "jsonb", true],
  ["integer", "bigint", false],
  ["bigint", "integer", true],
  ["integer", "text", false],
  ["integer[]", "text[]", false],
  ["text[]", "integer[]", true],
  ["text[]", "text", false],
  ["text", "text[]", true],
  ["character varying(20)", "character varying(10)", true],
  ["character varying(10)", "character varying(20)", false],
  ["character varying", "text", false],
  ["numeric", "numeric(10,2)", true],
  ["numeric(10,2)", "numeric", false],
  ["timestamp without time zone", "timestamp with time zone", false],
  ["timestamp with time zone", "date", false],
  ["public.pos", "integer", false],
  ["integer", "public.pos", true],
  ["text", "public.e", true],
])("from %s to %s: rows may fail it: %s", (from, to, fails) => {
  const pos = type("public.pos", { "base type": "integer" });
  const [present, desired] = [schema(pos, column(from)), schema(pos, column(to))];
  expect(failuresOnRows([], { from: present, to: desired })).toEqual(
    fails ? [`column public.t.a: ${from} becomes ${to}: let each value be one of ${to} first`] : [],
  );
  const again = [harmless('ALTER TABLE "public"."t" ADD COLUMN "a" x')];
  expect(failuresOnRows(again, { from: present, to: desired })).toEqual([]);
  expect(failuresOnRows([], { from: { ...present, objects: [pos, column(from)] }, to: desired })).toEqual([]);
  const inherited = schema(pos, column(to, { inherited: "only" }));
  expect(failuresOnRows([], { from: present, to: inherited })).toEqual([]);
});

test("an enum that loses a value, if a column has it", () => {
  const [both, one] = [["x", "y"], ["y"]].map((values) => type("public.e", { values })) as [
    SchemaObject,
    SchemaObject,
  ];
  const said = ["type public.e loses x: let no row have such a value first"];
  expect(failuresOnRows([], { from: schema(both, column("public.e")), to: schema(one) })).toEqual(said);
  expect(failuresOnRows([], { from: schema(both, column("public.e[]")), to: schema(one) })).toEqual(said);
  expect(failuresOnRows([], { from: schema(both, column("text")), to: schema(one) })).toEqual([]);
  expect(failuresOnRows([], { from: schema(one, column("public.e")), to: schema(both) })).toEqual([]);
});
