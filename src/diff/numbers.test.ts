import { expect, test } from "vitest";
import type { Attribute, SchemaObject, SchemaSnapshot } from "../schema/snapshot.ts";
import { numbersGoOn } from "./numbers.ts";
import { harmless } from "./statement.ts";

const schema = (...objects: readonly SchemaObject[]): SchemaSnapshot => ({
  format: 1,
  server: 180_004,
  objects,
});
const column = (attributes: Readonly<Record<string, Attribute>>, name = "id"): SchemaObject => ({
  kind: "column",
  name: `public."T t".${name}`,
  parents: ['table public."T t"'],
  attributes: { type: "integer", ...attributes },
});
const sequence = (attributes: Readonly<Record<string, Attribute>> = {}): SchemaObject => ({
  kind: "sequence",
  name: `public."T t_id_seq"`,
  parents: ["schema public"],
  attributes: { increment: "1", minimum: "1", maximum: "99", "owned by": `public."T t".id`, ...attributes },
});
const IDENTITY = { identity: "always" };
const NEXT = { default: `nextval('public."T t_id_seq"'::regclass)` };
const CREATE = 'CREATE SEQUENCE "public"."T t_id_seq" AS integer';
const ADD = 'ALTER TABLE "public"."T t" ADD COLUMN "id" integer NOT NULL GENERATED ALWAYS AS IDENTITY';
const SET = `SELECT pg_catalog.setval('public."T t_id_seq"', max(id)) FROM public."T t" HAVING max(id) >= 1`;
const DOWN = `SELECT pg_catalog.setval('public."T t_id_seq"', min(id)) FROM public."T t" HAVING min(id) <= 99`;

type Attributes = Readonly<Record<string, Attribute>>;

test.each<[string, string, Attributes, Attributes, Attributes, readonly string[]]>([
  ["of a sequence becomes an identity", "", NEXT, IDENTITY, {}, [SET]],
  ["without a default becomes an identity", "", {}, IDENTITY, {}, [SET]],
  ["becomes an identity that counts down", "", {}, IDENTITY, { increment: "-1" }, [DOWN]],
  ["is no identity any more, but of a sequence", CREATE, IDENTITY, NEXT, {}, [SET]],
  ["gets a default of a sequence that is there", "", {}, NEXT, {}, []],
  ["is an identity of another kind", "", { identity: "by default" }, IDENTITY, {}, []],
  ["is dropped and made again", ADD, {}, IDENTITY, {}, []],
  ["of a parent becomes an identity", "", {}, { ...IDENTITY, inherited: "only" }, {}, []],
  ["of another type gets a default", CREATE, {}, { ...NEXT, type: "text" }, {}, []],
])("a column that %s", (_, text, before, after, numbers, statements) => {
  const sides = { from: schema(column(before)), to: schema(column(after), sequence(numbers)) };
  expect(numbersGoOn([harmless(text)], sides).map((one) => one.text)).toEqual(statements);
  expect(numbersGoOn([harmless(text)], { ...sides, from: schema() })).toEqual([]);
});
