import { expect, test } from "vitest";
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import { lossesOf } from "./losses.ts";

const column = (type: string, more = {}): SchemaSnapshot => ({
  format: 1,
  server: 180_004,
  objects: [
    { kind: "column", name: "public.t.a", parents: ["table public.t"], attributes: { type, ...more } },
  ],
});

test.each([
  ["integer", "bigint", true],
  ["bigint", "integer", false],
  ["character varying(10)", "character varying(20)", true],
  ["character varying(20)", "character varying(10)", false],
  ["character varying(20)", "text", true],
  ["text", "character varying(20)", false],
  ["numeric(10,2)", "numeric(12,2)", true],
  ["numeric(10,2)", "numeric(10,4)", false],
  ["numeric", "numeric(10,2)", false],
  ["text", "integer", false],
])("%s to %s keeps all values: %s", (from, to, keeps) => {
  const losses = lossesOf([], { from: column(from), to: column(to) });
  expect(losses).toEqual(keeps ? [] : [`column public.t.a: ${from} becomes ${to}`]);
});

test("what a generated column loses can be made again", () => {
  const dropped = {
    text: 'ALTER TABLE "public"."t" DROP COLUMN "a"',
    transaction: "any",
    losesData: true,
  } as const;
  const empty = { ...column("integer"), objects: [] };
  expect(lossesOf([dropped], { from: column("integer"), to: empty })).toEqual([dropped.text]);
  const generated = column("integer", { generated: "stored (b * 2)" });
  expect(lossesOf([dropped], { from: generated, to: empty })).toEqual([]);
});

test("what no statement is known to lose is found by what is gone", () => {
  const empty = { ...column("integer"), objects: [] };
  expect(lossesOf([], { from: column("integer"), to: empty })).toEqual(["column public.t.a is dropped"]);
  const generated = column("integer", { generated: "stored (b * 2)" });
  expect(lossesOf([], { from: column("integer"), to: generated })).toEqual([
    "column public.t.a is generated from then on",
  ]);
  const mood = (...values: string[]): SchemaSnapshot => ({
    ...empty,
    objects: [{ kind: "type", name: "public.mood", parents: [], attributes: { type: "enum", values } }],
  });
  expect(lossesOf([], { from: mood("sad", "ok"), to: mood("ok", "glad") })).toEqual([
    "type public.mood loses sad",
  ]);
});
