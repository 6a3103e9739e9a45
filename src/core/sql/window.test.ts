import { expect, test } from "vitest";
import { visibleMark, windowMarks, withWindow } from "./window.ts";

test("a mark is `:window`, with or without an alias, and nothing in a string or a comment", () => {
  const text = `update a set b = ':window', c = $$:window$$ -- :window
where :window and x::window_type and :WINDOW(p) and :window("P q")`;
  expect(windowMarks(text).map(({ start, end, alias }) => [text.slice(start, end), alias])).toEqual([
    [":window", null],
    [":WINDOW(p)", "p"],
    [':window("P q")', "P q"],
  ]);
});

test("every offset of the text leads back to the statement", () => {
  const statement = "update ä set b = 1 where :window and c > 0 and :window(p) or d";
  const marks = windowMarks(statement);
  const { text, written } = withWindow(statement, marks, (alias) => `(${alias ?? ""}id > 1)`);
  expect(text).toBe("update ä set b = 1 where (id > 1) and c > 0 and (pid > 1) or d");
  for (const word of ["update", "b = 1", "c > 0", "or d"])
    expect(written(text.indexOf(word))).toBe(statement.indexOf(word));
  expect(written(text.indexOf("(id") + 2)).toBe(statement.indexOf(":window"));
  expect(written(text.indexOf("(pid") + 2)).toBe(statement.indexOf(":window(p)"));
});

test("RETURNING sees the table of a window that stands in no sub-select", () => {
  const alias = (text: string) => visibleMark(text)?.alias;
  expect(alias("update a set b = 1 where c and (:window(a))")).toBe("a");
  expect(alias("update a set b = (1 + (select 2)) where (c and (:window(a))) and d in (select 1)")).toBe("a");
  expect(alias("update a set b = 1 where c in (select id from p where (:window(p)))")).toBe(undefined);
  expect(alias("update a set b = (select 1 from p where :window(p)) from q where :window(q)")).toBe("q");
  expect(alias("with p as ((select 1 where :window(p))) update a set b = 1")).toBe(undefined);
});
