import { expect, test } from "vitest";
import { ConfigError, DatabaseError, ERROR_CODES, type ErrorCode, StepFailed } from "../../errors.ts";
import {
  codesForPeople,
  DETAILED,
  exitCodeOf,
  exitCodeOfProblems,
  wantedExitCodes,
  worstOf,
} from "./exit.ts";

test("every error has a detailed code that is documented", () => {
  const documented = DETAILED.map(({ code }) => code);
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[])
    expect(documented, code).toContain(exitCodeOfProblems([{ code, message: "" }], "detailed"));
});

test("codes for people are those from 20 on, and an unusable command line", () => {
  expect(codesForPeople()).toEqual([2, 20, 21, 22, 23, 24, 25]);
});

test("of several failures the one decides that needs a person", () => {
  expect(worstOf([10, 23, 0], "detailed")).toBe(23);
  expect(worstOf([10, 11, 0], "detailed")).toBe(11);
  expect(worstOf([2, 10], "detailed")).toBe(2);
  expect(worstOf([1, 10], "detailed")).toBe(10);
  expect(worstOf([], "detailed")).toBe(1);
  for (const codes of [[2, 0], [1, 2], [0, 1], []]) expect(worstOf(codes, "plain")).toBe(1);
  for (const kind of ["plain", "detailed"] as const) expect(worstOf([2, 2], kind)).toBe(2);
});

test("a bug and an unusable command line have their codes in both kinds", () => {
  for (const kind of ["plain", "detailed"] as const) {
    expect(exitCodeOf(new TypeError("bug"), kind)).toBe(1);
    const unusable = new ConfigError({ code: "CONFIG_INVALID", message: "", details: { from: "flag" } });
    expect(exitCodeOf(unusable, kind)).toBe(2);
  }
  const failed = new StepFailed({ code: "STEP_FAILED", message: "one" });
  const gone = new DatabaseError({ code: "DATABASE_UNREACHABLE", message: "two" });
  failed.report = { failures: [{ problem: gone.toProblem() }] };
  expect([exitCodeOf(failed, "plain"), exitCodeOf(failed, "detailed")]).toEqual([1, 23]);
});

test("the kind is known before the command line is parsed, and the last word counts", () => {
  const wanted = (words: string, environment = {}) => wantedExitCodes(words.split(" "), environment);
  expect(wanted("up --exit-codes detailed")).toBe("detailed");
  expect(wanted("up --exit-codes=detailed")).toBe("detailed");
  expect(wanted("up", { GODWIT_EXIT_CODES: "detailed" })).toBe("detailed");
  expect(wanted("up --exit-codes plain", { GODWIT_EXIT_CODES: "detailed" })).toBe("plain");
  expect(wanted("run -- app --exit-codes detailed")).toBe("plain");
});
