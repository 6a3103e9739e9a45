import { expect, test } from "vitest";
import { DatabaseError } from "../errors.ts";
import { refusedByTrigger } from "./not-made.ts";

const raised = (sqlState: string, routine?: string) =>
  new DatabaseError({ code: "DATABASE_ERROR", message: "No." }, { sqlState, routine });

test.each([
  ["what our own statements raise", raised("GW003", "exec_stmt_raise")],
  ["what the server says", raised("42P07", "heap_create_with_catalog")],
  ["another error", new Error("No.")],
])("%s is no word of an event trigger", (_, error) => {
  expect(refusedByTrigger(error, "godwit")).toBe(error);
});

test("what code of the database raises is", () => {
  expect(refusedByTrigger(raised("P0001", "exec_stmt_raise"), "godwit")).toMatchObject({
    message: 'The ledger in schema "godwit" could not be made: No.',
    hint: expect.stringContaining("event trigger"),
  });
});
