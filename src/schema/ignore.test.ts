import { expect, test } from "vitest";
import { ignoredBy } from "./ignore.ts";
import type { SchemaSnapshot } from "./snapshot.ts";

const SNAPSHOT: SchemaSnapshot = {
  ...{ format: 1, server: 180_004 },
  objects: [
    { kind: "schema", name: "partman", parents: [], attributes: {} },
    { kind: "table", name: "partman.part", parents: ["schema partman"], attributes: {} },
    { kind: "column", name: "partman.part.id", parents: ["table partman.part"], attributes: {} },
    { kind: "table", name: "public.audit_log", parents: [], attributes: {} },
    { kind: "index", name: "public.audit_log", parents: ["table public.users"], attributes: {} },
  ],
};

const ignored = (...patterns: readonly string[]) => {
  const isIgnored = ignoredBy(patterns, [SNAPSHOT]);
  return SNAPSHOT.objects.flatMap((one) => (isIgnored(one) ? [`${one.kind} ${one.name}`] : []));
};

test("a pattern means a name, or a kind with a name, and all that belongs to it", () => {
  expect(ignored()).toEqual([]);
  expect(ignored("schema partman")).toEqual([
    "schema partman",
    "table partman.part",
    "column partman.part.id",
  ]);
  expect(ignored("table *.audit_*")).toEqual(["table public.audit_log"]);
  expect(ignored("public.audit_log")).toEqual(["table public.audit_log", "index public.audit_log"]);
  expect(ignored("audit_log", "part*mann.part", "public.audit", "*x*", "**y")).toEqual([]);
  expect(ignored("index *")).toEqual(["index public.audit_log"]);
  expect(ignored("*")).toHaveLength(5);
});

test("a pattern of many stars is read in the length of the text", () => {
  const name = "a".repeat(20_000);
  expect(ignoredBy([`${"a*".repeat(5_000)}b`], [])({ kind: "table", name })).toBe(false);
});
