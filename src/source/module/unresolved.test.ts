/** What the versions of Node say of the same mistake leads to the same hint. */
import { expect, test } from "vitest";
import { unresolved } from "./unresolved.ts";

const TEXT = 'import x from "./d.json";';

test.each([
  'Module "file:///a/d.json" needs an import attribute of type "json"',
  'Module "file:///a/d.json" needs an import attribute of "type: json"',
])("JSON without an attribute: %s", (message) => {
  const found = unresolved(message, TEXT);
  expect(found?.hint).toContain('with { type: "json" }');
  expect(found?.sought.exec(TEXT)?.[0]).toBe('"./d.json"');
});
