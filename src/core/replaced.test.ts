import { expect, test } from "vitest";
import { problemsOf } from "../errors.ts";
import { entry, historyOf, inputOf, migration } from "./fixtures.ts";
import { plan } from "./plan.ts";

test("what must not run at all is not called late besides: no hint says how to run it", () => {
  const [b, c, d] = [migration("0002_b"), migration("0003_c"), migration("0004_d")];
  const codes = (history: Parameters<typeof inputOf>[1]) => {
    try {
      plan(inputOf([b, c, d], history));
    } catch (error) {
      return problemsOf(error as Error).map(({ code }) => code);
    }
    return [];
  };
  const again = { ...historyOf(d), replaced: new Set(["0002_b"]) };
  expect(codes({ history: again })).toEqual(["PLAN_LATE", "PLAN_REPLACED"]);
  expect(codes({ history: { ...historyOf(c, d), replaced: new Set(["0002_b"]) } })).toEqual([
    "PLAN_REPLACED",
  ]);
  const gone = entry(migration("0002_other", { text: b.checksum.slice(7) }), { baseline: true });
  expect(codes({ history: historyOf(gone, c, d) })).toEqual(["PLAN_VANISHED"]);
});
