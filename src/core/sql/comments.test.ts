import { expect, test } from "vitest";
import { asciiComments } from "./comments.ts";

test("comments become ASCII, everything else and every offset stays", () => {
  const text = "/* ü */ select 'ü' -- 😀\n, $$ -- é $$, \"ö\" /* /* ß */ */;";
  expect(asciiComments(text)).toBe("/* ? */ select 'ü' -- ?\n, $$ -- é $$, \"ö\" /* /* ? */ */;");
  expect(asciiComments("select 1 -- plain")).toBe("select 1 -- plain");
});
