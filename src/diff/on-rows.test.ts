import { expect, test } from "vitest";
import type { Attribute, SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { failuresOnRows } from "./on-rows.ts";
import { harmless } from "./statement.ts";

type Attributes = Readonly<Record<string, Attribute>>;

const table = { kind: "table", name: 'public."T t"', parents: [], attributes: {} };
const column = (attributes: Attributes): SchemaObject => ({
  kind: "column",
  name: 'public."T t".a',
  parents: ['table public."T t"'],
  attributes: { type: "integer", ...attributes },
});
const schema = (...objects: readonly SchemaObject[]): SchemaSnapshot => ({
  format: 1,
  server: 180_004,
  objects,
});
const ADD = 'ALTER TABLE "public"."T t" ADD COLUMN "a" integer';
const ADDED = ['column public."T t".a is added as NOT NULL without a default: give it one, or fill it first'];
const domain = { kind: "type", name: "public.d", parents: [], attributes: { default: "1" } };

test.each<[string, string, Attributes, readonly string[]]>([
  ["without a default", `${ADD} NOT NULL`, {}, ADDED],
  ["with a default", `${ADD} DEFAULT 1 NOT NULL`, { default: "1" }, []],
  ["with a default that comes later", `${ADD} NOT NULL`, { default: "1" }, ADDED],
  ["as an identity", `${ADD} GENERATED ALWAYS AS IDENTITY NOT NULL`, { identity: "always" }, []],
  ["of a domain that has a default", 'ALTER TABLE "public"."T t" ADD COLUMN "a" d', { type: "public.d" }, []],
  ["with a constraint that is not valid", ADD, { "not null constraint": "not valid" }, []],
  ["that its parent has", ADD, { inherited: "only" }, []],
])("a column that is added %s", (_, text, attributes, failures) => {
  const to = schema(table, column({ "not null": true, ...attributes }), domain);
  expect(failuresOnRows([harmless(text)], { from: schema(table), to })).toEqual(failures);
  expect(failuresOnRows([harmless(text)], { from: schema(), to })).toEqual([]);
});

test("a column that is there becomes NOT NULL, is it already, or is dropped and made again", () => {
  const required = schema(table, column({ "not null": true }));
  expect(failuresOnRows([], { from: schema(table, column({})), to: required })).toEqual([
    'column public."T t".a becomes NOT NULL: give each row a value there first',
  ]);
  expect(failuresOnRows([], { from: required, to: required })).toEqual([]);
  expect(failuresOnRows([harmless(`${ADD} NOT NULL`)], { from: required, to: required })).toEqual(ADDED);
});

test("a domain that allows no NULL says so for its columns, also through another domain", () => {
  const type = (name: string, attributes: Attributes): SchemaObject => ({
    ...{ kind: "type", name, parents: [], attributes },
  });
  const strict = type("public.d", { "base type": "integer", "not null": true });
  const outer = type("public.o", { "base type": "public.d" });
  const withDefault = type("public.o", { "base type": "public.d", default: "1" });
  const text = 'ALTER TABLE "public"."T t" ADD COLUMN "a" public.o';
  const from = schema(table, strict, outer);
  const to = (domain: SchemaObject, attributes: Attributes = {}) =>
    schema(table, strict, domain, column({ type: "public.o", ...attributes }));
  const failures = (statements: readonly string[], sides: Parameters<typeof failuresOnRows>[1]) =>
    failuresOnRows(statements.map(harmless), sides);
  expect(failures([text], { from, to: to(outer) })).toEqual([
    'column public."T t".a is added without a default, and its type public.d is NOT NULL: give it one, or fill it first',
  ]);
  expect(failures([text], { from, to: to(withDefault) })).toEqual([]);
  expect(failures([`${text} DEFAULT 1`], { from, to: to(outer, { default: "1" }) })).toEqual([]);
  expect(failures([], { from: to(type("public.o", { "base type": "integer" })), to: to(outer) })).toEqual([
    'column public."T t".a becomes NOT NULL by its type public.d: give each row a value there first',
  ]);
  expect(failures([], { from: to(outer), to: to(outer) })).toEqual([]);
});
