import { expect, test } from "vitest";
import { withoutRestrict } from "./restrict.ts";

test("the two commands of pg_dump go, and everything stays in its place", () => {
  const text = "-- dump\n\\restrict aB3\n\ncreate table t (id int);\n\\unrestrict aB3\n";
  expect(withoutRestrict(text)).toBe(
    `-- dump\n${" ".repeat(13)}\n\ncreate table t (id int);\n${" ".repeat(15)}\n`,
  );
});

test("other commands, and what only looks like these, stay", () => {
  for (const text of ["\\connect x\n", "\\restricted x\n", "select '\n\\restrict aB3\n';", "\\restrict\n"])
    expect(withoutRestrict(text)).toBe(text);
});
